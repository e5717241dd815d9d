"""CPU seconds of a clip, in proportion: the frames it decodes and encodes, as one amount of work. Pure.

The unit is a decoded frame. How many seconds one takes is the machine's, and measured there.
"""

from __future__ import annotations

ENCODED_FRAME = 2.0
"""What encoding a frame costs, in decoded ones: a rough prior, of x264's fastest preset at 720p.

Measured: 12 clips of 12 s out of 10 minutes at 25 frames a second took 44.5 CPU seconds with the seek
before the input (some 5,100 frames decoded, 3,600 encoded) and 347 with it after (91,800 and 3,600):
3.5 ms a frame decoded, 7.4 ms one encoded. A slower preset costs more."""


def work(decoded: int, encoded: int) -> float:
    """Frames decoded and frames encoded, together, in decoded ones."""
    return decoded + ENCODED_FRAME * encoded


def encoded_share(decoded: int, encoded: int) -> float:
    """The part of that work which goes into encoding, 0 to 1: what a change of preset can change."""
    whole = work(decoded, encoded)
    return ENCODED_FRAME * encoded / whole if whole else 0.0
