"""How it is known that a sound which is copied can be decoded at all. Pure."""

from __future__ import annotations

from typing import Any

import ffmpeg

from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.media.formats import local, told_words
from clipkit.plan.task import OUTPUT, Check


def decoded_beside(sound: Any, length: str) -> Any:
    """A second output, to nothing, of the ffmpeg that copies the sound: what its decoder says of it.

    Until `length` by the clip's clock: `-t` counts from the first frame, which a seek may have before 0.

    A process of its own would cost twice as much with the bundled ffmpeg and more with a system's, which
    takes long to start (`experiments/benchmarks/cost_of_checks.py` measures what checks cost).
    """
    return ffmpeg.output(sound, "-", f="null", af=f"atrim=end={length}")


def sound_check(build: FfmpegBuild, always: bool = False) -> Check:
    """Decodes the clip's sound; not `always`: where ffmpeg complained, be it of something else."""
    head = (build.path, "-nostdin", "-hide_banner", "-v", "error", "-xerror")
    # The clip's header says of its sound all that decoding takes: no picture need be decoded to find out more.
    unread = ("-probesize", "32", "-analyzeduration", "0")
    source = (*told_words("mov"), *unread, "-i", local(OUTPUT))
    decoding = ("-map", "0:a", "-f", "null", "-")
    return Check(
        (*head, *source, *decoding), wrong="its sound, copied, cannot be decoded", always=always
    )
