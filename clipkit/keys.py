"""A table of a TOML file, read key by key: every error names file, key and legal values."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from clipkit.errors import ClipkitError, UsageError
from clipkit.legal import instead_of, legal_are

Reader = Callable[[Any], Any]
"""Checks a value and returns it, or raises a ClipkitError that says in words what is legal."""

_MOST_LEVELS = 1000
_RANGE = ("from", "to", "step")
_SPAN = re.compile(r"(\d[\d.]*?)\s*(?:-|–|:|to|\.\.+)\s*(\d[\d.]*)")


@dataclass(frozen=True, slots=True)
class Table:
    """A table and where it stands. `path` is the file, `name` the table's, empty for the whole; `kind`
    is what its errors are."""

    path: str
    name: str
    content: Mapping[str, Any]
    kind: type[UsageError] = UsageError

    def __contains__(self, key: str) -> bool:
        return key in self.content

    def error(self, key: str, why: str) -> UsageError:
        where = f"[{self.name}] {key}".strip() if self.name else key
        return self.kind(f"{self.path}: {where}: {why}")

    def only(self, *known: str) -> None:
        """Raise an error for a key that is none of these."""
        for key in self.content:
            if key not in known:
                raise self.error(key, f"unknown key: {instead_of(key, list(known))}")

    def table(self, key: str) -> Table:
        """The table of that name; an empty one where it is left out."""
        content = self.content.get(key, {})
        if not isinstance(content, dict):
            raise self.error(key, f"must be a table: write [{self._within(key)}]")
        return replace(self, name=self._within(key), content=content)

    def tables(self, key: str) -> list[Table]:
        """`[key]` once, or `[[key]]` several times."""
        content = self.content.get(key, [])
        entries = content if isinstance(content, list) else [content]
        if not all(isinstance(entry, dict) for entry in entries):
            raise self.error(key, f"must be tables: write [[{key}]]")
        if len(entries) == 1:
            return [replace(self, name=key, content=entries[0])]
        numbered = enumerate(entries, start=1)
        return [replace(self, name=f"{key} {n}", content=entry) for n, entry in numbered]

    def one(self, key: str, read: Reader, default: Any) -> Any:
        """A single value; `read` checks it and says in its error what is legal."""
        return self._read(key, read, self.content[key]) if key in self.content else default

    def levels(self, key: str, read: Reader, default: tuple[Any, ...]) -> tuple[Any, ...]:
        """A factor's levels: a list, a range `{ from = 1, to = 4, step = 1 }`, or a single value."""
        if key not in self.content:
            return default
        value = self.content[key]
        if isinstance(value, dict):
            value = self._range(key, value)
        values = value if isinstance(value, list) else [value]
        if not values:
            raise self.error(key, "has no level: leave it out or give at least one")
        found = [self._read(key, read, entry) for entry in values]
        if len(set(found)) < len(found):
            raise self.error(key, "names a level twice")
        return tuple(found)

    def _within(self, key: str) -> str:
        return f"{self.name}.{key}" if self.name else key

    def _read(self, key: str, read: Reader, value: Any) -> Any:
        try:
            return read(value)
        except ClipkitError as error:
            raise self.error(
                key, f"{_toml(value)} is not legal; {error}{_several(value)}"
            ) from None

    def _range(self, key: str, content: Mapping[str, Any]) -> list[Any]:
        """From and to inclusive, in decimal arithmetic: 0.1 + 0.2 is 0.3 here."""
        numbers = [content.get("from"), content.get("to"), content.get("step", 1)]
        right = all(type(n) in (int, float) and math.isfinite(n) for n in numbers)
        if not set(content) <= set(_RANGE) or not right:
            raise self.error(key, "a range is written { from = 1, to = 4, step = 1 }")
        first, last, step = (Decimal(str(number)) for number in numbers)
        count = int((last - first) / step) + 1 if step > 0 else 0
        if not 1 <= count <= _MOST_LEVELS:
            raise self.error(key, f"the range {_toml(content)} has no or too many levels")
        values = [first + n * step for n in range(count)]
        whole = all(type(number) is int for number in numbers)
        return [int(value) if whole else float(value) for value in values]


def _several(value: Any) -> str:
    """How several levels are written, for one text that seems to hold them: `1-4`, `256M, 512M`."""
    if not isinstance(value, str):
        return ""
    span = _SPAN.fullmatch(value.strip())
    if span:
        ends = f"from = {span[1]}, to = {span[2]}, step = 1"
        return f". Several levels are a list, [{span[1]}, {span[2]}], or a range, {{ {ends} }}"
    words = [word.strip() for word in value.split(",")]
    return f". Several levels are a list, {words}" if len(words) > 1 else ""


def _toml(value: Any) -> str:
    """A value as it stands in the file, more or less, and not too long."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(entry)}" for key, entry in value.items()) + " }"
    return repr(value)[:80]


def text_level(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise UsageError(legal_are(["any text that is not empty"]))
    return value


def one_of(known: Collection[str]) -> Reader:
    def read(value: Any) -> str:
        if value not in known:
            raise UsageError(legal_are(known))
        return str(value)

    return read


def whole_number(low: int, high: int) -> Reader:
    def read(value: Any) -> int:
        if type(value) is not int or not low <= value <= high:
            raise UsageError(legal_are([f"whole numbers from {low} to {high}"]))
        return value

    return read


def number_between(low: float, high: float) -> Reader:
    def read(value: Any) -> float:
        if type(value) not in (int, float) or not math.isfinite(value) or not low <= value <= high:
            raise UsageError(legal_are([f"numbers from {low:g} to {high:g}"]))
        return float(value)

    return read
