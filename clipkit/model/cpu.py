"""CPU seconds of a clip, in proportion: the frames it decodes and encodes, as one amount of work. Pure.

The unit is a decoded frame. How many seconds one takes is the machine's, and measured there.
"""

from __future__ import annotations

from clipkit.media.geometry import Framing

ENCODED_FRAME = 2.0
"""What encoding a frame costs, in decoded ones: a rough prior, of x264's fastest preset at 720p, right
within a factor of two; a slower preset costs more."""
SCALED_FRAME = 0.5
"""What scaling a frame down costs, in decoded ones: `experiments/benchmarks/framed.py` finds jobs
at `ultrafast` to take 0.61 to 0.86 of the whole picture's CPU seconds where this comes to 0.63 to 0.68."""

COPIED_CLIP = 15.0
"""What a clip that is copied whole takes, in decoded frames: a rough prior. Of 720p it took 0.13 s on half a
CPU, where `smart` took 9 ms for each of its (means of the confirming runs in results/tune-default)."""


def work(decoded: float, encoded: float, encoded_frame: float = ENCODED_FRAME) -> float:
    """Frames decoded and frames encoded, together, in decoded ones."""
    return decoded + encoded_frame * encoded


def encoded_frame(picture: Framing, whole: float = ENCODED_FRAME) -> float:
    """What encoding a frame costs, in decoded ones, where it is cropped or scaled: in proportion to its
    pixels, and what the scaler takes for those that it reads. `whole`: of a picture as it is."""
    pixels = picture.of.width * picture.of.height
    scaled = SCALED_FRAME * picture.part_width * picture.part_height if picture.is_scaled else 0.0
    return (whole * picture.pixels + scaled) / pixels


def most_from_idle(cores: float, cpus: float) -> float:
    """How many times as fast a job becomes that uses so many of the host's CPUs, if it finds a use for
    what it leaves idle: the most that more threads, or more clips at once, can bring."""
    return max(1.0, cpus / cores)


def cpus_for_gain(gain: float, cores: float) -> float:
    """From how many CPUs on as much can be gained by a job that uses so many cores where it has them."""
    return gain * cores
