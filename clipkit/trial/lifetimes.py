"""How long at least one ffmpeg was running, of the times at which each began and ended. Pure."""

from __future__ import annotations

from collections.abc import Iterable


def union_s(spans: Iterable[tuple[float, float]], low_s: float, high_s: float) -> float:
    """Seconds from `low_s` to `high_s` that lie in at least one of the spans, each (began, ended)."""
    covered_s, reached_s = 0.0, low_s
    for began_s, ended_s in sorted(spans):
        new_from_s, new_to_s = max(began_s, reached_s), min(ended_s, high_s)
        if new_to_s > new_from_s:
            covered_s += new_to_s - new_from_s
            reached_s = new_to_s
    return covered_s


def gaps_s(spans: Iterable[tuple[float, float]], low_s: float, high_s: float) -> float:
    """What is left of that time: what passed while no ffmpeg was running."""
    return high_s - low_s - union_s(spans, low_s, high_s)
