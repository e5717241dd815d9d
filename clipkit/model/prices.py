"""What a clip costs on a host that is paid by the month: busy, and at a load that leaves it idle. Pure."""

from __future__ import annotations

MONTH_S = 365.25 / 12 * 86_400
DAY_S = 86_400
CLIPS = 1000
"""Prices are told for so many."""


def usd_when_busy(usd_per_month: float, s_per_clip: float) -> float:
    """For 1,000 clips of a host that cuts day and night."""
    return usd_per_month / MONTH_S * s_per_clip * CLIPS


def usd_at_load(usd_per_month: float, clips_per_day: float) -> float:
    """For 1,000 clips where so many come a day: what is idle is paid too."""
    return usd_per_month / (clips_per_day * MONTH_S / DAY_S) * CLIPS
