"""Times as ffmpeg's words have them. Pure."""

from __future__ import annotations

_SAME_S = 1e-3
"""Words may be printed with fewer digits than the time has."""


def is_time(word: str, time_s: float) -> bool:
    """Whether a word is that time: in seconds, or as `H:MM:SS.m`."""
    try:
        parts = [float(part) for part in reversed(word.split(":"))]
    except ValueError:
        return False
    told_s: float = sum(part * 60.0**place for place, part in enumerate(parts))
    return abs(told_s - time_s) < _SAME_S
