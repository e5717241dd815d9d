"""Tasks of clipkit's own engine, mode `copy`: exactly the frames of each clip, none of them encoded.

A copy can begin at an access point alone. What is shown from there to the start stays in the file, hidden
by an edit list, and so does at the end what the last pictures refer to. How that is kept right in players
that ignore the list is in `plan.squeezed`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import ffmpeg

from clipkit.errors import ModeRefused
from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.format import MIB
from clipkit.media.access import points_within, tick_before
from clipkit.media.upload import Upload
from clipkit.model.memory import bound_bytes, clip_anon_bytes
from clipkit.plan.clips import Clip, Job
from clipkit.plan.colours import tone_mapped
from clipkit.plan.copied_sound import copied_sound_options, hidden_sound_s, lacks_needed_sound
from clipkit.plan.copyable import SAMPLE_ENTRIES, check_film, taken
from clipkit.plan.encode import FILM, command_head, compiled_argv, read_until, source_options
from clipkit.plan.encoded_sound import (
    has_sound,
    is_copied,
    sound_changes,
    sound_of,
    sound_stream,
)
from clipkit.plan.entry import seek_before
from clipkit.plan.frames import FrameSpan, span
from clipkit.plan.hidden import Hidden
from clipkit.plan.lifted import lifting
from clipkit.plan.sound_check import decoded_beside, sound_check
from clipkit.plan.squeezed import MOST_HIDDEN_S, Squeeze, clock_for, run_behind, runs_of
from clipkit.plan.task import OUTPUT, Attempt, Hides, Patch, Run, Step, Task
from clipkit.plan.timing import timing_of
from clipkit.settings import Settings

# Without an index a seek may land after its target, and needs the packets before the access point.
_LOOSE_MARGIN_S = 1.0
# Behind its end a clip's packets are dropped one by one; then ffmpeg may stop reading.
_READ_ON_S = 0.2
_SETS = {"h264": "7|8", "hevc": "32-34"}
# Of AAC at 8 kHz, in frames of 1024 samples.
_ENCODER_DELAY_S = 0.13


@dataclass(frozen=True, slots=True)
class _Cut:
    """All that decides how one clip is cut. `taken`: when the packets to copy would be shown, in ticks from
    the container's start and in the order of decoding; `origin_s`: that start, exactly as ffmpeg reckons.
    `points`: the numbers of those that may be sought, `other_points`: how many more the container marks so."""

    upload: Upload
    clip: Clip
    settings: Settings
    build: FfmpegBuild
    frames: FrameSpan
    taken: tuple[int, ...]
    origin_s: Fraction
    squeeze: Squeeze
    points: tuple[int, ...]
    other_points: int

    @property
    def access_s(self) -> Fraction:
        """When the first packet is shown, by the container's clock."""
        return self.origin_s + self.taken[0] * self.upload.time_base


def copy_tasks(job: Job, settings: Settings, build: FfmpegBuild) -> list[Task]:
    """One task a clip, in the job's order.

    Raises ClipRangeError for a clip outside its upload, ModeRefused where one cannot be copied as it has
    to be.
    """
    return [
        _task(number, _cut(job.upload, clip, settings, build))
        for number, clip in enumerate(job.clips, start=1)
    ]


def check_copy(upload: Upload, clip: Clip, settings: Settings) -> None:
    """Raises ModeRefused where the clip cannot be copied as it has to be, ClipRangeError outside its upload."""
    check_film(upload, settings)
    _check_tone(upload, settings)
    frames = span(upload, clip)
    _check_sound(upload, frames, settings)
    _squeeze(upload, frames, taken(upload, frames))


def copy_hides(upload: Upload, clip: Clip) -> Hidden:
    """Raises ClipRangeError, ModeRefused."""
    frames = span(upload, clip)
    ticks = taken(upload, frames)
    last, latest = upload.tick(frames.last), max(ticks)
    until_s = latest * upload.time_base + Fraction(1 / upload.fps)
    return Hidden(
        preroll_s=max(0.0, float(frames.zero_s - ticks[0] * upload.time_base)),
        tail_s=max(0.0, float(until_s - frames.end_s)) if latest > last else 0.0,
    )


def _cut(upload: Upload, clip: Clip, settings: Settings, build: FfmpegBuild) -> _Cut:
    check_film(upload, settings)
    _check_tone(upload, settings)
    frames = span(upload, clip)
    _check_sound(upload, frames, settings)
    ticks = taken(upload, frames)
    origin_s = upload.origin_ticks * upload.time_base
    squeeze = _squeeze(upload, frames, ticks)
    points, others = points_within(upload, ticks)
    return _Cut(
        upload, clip, settings, build, frames, ticks, origin_s, squeeze, tuple(points), others
    )


