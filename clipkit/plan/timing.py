"""When a right clip shows its frames and is heard: what the engine compares it with. Pure."""

from __future__ import annotations

from itertools import groupby, pairwise

from clipkit.media.upload import AudioTrack, Upload
from clipkit.plan.frames import FrameSpan, shown_ticks
from clipkit.plan.task import Heard, Timing


def timing_of(upload: Upload, frames: FrameSpan, sound: AudioTrack | None) -> Timing:
    shows = shown_ticks(upload, frames)
    stands = [later - at for at, later in pairwise((*shows.at_ticks, shows.length_ticks))]
    return Timing(
        tick_s=(shows.tick_s.numerator, shows.tick_s.denominator),
        runs=tuple((len(list(alike)), ticks) for ticks, alike in groupby(stands)),
        heard=_heard(sound, frames) if sound else None,
    )


def _heard(track: AudioTrack, frames: FrameSpan) -> Heard | None:
    """None where it is not known, or where there is no sound meanwhile."""
    zero_s, end_s = frames.zero_s, frames.end_s
    within = [(low, high) for low, high in track.heard_s or () if low < end_s and high > zero_s]
    if not within:
        return None
    from_s, to_s = max(within[0][0], zero_s), min(within[-1][1], end_s)
    return Heard(float(from_s - zero_s), float(to_s - zero_s), track.frame_s)
