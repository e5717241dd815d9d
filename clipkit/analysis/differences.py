"""What two campaigns were measured on, and what of it is not the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from clipkit import format as fmt
from clipkit.analysis.surroundings import surroundings
from clipkit.records.campaign import Campaign
from clipkit.records.evidence import evidence
from clipkit.records.identity import plain

# Where these differ, no cell is shared: they are among its levels.
_DECIDE = ("upload", "job", "host")


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that is not the same in both, in words. `decides`: cells cannot be shared by it."""

    what: str
    a: str
    b: str
    decides: bool = False


def differences(a: Campaign, b: Campaign) -> list[Difference]:
    """What is not the same, the gravest first."""
    sides = (_facts(a), _facts(b))
    found = [
        Difference(what, sides[0][what][0], sides[1][what][0], decides=what in _DECIDE)
        for what in sides[0]
        if sides[0][what] != sides[1][what]
    ]
    ours, theirs = surroundings(a), surroundings(b)
    if ours.unlike(theirs):
        found.append(Difference("noise", ours.words, theirs.words))
    return found


def _facts(side: Campaign) -> dict[str, tuple[str, object]]:
    """What a campaign was measured on: the words to show, and what tells it from another."""
    rows = evidence(side.table)
    return {
        "upload": _uploads(side, rows),
        "job": _distinct(rows, _job_words, "clips", "clip_s", "clip_starts_s"),
        "host": _distinct(
            rows, _host_words, "host", "memory_limit_bytes", "cpu_quota", "reserve_bytes"
        ),
        "ceiling": _distinct(rows, _plain, "ceiling"),
        "ffmpeg": _distinct(rows, _plain, "ffmpeg_version"),
        "clipkit": _distinct(rows, _plain, "clipkit_version"),
        "machine": (
            "; ".join(dict.fromkeys(map(_machine_words, side.machines.values()))),
            sorted(set(rows["host_id"])),
        ),
        "system": _alike(
            ", ".join(
                dict.fromkeys(str(m.get("system", "unknown")) for m in side.machines.values())
            )
        ),
    }


def _alike(words: str) -> tuple[str, object]:
    return words, words


def _distinct(
    rows: pd.DataFrame, words: Callable[[tuple[Any, ...]], str], *columns: str
) -> tuple[str, object]:
    """The distinct values of these columns, in words and sorted."""
    values = {tuple(map(plain, row)) for row in rows[list(columns)].itertuples(index=False)}
    found = sorted(values, key=repr)
    return ", ".join(dict.fromkeys(map(words, found))) or "none", found


def _uploads(side: Campaign, rows: pd.DataFrame) -> tuple[str, object]:
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
    return f"{name} ({fmt.memory(memory_bytes)}, {fmt.cpus(cpus)}{reserve})"


def _machine_words(machine: Mapping[str, Any]) -> str:
    memory = fmt.size(machine.get("memory_bytes"))
    return f"{machine.get('cpu', 'unknown')}, {machine.get('cores', '?')} cores, {memory}"