def _check_tone(upload: Upload, settings: Settings) -> None:
    if tone_mapped(upload, settings):
        raise ModeRefused(
            f"{upload.path} is HDR, which a copy stays: use --mode encode, or --hdr keep"
        )


def _check_sound(upload: Upload, frames: FrameSpan, settings: Settings) -> None:
    zero_s = upload.origin_ticks * upload.time_base + frames.zero_s
    if lacks_needed_sound(upload, settings, zero_s):
        raise ModeRefused(
            f"{upload.path} cannot be cut by copying there: packets of its sound are lost just before "
            f"{float(frames.zero_s):.3f} s; use --mode smart or --mode encode"
        )


def _squeeze(upload: Upload, frames: FrameSpan, taken: tuple[int, ...]) -> Squeeze:
    time_base, origin = upload.time_base, upload.origin_ticks
    first, last = upload.tick(frames.first), upload.tick(frames.last)
    before = sorted(tick for tick in taken if tick < first)
    behind = sorted(tick for tick in taken if tick > last)
    runs, clock = runs_of([origin + t for t in before], time_base, clock_for(time_base))
    # The last picture is shown, though it may be for less than a tick.
    last_s = max(last * time_base - frames.zero_s, Fraction(0))
    end = max(int((frames.end_s - frames.zero_s) * clock), round(last_s * clock) + 1)
    return Squeeze(
        ticks_per_s=clock,
        zero_s=origin * time_base + frames.zero_s,
        end_s=origin * time_base + frames.end_s,
        # In the middle between two pictures: a clock may be finer than ours.
        hidden_until_s=origin * time_base + _middle_s(upload, before[-1:], [first]),
        shown_until_s=origin * time_base + _middle_s(upload, [last], behind[:1]),
        runs=runs,
        behind=run_behind([origin + t for t in behind], time_base, end, clock),
        end_tick=end,
    )


def _middle_s(upload: Upload, below: list[int], above: list[int]) -> Fraction:
    """Between the last and the first of these ticks; a second away where one is missing."""
    second = 1 / upload.time_base
    low = below[0] if below else above[0] - second
    high = above[0] if above else low + second
    return (low + high) * upload.time_base / 2


def _task(number: int, cut: _Cut) -> Task:
    upload = cut.upload
    return Task(
        number=number,
        output=f"clip-{number:03d}.mp4",
        attempts=(*_lifted(cut), *_copied(cut)),
        frames_stored=len(cut.taken),
        frames_shown=cut.frames.frames,
        timing=timing_of(upload, cut.frames, sound_of(upload, cut.settings)),
        reads=cut.build.may_read(upload.path),
        predicted_bytes=bound_bytes(clip_anon_bytes(upload, cut.settings)),
        max_output_bytes=2 * upload.size_bytes + 16 * MIB,
        hides=Hides(float(MOST_HIDDEN_S), _hidden_sound_s(cut)),
    )


def _lifted(cut: _Cut) -> Iterator[Attempt]:
    """Without an ffmpeg, where that can be, and nobody asks for one that reads from the start."""
    step = lifting(cut.upload, cut.taken, cut.squeeze, cut.points, _sound(cut))
    if step and cut.settings.seek != "output":
        yield Attempt((step,), change=_change(cut, 0), encoded_frames=0)


def _copied(cut: _Cut) -> Iterator[Attempt]:
    for rank, seek_s in enumerate(_seeks(cut)):
        yield Attempt(_steps(cut, seek_s), change=_change(cut, rank), encoded_frames=0)


def _hidden_sound_s(cut: _Cut) -> float:
    """Where it is encoded, an encoder's own delay comes before it."""
    sound = sound_of(cut.upload, cut.settings)
    return max(hidden_sound_s(sound), _ENCODER_DELAY_S) if sound else 0.0


def _change(cut: _Cut, rank: int) -> str | None:
    """How an attempt differs from what was asked, in words."""
    again = ["read from the upload's start"] if rank else []
    return "; ".join([*sound_changes(cut.upload, cut.settings, _sound(cut)), *again]) or None


