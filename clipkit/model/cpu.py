"""CPU seconds of a clip: frames decoded and frames encoded, in one unit. Pure."""

from __future__ import annotations

ENCODED_FRAME = 2.0
"""Encoding a frame takes about as long as decoding this many (x264's fastest preset, 720p H.264): a
rough prior, right within a factor of two, which measurements outweigh where there are any."""


def work(decoded: float, encoded: float) -> float:
    """What a clip costs, in frames decoded."""
    return decoded + ENCODED_FRAME * encoded
