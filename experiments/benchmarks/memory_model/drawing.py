"""Which settings each upload is cut with: drawn from its name, so that a later run draws the same."""

from __future__ import annotations

import random
from typing import Any

from clipkit.settings import Settings

_PRESETS = (
    *("ultrafast", "ultrafast", "superfast", "veryfast", "veryfast", "faster", "fast", "medium"),
    "slow",
)
_OF_LARGE = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium")
_LARGE_PIXELS = 3_600_000
"""From there on the slowest preset is left out, since it takes minutes."""
LENGTHS_S = (1.2, 3.2, 3.2, 3.2)
"""The first is shorter than some presets look ahead."""


def drawn(name: str, pixels: int, seed: int, count: int) -> list[tuple[Settings, float]]:
    """So many settings with the lengths of their clips."""
    chance = random.Random(f"{seed}-{name}")  # noqa: S311 (no secret)
    return [(_settings(chance, pixels), chance.choice(LENGTHS_S)) for _ in range(count)]


def _settings(chance: random.Random, pixels: int) -> Settings:
    table: dict[str, Any] = {
        "preset": chance.choice(_OF_LARGE if pixels >= _LARGE_PIXELS else _PRESETS),
        "encoder_threads": chance.choice([1, 1, 2, 3, 4, 0]),
        "decoder_threads": chance.choice([1, 1, 2, 3, 4, 0]),
    }
    if chance.random() < 0.35:
        table["lookahead"] = chance.choice([0, 5, 10, 20])
    if chance.random() < 0.3:
        table["mbtree"] = chance.choice([False, True])
    if chance.random() < 0.3:
        table["bframes"] = chance.choice([0, 1, 2, 3])
    if chance.random() < 0.3:
        table["refs"] = chance.choice([1, 2, 3, 4])
    if chance.random() < 0.15:
        table["scale_height"] = chance.choice([360, 480])
    if chance.random() < 0.1:
        table["crop"] = chance.choice(["9:16", "1:1"])
    return Settings(**table)
