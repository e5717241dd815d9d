"""CPU seconds of a clip, in proportion: the frames it decodes and encodes, as one amount of work. Pure.

The unit is a decoded frame. How many seconds one takes is the machine's, and measured there.
"""

from __future__ import annotations

ENCODED_FRAME = 2.0
"""What encoding a frame costs, in decoded ones: a rough prior, of x264's fastest preset at 720p, right
within a factor of two; a slower preset costs more."""


def work(decoded: float, encoded: float, encoded_frame: float = ENCODED_FRAME) -> float:
    """Frames decoded and frames encoded, together, in decoded ones."""
    return decoded + encoded_frame * encoded


def most_from_idle(cores: float, cpus: float) -> float:
    """How many times as fast a job becomes that uses so many of the host's CPUs, if it finds a use for
    what it leaves idle: the most that more threads, or more clips at once, can bring."""
    return max(1.0, cpus / cores)


def cpus_for_gain(gain: float, cores: float) -> float:
    """From how many CPUs on as much can be gained by a job that uses so many cores where it has them."""
    return gain * cores
