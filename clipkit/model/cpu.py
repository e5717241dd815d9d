"""CPU seconds of a clip, in proportion: the frames it decodes and encodes, as one amount of work. Pure.

The unit is a decoded frame. How many seconds one takes is the machine's, and measured there.
"""

from __future__ import annotations

ENCODED_FRAME = 2.0
"""What encoding a frame costs, in decoded ones: a rough prior, of x264's fastest preset at 720p, right
within a factor of two; a slower preset costs more. What is measured outweighs it."""


def work(decoded: float, encoded: float) -> float:
    """Frames decoded and frames encoded, together, in decoded ones."""
    return decoded + ENCODED_FRAME * encoded
