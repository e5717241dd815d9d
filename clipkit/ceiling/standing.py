"""The limits that already stand: what the groups around us hold us to, as in a small container."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

from clipkit.ceiling.base import Limits
from clipkit.ceiling.hierarchies import hierarchies

_Number = TypeVar("_Number", int, float)

NO_LIMIT1 = 2**62
"""From here on it is none: v1 writes "no limit" as the largest multiple of a page in 63 bits."""


def limits_here() -> Limits:
    """The tightest limits of our own groups and their ancestors, as far as they can be seen."""
    return _tightest_of(folder for h in hierarchies() for folder in h.upwards(h.own))


def limits_above(folders: Iterable[Path]) -> Limits:
    """The tightest limits of the ancestors of these groups."""
    tops = [h.top for h in hierarchies()]
    return _tightest_of(
        above
        for folder in folders
        for above in folder.parents
        if any(above.is_relative_to(top) for top in tops)
    )


def tightest(one: Limits, other: Limits) -> Limits:
    return Limits(
        memory_bytes=_least((one.memory_bytes, other.memory_bytes)),
        cpus=_least((one.cpus, other.cpus)),
        swap_bytes=one.swap_bytes,
        pids=_least((one.pids, other.pids)),
    )


def group_memory_bytes(folder: Path) -> int | None:
    """The limit of this very group, of either version."""
    limit = _number(folder / "memory.max")
    if limit is None:
        limit = _number(folder / "memory.limit_in_bytes")
    return None if limit is None or limit >= NO_LIMIT1 else limit


def group_cpus(folder: Path) -> float | None:
    quota, _, period = _text(folder / "cpu.max").partition(" ")
    if not period:
        quota = _text(folder / "cpu.cfs_quota_us")
        period = _text(folder / "cpu.cfs_period_us")
    return int(quota) / int(period) if quota.isdigit() and period else None


def group_pids(folder: Path) -> int | None:
    return _number(folder / "pids.max")


def _tightest_of(folders: Iterable[Path]) -> Limits:
    seen = list(dict.fromkeys(folders))
    return Limits(
        memory_bytes=_least(map(group_memory_bytes, seen)),
        cpus=_least(map(group_cpus, seen)),
        pids=_least(map(group_pids, seen)),
    )


def _least(values: Iterable[_Number | None]) -> _Number | None:
    return min((value for value in values if value is not None), default=None)


def _number(file: Path) -> int | None:
    word = _text(file)
    return int(word) if word.isdigit() else None


def _text(file: Path) -> str:
    try:
        return file.read_text("ascii").strip()
    except OSError:
        return ""
