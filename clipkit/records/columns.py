"""The one table of columns: of each its name, what an experiment calls it, type, unit and words.

It is made of the declarations of `Record` and `Settings`, so that it cannot drift from them. Records,
tables, experiments, filters, notebooks, charts and `results/README.md` take from it what they need.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

import pandas as pd

from clipkit import format as fmt
from clipkit import hosts
from clipkit.errors import UsageError
from clipkit.records.record import Record
from clipkit.records.served import Served
from clipkit.settings import Settings, knobs

_SPEAKING_KNOBS = ("mode", "preset")
_UNITS = {"bytes": "bytes", "s": "seconds", "fraction": "share", "month": "USD", "min": "a minute"}


@dataclass(frozen=True, slots=True)
class Column:
    """`key` is what an experiment's file, a filter and a notebook's parameter call it; `title` what
    people do. `missing` is what no value is called, of a column that varies; `speaks`: its levels tell
    by themselves what they are levels of. `kind` is int, float, bool, str or a tuple of floats;
    `nullable`: it may be unknown. `stored`: it is in `runs.jsonl`; the others are made when it is read.
    """

    name: str
    kind: Any
    meaning: str
    nullable: bool
    key: str | None = None
    title: str = ""
    missing: str = "default"
    speaks: bool = False
    stored: bool = True

    @property
    def unit(self) -> str | None:
        """By the end of its name; None where it has none."""
        return _UNITS.get(self.name.rpartition("_")[2])

    @property
    def short(self) -> str:
        """What to type for it."""
        return self.key or self.name

    def read(self, value: Any) -> Any:
        """A level as somebody writes it: sizes may be text such as `512M`, numbers text as well.

        Raises HostError for what is no size, UsageError for what is no number.
        """
        if value is None or isinstance(value, bool) or self.kind not in (int, float, bool):
            return value
        if self.unit == "bytes":
            return hosts.parse_size(str(value))
        return self._number(value) if isinstance(value, str) else value

    def _number(self, text: str) -> float | bool:
        words = {"true": True, "false": False, "on": True, "off": False}
        if self.kind is bool and text.lower() in words:
            return words[text.lower()]
        try:
            number = float(text)
        except ValueError:
            raise UsageError(f"{self.short} = '{text}' is no number") from None
        return int(number) if self.kind is int and number.is_integer() else number

    def level(self, value: Any) -> str:
        """A level by itself, with its unit: `512 MB`, `2 CPU`, `ultrafast`, `3`."""
        if value is None or pd.isna(value):
            return self.missing
        if self.unit == "bytes":
            return fmt.size(float(value))
        if self.name == "cpu_quota":
            return fmt.cpus(float(value))
        if self.unit == "seconds":
            return f"{value:g} s"
        if isinstance(value, bool):
            return "on" if value else "off"
        return value[:8] if self.name == "upload_sha256" else str(value)

    def words(self, value: Any) -> str:
        """A level with what it is a level of: `512 MB`, `concurrency 3`."""
        alone = self.level(value)
        tells = self.speaks and alone != "default"
        return alone if tells else f"{self.title} {alone}"

    def listed(self, several: Iterable[Any]) -> str:
        """`ultrafast, veryfast, medium`."""
        return ", ".join(self.level(value) for value in several)


@cache
def columns() -> tuple[Column, ...]:
    """Every column of `runs.jsonl` in its order, settings and what only services have included."""
    found = [Column("schema_version", int, "of this line", nullable=False)]
    for name, each in _declared_in(Record).items():
        if name == "settings":
            found += _of_settings()
        elif name == "served":
            found += _declared_in(Served).values()
        else:
            found.append(each)
    return tuple(found)


def column(word: str) -> Column:
    """The column of that name or key. Raises UsageError where there is none."""
    known = _by_word()
    if word not in known:
        raise UsageError(f"there is no column '{word}': see results/README.md")
    return known[word]


def is_column(word: str) -> bool:
    return word in _by_word()


@cache
def _by_word() -> dict[str, Column]:
    made = Column("upload", str, "name of the upload", False, "upload", "upload", "", True, False)
    every = (*columns(), made)
    keys = {each.key: each for each in every if each.key}
    return keys | {each.name: each for each in every}


def _declared_in(kind: Any) -> dict[str, Column]:
    hints = typing.get_type_hints(kind)
    found = {}
    for declared in dataclasses.fields(kind):
        of, nullable = _kind(hints[declared.name])
        found[declared.name] = _titled(
            Column(declared.name, of, nullable=nullable, **declared.metadata)
        )
    return found


def _of_settings() -> list[Column]:
    hints = typing.get_type_hints(Settings)
    return [
        _titled(
            Column(
                knob.name,
                _kind(hints[knob.name])[0],
                knob.help,
                nullable=True,
                key=knob.name,
                speaks=knob.name in _SPEAKING_KNOBS,
            )
        )
        for knob in knobs()
    ]


def _titled(found: Column) -> Column:
    title = found.title or found.name.replace("_", " ")
    return dataclasses.replace(found, title=title)


def _kind(hint: Any) -> tuple[Any, bool]:
    nullable = isinstance(hint, types.UnionType)
    if nullable:
        hint = next(kind for kind in typing.get_args(hint) if kind is not types.NoneType)
    is_status = isinstance(hint, type) and issubclass(hint, StrEnum)
    return (str if is_status else hint), nullable
