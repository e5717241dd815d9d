"""Whether the machine was quiet while it measured. Pure."""

from __future__ import annotations

from clipkit import format as fmt

_BUSY = 0.1
"""Other processes' share of all cores' time beyond which the seconds are told to be too long."""


def busy_words(others_share: float | None) -> str | None:
    """What it means that other processes used that share of the machine; None: it was quiet."""
    if others_share is None or others_share <= _BUSY:
        return None
    return (
        f"a quiet machine: other processes used {fmt.percent(others_share)} of it, "
        "so the seconds are too long and the ratios less sure; measure again when it is idle"
    )
