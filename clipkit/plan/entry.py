"""Where decoding starts for a clip that is re-encoded, and all that decides how it is cut. Pure."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from fractions import Fraction

from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.media.look import Look
from clipkit.media.upload import Upload
from clipkit.plan.clips import Clip
from clipkit.plan.frames import FrameSpan
from clipkit.plan.own_pictures import own_look
from clipkit.settings import Settings

# How far before the wanted key frame to aim in a container without an index: its seek may land
# after its target, and needs the packets before the key frame to find it.
_LOOSE_MARGIN_S = 1.0
_SOUND_BEFORE_S = 0.3
"""Matroska's demuxer drops all that begins before the key frame where it lands, of sound too: the packet that covers the
start, and those that its decoder needs before (two of AAC at 8 kHz, 80 ms of Opus)."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Where decoding starts, and from where on the upload times in the filter graph count.

    `keep_times`: the container's times are kept as they are, where ffmpeg's own zero cannot be
    relied upon. Without an index it depends on which streams are mapped; in Matroska on ffmpeg's
    version (5.1 starts with the encoder's delay before the sound, 9.0 with the pictures).
    """

    seek_s: float | None
    origin_s: Fraction
    keep_times: bool

    def graph_us(self, time_s: Fraction) -> int:
        """A time of the upload in the filter graph, in microseconds."""
        return round((time_s - self.origin_s) * 1_000_000)


@dataclass(frozen=True, slots=True)
class Cut:
    """All that decides how one clip is cut. `upload` has the facts of the clip's own pictures."""

    upload: Upload
    clip: Clip
    frames: FrameSpan
    settings: Settings
    build: FfmpegBuild
    has_poster: bool = False

    @property
    def own_look(self) -> Look:
        """How its first picture is made."""
        return own_look(self.upload, self.frames)


def seek_before(upload: Upload, time_s: float) -> float | None:
    """Where to seek, from the container's start, so that all from that time on is read: the last key frame at or before,
    at its own time, as ffmpeg may land behind one among the leading pictures of an open group. None: the start."""
    number = bisect_right(upload.key_frame_times_s, time_s) - 1
    if number < 0 or upload.seek == "none":
        return None
    margin_s = 0.0 if upload.seek == "exact" else _LOOSE_MARGIN_S
    seek_s = upload.key_frame_times_s[number] - margin_s
    return seek_s if seek_s > 0 else None


def entries(cut: Cut) -> list[Entry]:
    """Where to start decoding, cheapest first; the last, from the start, is always right."""
    upload, frames = cut.upload, cut.frames
    origin_s = -upload.origin_ticks * upload.time_base
    from_the_start = Entry(None, origin_s, keep_times=True)
    reachable = [t for t in upload.key_frame_times_s if t <= frames.first_s]
    if cut.settings.seek == "output" or upload.seek == "none" or not reachable:
        return [from_the_start]
    if upload.seek == "exact" and frames.first_s > 0:
        if "matroska" in upload.container:
            seek_s = frames.first_s - (_SOUND_BEFORE_S if upload.sound else 0.0)
            sought = [Entry(seek_s, origin_s, keep_times=True)] if seek_s > 0 else []
            return [*sought, from_the_start]
        first_s = upload.tick(frames.first) * upload.time_base
        return [Entry(frames.first_s, first_s, keep_times=False), from_the_start]
    seek_s = reachable[-1] - _LOOSE_MARGIN_S
    if seek_s <= 0:
        return [from_the_start]
    return [Entry(seek_s, origin_s, keep_times=True), from_the_start]
