"""Tasks of clipkit's own engine, mode `snap`: a plain copy from the key frame at or before the start.

What cutting costs at the least, to measure other modes by. A clip begins up to a whole group of
pictures early; all of that is shown, nothing is hidden before it.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, replace

import ffmpeg

from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.format import MIB
from clipkit.media.upload import Upload
from clipkit.model.memory import bound_bytes, clip_anon_bytes
from clipkit.plan.clips import Clip, Job
from clipkit.plan.copyable import SAMPLE_ENTRIES, SOUNDS, check_film
from clipkit.plan.encode import FILM, command_head, compiled_argv, source_options
from clipkit.plan.encoded_sound import (
    has_sound,
    is_copied,
    mixed_down,
    sound_changes,
    sound_of,
    sound_stream,
)
from clipkit.plan.frames import FrameSpan, low_bound_s, span
from clipkit.plan.sound_check import sound_check
from clipkit.plan.task import OUTPUT, Attempt, Patch, Run, Task
from clipkit.plan.timing import timing_of
from clipkit.settings import Settings

# Without an index a seek may land after its target, and needs the packets before the key frame.
_LOOSE_MARGIN_S = 1.0
# Ticks a second: in ffmpeg's 1,000 the clip's end could be rounded across a picture.
_MOVIE_TICKS = 90_000
_SHIFT_S = 1e-6


@dataclass(frozen=True, slots=True)
class _Cut:
    """All that decides how one clip is cut; `key_s` is where its first picture is in the upload."""

    upload: Upload
    clip: Clip
    settings: Settings
    build: FfmpegBuild
    key_s: float


def snap_tasks(job: Job, settings: Settings, build: FfmpegBuild) -> list[Task]:
    """One task a clip, in the job's order.

    Raises ClipRangeError for a clip outside its upload, ModeRefused where its pictures or its
    sound cannot be copied into an MP4.
    """
    check_film(job.upload, settings)
    return [_task(number, job, clip, settings, build) for number, clip in enumerate(job.clips, 1)]


def snap_span(upload: Upload, clip: Clip) -> FrameSpan:
    """The frames that a clip really holds: from the key frame at or before its first one.

    Raises ClipRangeError for a clip outside its upload.
    """
    asked = span(upload, clip)
    key_s = max((t for t in upload.key_frame_times_s if t <= asked.first_s), default=asked.first_s)
    first = bisect_left(upload.frame_times_s, key_s)
    return replace(
        asked,
        first=first,
        first_s=upload.frame_times_s[first],
        low_s=low_bound_s(upload, first),
        zero_s=upload.tick(first) * upload.time_base,
        held=False,
    )


def _task(number: int, job: Job, clip: Clip, settings: Settings, build: FfmpegBuild) -> Task:
    shown = snap_span(job.upload, clip)
    cut = _Cut(job.upload, clip, settings, build, shown.first_s)
    early_s = clip.start_s - cut.key_s
    early = f"starts at the key frame {early_s:.3f} s before" if round(early_s, 3) > 0 else None
    # The copy ends in decoding order, some pictures late.
    end = Patch("show_until", {"file": OUTPUT, "end_s": clip.end_s - cut.key_s})
    # Nothing of it is decoded while it is cut.
    check = [sound_check(build, always=True)] if is_copied(_sound_options(cut, 0.0)) else []
    return Task(
        number=number,
        output=f"clip-{number:03d}.mp4",
        attempts=tuple(
            Attempt(
                (Run(tuple(_argv(cut, seek_s))), end, *check),
                change=_change(cut, early, rank),
                encoded_frames=0,
            )
            for rank, seek_s in enumerate(_seeks(cut))
        ),
        frames_stored=None,  # how many pictures too many ffmpeg leaves is its own affair
        frames_shown=shown.frames,
        timing=timing_of(job.upload, shown, sound_of(job.upload, settings)),
        predicted_bytes=bound_bytes(clip_anon_bytes(job.upload, settings)),
        reads=build.may_read(job.upload.path),
        max_output_bytes=2 * job.upload.size_bytes + 16 * MIB,
    )


def _change(cut: _Cut, early: str | None, rank: int) -> str | None:
    """How an attempt differs from what was asked, in words."""
    again = "read from the upload's start" if rank else None
    sound = sound_changes(cut.upload, cut.settings, _sound_options(cut, 0.0))
    return "; ".join(words for words in (early, *sound, again) if words) or None


def _seeks(cut: _Cut) -> list[float | None]:
    """Where to start reading, cheapest first; the last, from the start, is always right."""
    upload = cut.upload
    margin_s = 0.0 if upload.seek == "exact" else _LOOSE_MARGIN_S
    seek_s = cut.key_s - margin_s
    if cut.settings.seek == "output" or upload.seek == "none" or seek_s <= 0:
        return [None]
    return [seek_s, None]


def _argv(cut: _Cut, seek_s: float | None) -> list[str]:
    """Times are shifted so that the key frame is at 0, and what comes before is dropped by its own
    time, wherever the seek has landed: an open group's leading pictures too, which nothing can decode.

    0 is the same in every time base: ffmpeg 5.1's filter sees times in the muxer's and takes them for
    the upload's. And `-copyts`, since ffmpeg's own zero is not always the container's start.
    """
    upload, length_s = cut.upload, cut.clip.end_s - cut.key_s
    source = source_options(upload) | {"itsoffset": f"{-cut.key_s - upload.container_start_s:.6f}"}
    if seek_s is not None:
        source |= {"ss": f"{seek_s:.6f}", "noaccurate_seek": None}
    film = ffmpeg.input(FILM, **source)
    streams = [film[str(upload.video_stream)]]
    if has_sound(upload, cut.settings):
        streams.append(film[sound_stream(upload)])
    graph = ffmpeg.output(
        *streams,
        OUTPUT,
        map_chapters=-1,
        sn=None,
        dn=None,
        f="mp4",
        movflags="+faststart",
        movie_timescale=_MOVIE_TICKS,
        t=f"{length_s:.6f}",
        **{"c:v": "copy", "tag:v": SAMPLE_ENTRIES[upload.codec], "bsf:v": _dropping(upload)},
        **_sound_options(cut, length_s),
    )
    return compiled_argv(graph, [*command_head(cut.build), "-copyts"], upload)


def _dropping(upload: Upload) -> str:
    """Of ticks finer than the shift's microseconds, as many as make one are its rounding."""
    return f"noise=amount=0:drop='lt(pts,{-int(_SHIFT_S / float(upload.time_base))})'"


def _sound_options(cut: _Cut, length_s: float) -> dict[str, object]:
    """Copied where an MP4 can hold it; what must be re-encoded is, to AAC."""
    sound = sound_of(cut.upload, cut.settings)
    if sound is None:
        return {"an": None}
    if cut.settings.audio != "aac" and sound.codec in SOUNDS:
        return {"c:a": "copy", "bsf:a": "noise=amount=0:drop='lt(pts,0)'"}
    filters = [f"atrim=start=0:end={length_s:.6f}", *mixed_down(sound)]
    return {"c:a": "aac", "b:a": "128k", "af": ",".join(filters)}