def _seeks(cut: _Cut) -> list[float | None]:
    """Where to start reading, cheapest first; the last, from the start, is always right."""
    upload, sound = cut.upload, sound_of(cut.upload, cut.settings)
    if cut.settings.seek == "output" or upload.seek == "none":
        return [None]
    access_s = float(cut.access_s - cut.origin_s)
    seek_s = access_s - (0.0 if upload.seek == "exact" else _LOOSE_MARGIN_S)
    heard_s = float(cut.frames.zero_s) - (hidden_sound_s(sound) if sound else 0.0)
    if heard_s < seek_s:  # where a demuxer lands it may drop all sound before
        seek_s = seek_before(upload, heard_s) or 0.0
    return [seek_s, None] if seek_s > 0 else [None]


def _steps(cut: _Cut, seek_s: float | None) -> tuple[Step, ...]:
    sound = _sound(cut)
    end_s = cut.squeeze.end_tick / cut.squeeze.ticks_per_s
    has_others = cut.other_points or cut.upload.seek == "none"
    sought = " ".join(map(str, cut.points)) if has_others else ""
    end = Patch("end_at", {"file": OUTPUT, "end_s": end_s, "seek_to": sought})
    checks = [sound_check(cut.build)] if _is_sound_decoded(cut, sound) else []
    return (Run(tuple(_argv(cut, seek_s, sound))), end, *checks)


def _sound(cut: _Cut) -> dict[str, object]:
    squeeze = cut.squeeze
    return copied_sound_options(cut.upload, cut.settings, squeeze.zero_s, squeeze.end_s)


def _is_sound_decoded(cut: _Cut, sound: dict[str, object]) -> bool:
    """Whether a copied sound is decoded too, to see that it can be: a third of what a clip of 12 s costs.

    That its head can be, the probe has seen, and all else is the upload's own, as the pictures are, which
    nobody decodes either. So only where the upload is known to be damaged.
    """
    return is_copied(sound) and bool(cut.upload.damaged_places)


def _argv(cut: _Cut, seek_s: float | None, sound: dict[str, object]) -> list[str]:
    """`-copyts`, since ffmpeg's own zero is not always the container's start.

    Sound that is encoded has an input of its own: ffmpeg 5.1 would read pictures before it knows the sound's
    encoder, keep them back until then, and reckon their times in a clock that is not theirs.
    """
    upload = cut.upload
    source = source_options(upload)
    if seek_s is not None:
        source |= {"ss": f"{seek_s:.6f}", "noaccurate_seek": None}
    film = ffmpeg.input(FILM, **source)
    streams = [film[str(upload.video_stream)]]
    if has_sound(upload, cut.settings):
        heard = film if is_copied(sound) else ffmpeg.input(FILM, **source, vn=None)
        streams.append(heard[sound_stream(upload)])
    stop_s = float(cut.squeeze.end_s) + _READ_ON_S
    made = ffmpeg.output(
        *streams,
        OUTPUT,
        map_chapters=-1,
        sn=None,
        dn=None,
        f="mp4",
        movflags="+faststart",
        movie_timescale=cut.squeeze.ticks_per_s,
        **read_until(stop_s),
        **{"c:v": "copy", "tag:v": SAMPLE_ENTRIES[upload.codec], "bsf:v": _picture_filters(cut)},
        **sound,
    )
    is_decoded = _is_sound_decoded(cut, sound)
    beside = [decoded_beside(streams[1], f"{stop_s:.6f}")] if is_decoded else []
    return compiled_argv(
        ffmpeg.merge_outputs(*beside, made), [*command_head(cut.build), "-copyts"], upload
    )


def _picture_filters(cut: _Cut) -> str:
    """First times get their fine clock, in a filter of its own: one that also changes them reckons in the old
    clock and rounds afterwards, and before it ffmpeg 5.1 has packets of one clock and the tick of another."""
    squeeze, packets = cut.squeeze, len(cut.taken)
    earlier = tick_before(cut.upload, cut.taken[0])
    below = [] if earlier is None else [earlier]
    from_s = float(cut.origin_s + _middle_s(cut.upload, below, [cut.taken[0]]))
    # All that is decoded before the access point is shown before it, and so are the leading pictures of an
    # open group, which cannot be decoded now: Chromium stops at such.
    counted = f"if(lt(pts*tb,{from_s:.15g}),1,gt(st(0,ld(0)+1),{packets}))"
    filters = [
        f"setts=time_base=1/{squeeze.ticks_per_s}:pts=PTS:dts=DTS",
        f"noise=amount=0:drop='{counted}'",
        f"setts=pts='{squeeze.pts()}':dts='{squeeze.dts()}':duration='{squeeze.duration(packets)}'",
    ]
    if cut.upload.sets_inside:  # the sample entry has them
        filters.append(f"filter_units=remove_types={_SETS[cut.upload.codec]}")
    return ",".join(filters)
