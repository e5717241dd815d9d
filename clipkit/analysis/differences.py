"""What two campaigns were measured on, and what of it is not the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pandas as pd

from clipkit import format as fmt
from clipkit.records.evidence import evidence

# Where these differ, no cell is shared: its name is made of them.
_DECIDE = ("upload", "job", "host")


class Opened(Protocol):
    """A campaign that was read."""

    @property
    def folder(self) -> Path: ...
    @property
    def table(self) -> pd.DataFrame: ...
    @property
    def environment(self) -> Mapping[str, Any]: ...
    @property
    def uploads(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that is not the same in both, in words. `decides`: cells cannot be shared by it."""

    what: str
    a: str
    b: str
    decides: bool = False


def differences(a: Opened, b: Opened) -> list[Difference]:
    """What is not the same, the gravest first."""
    sides = (_facts(a), _facts(b))
    return [
        Difference(what, sides[0][what][0], sides[1][what][0], decides=what in _DECIDE)
        for what in sides[0]
        if sides[0][what] != sides[1][what]
    ]


def _facts(side: Opened) -> dict[str, tuple[str, object]]:
    """What a campaign was measured on: the words to show, and what tells it from another."""
    rows, machine = evidence(side.table), side.environment
    return {
        "upload": _uploads(side, rows),
        "job": _distinct(rows, _job_words, "clips", "clip_s", "clip_starts_s"),
        "host": _distinct(
            rows, _host_words, "host", "memory_limit_bytes", "cpu_quota", "reserve_bytes"
        ),
        "ceiling": _distinct(rows, _plain, "ceiling"),
        "ffmpeg": _distinct(rows, _plain, "ffmpeg_version"),
        "clipkit": _distinct(rows, _plain, "clipkit_version"),
        "machine": (_machine_words(machine), sorted(set(rows["host_id"]))),
        "system": _alike(str(machine.get("system", "unknown"))),
    }


def _alike(words: str) -> tuple[str, object]:
    return words, words


def _distinct(
    rows: pd.DataFrame, words: Callable[[tuple[Any, ...]], str], *columns: str
) -> tuple[str, object]:
    """The distinct values of these columns, in words and sorted."""
    values = {tuple(map(hashable, row)) for row in rows[list(columns)].itertuples(index=False)}
    found = sorted(values, key=repr)
    return ", ".join(dict.fromkeys(map(words, found))) or "none", found


def _uploads(side: Opened, rows: pd.DataFrame) -> tuple[str, object]:
    """Told apart by their content, not by what they are called."""
    names = {facts.get("sha256"): name for name, facts in side.uploads.items()}
    found = sorted(set(rows["upload_sha256"]))
    return ", ".join(f"{names.get(sha, 'unnamed')} ({sha[:8]})" for sha in found) or "none", found


def _plain(values: tuple[Any, ...]) -> str:
    return str(values[0])


def _job_words(values: tuple[Any, ...]) -> str:
    clips, clip_s, starts_s = values
    return f"{clips} clips of {clip_s:g} s (the first at {starts_s[0]:g} s)"


def _host_words(values: tuple[Any, ...]) -> str:
    name, memory_bytes, cpus, reserve_bytes = values
    reserve = f", reserve {fmt.size(reserve_bytes)}" if reserve_bytes else ""
    return f"{name} ({size_words(memory_bytes)}, {fmt.cpus(cpus)}{reserve})"


def _machine_words(machine: Mapping[str, Any]) -> str:
    memory = fmt.size(machine.get("memory_bytes"))
    return f"{machine.get('cpu', 'unknown')}, {machine.get('cores', '?')} cores, {memory}"


def size_words(size_bytes: Any) -> str:
    return "any memory" if known(size_bytes) is None else fmt.size(size_bytes)


def known(value: Any) -> Any:
    return None if pd.isna(value) else value


def hashable(value: Any) -> object:
    if hasattr(value, "__len__") and not isinstance(value, str):
        return tuple(value)
    return None if pd.isna(value) else value
