"""Columns and their levels in words: `memory ceiling`, `512 MB`, `concurrency 3`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

from clipkit import format

_NAMES = {
    "upload_sha256": "upload",
    "clip_s": "clip length",
    "clips": "clips of the job",
    "memory_limit_bytes": "memory ceiling",
    "cpu_quota": "CPU quota",
    "reserve_bytes": "reserve",
    "ffmpeg_version": "ffmpeg version",
    "host_id": "machine",
}
_SPEAKING = ("subject", "upload", "upload_sha256", "host", "host_id", "preset", "ffmpeg_version",
             "ceiling", "memory_limit_bytes", "cpu_quota")  # fmt: skip
"""Their levels tell by themselves what they are levels of."""


def name(column: str) -> str:
    return _NAMES.get(column, column.replace("_", " "))


def level(column: str, value: Any) -> str:
    """A level by itself, with its unit: `512 MB`, `2 CPU`, `ultrafast`, `3`."""
    if value is None or pd.isna(value):
        unlimited = {"memory_limit_bytes": "no limit", "cpu_quota": "unlimited CPU"}
        return unlimited.get(column, "default")
    if column in ("memory_limit_bytes", "reserve_bytes"):
        return format.size(float(value))
    if column == "cpu_quota":
        return format.cpus(float(value))
    if column == "clip_s":
        return f"{value:g} s"
    if isinstance(value, bool):
        return "on" if value else "off"
    return value[:8] if column == "upload_sha256" else str(value)


def words(column: str, value: Any) -> str:
    """A level with what it is a level of: `512 MB`, `concurrency 3`."""
    alone = level(column, value)
    return alone if column in _SPEAKING and alone != "default" else f"{name(column)} {alone}"


def listed(column: str, several: Iterable[Any]) -> str:
    """`ultrafast, veryfast, medium`."""
    return ", ".join(level(column, value) for value in several)


def titled(column: str, alone: str) -> str:
    """A level in words as a title, for a chart: `memory ceiling 512 MB`, `ultrafast`."""
    return plain(alone if column in ("preset", "subject", "upload") else f"{name(column)} {alone}")


def plain(text: str) -> str:
    """Text that a chart shows letter by letter: no formulas, nothing that cannot be printed."""
    shown = (
        letter if letter.isprintable() or letter == "\n" else "\N{REPLACEMENT CHARACTER}"
        for letter in text
    )
    return "".join(shown).replace("$", r"\$")
