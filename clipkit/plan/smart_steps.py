"""The steps by which mode `smart` makes a clip: what ffmpeg is told of each part, and how they are joined. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import groupby, pairwise
from typing import Any

import ffmpeg

from clipkit.media.avc import Avc
from clipkit.plan.copied_sound import copied_sound_options, hidden_sound_s
from clipkit.plan.encode import (
    FILM,
    command_head,
    compiled_argv,
    decoded_options,
    read_until,
    source_options,
)
from clipkit.plan.encoded_pictures import mp4_tick_s
from clipkit.plan.encoded_sound import is_copied, sound_of, sound_stream
from clipkit.plan.entry import Cut, Entry, seek_before
from clipkit.plan.frames import frame_tick_s, shown_ticks, stretch
from clipkit.plan.seams import Seams
from clipkit.plan.smart_pictures import copied_options, encoded_options
from clipkit.plan.sound_check import decoded_beside, sound_check
from clipkit.plan.task import OUTPUT, Patch, Run, Step, scratch

HEAD, TAIL, END, SOUND = (scratch(f"{part}.mp4") for part in ("head", "tail", "end", "sound"))
# Behind its end packets are dropped one by one; then ffmpeg may stop reading.
_READ_ON_S = 1.0


@dataclass(frozen=True, slots=True)
class Joined:
    """All that decides how one clip is put together."""

    cut: Cut
    seams: Seams
    avc: Avc

    @property
    def head(self) -> Cut | None:
        first, behind = self.cut.frames.first, self.seams.copied
        return self._only(first, behind - 1) if first < behind else None

    @property
    def end(self) -> Cut | None:
        first, last = self.seams.behind, self.cut.frames.last
        return self._only(first, last) if first <= last else None

    def _only(self, first: int, last: int) -> Cut:
        return replace(self.cut, frames=stretch(self.cut.upload, self.cut.frames, first, last))

    @property
    def encoded_frames(self) -> int:
        return self.cut.frames.frames - self.seams.frames

    @property
    def ticks(self) -> int:
        """A second has so many in the clip."""
        return mp4_tick_s(frame_tick_s(self.cut.upload, self.cut.frames)).denominator

    @property
    def origin_s(self) -> Fraction:
        """The upload's start by the clock that ffmpeg reads (`-copyts`, since its own zero is another at times)."""
        return self.cut.upload.origin_ticks * self.cut.upload.time_base


def steps_of(joined: Joined, from_start: bool) -> tuple[Step, ...]:
    """`from_start`: the upload is read from there on, which is always right.

    The end in a process of its own, and before: so two encoders never take memory at the same time.
    """
    parts, steps = {"tail": TAIL}, []
    if joined.end:
        parts["end"] = END
        steps.append(_run(joined, [_encoded(joined, joined.end, END, from_start)]))
    outputs = [_copied(joined, from_start)]
    if joined.head:
        parts["head"] = HEAD
        outputs.insert(0, _encoded(joined, joined.head, HEAD, from_start))
    checks = []
    if sound := sound_of(joined.cut.upload, joined.cut.settings):
        parts["sound"] = SOUND
        before_s = float(joined.cut.frames.zero_s) - hidden_sound_s(sound)
        heard = _film(joined, before_s, from_start)[sound_stream(joined.cut.upload)]
        options = sound_options(joined)
        outputs.append(ffmpeg.output(heard, SOUND, **options, **_mp4(joined)))
        if is_copied(options):
            outputs.append(decoded_beside(heard, f"{_stop_s(joined):.6f}"))
            checks.append(sound_check(joined.cut.build))
    steps.append(_run(joined, outputs))
    return (
        *steps,
        Patch("join_parts", {"file": OUTPUT, "layout": _layout(joined), **parts}),
        *checks,
    )


def sound_options(joined: Joined) -> dict[str, object]:
    cut = joined.cut
    zero_s, end_s = (time_s + joined.origin_s for time_s in (cut.frames.zero_s, cut.frames.end_s))
    options = copied_sound_options(cut.upload, cut.settings, zero_s, end_s)
    return options | read_until(_stop_s(joined))


def _stop_s(joined: Joined) -> float:
    """By the clock that ffmpeg reads."""
    return float(joined.cut.frames.end_s + joined.origin_s) + _READ_ON_S


def _run(joined: Joined, outputs: list[Any]) -> Run:
    settings, started = joined.cut.settings, [*command_head(joined.cut.build), "-copyts"]
    if settings.filter_threads:
        started += ["-filter_threads", str(settings.filter_threads)]
    return Run(tuple(compiled_argv(ffmpeg.merge_outputs(*outputs), started, joined.cut.upload)))


def _mp4(joined: Joined) -> dict[str, object]:
    return {"f": "mp4", "map_chapters": -1, "movie_timescale": joined.ticks}


def _film(joined: Joined, time_s: float, from_start: bool, **options: object) -> Any:
    """The upload, read from where all from that time on is."""
    upload = joined.cut.upload
    seek_s = None if from_start else seek_before(upload, time_s)
    if seek_s is not None:
        # Without accurate_seek ffmpeg drops nothing itself; filters decide, one by one.
        options |= {"ss": f"{seek_s:.6f}", "noaccurate_seek": None}
    return ffmpeg.input(FILM, **(source_options(upload) | options))


def _encoded(joined: Joined, part: Cut, file: str, from_start: bool) -> Any:
    """One part of the clip as an output, its pictures as they are stored: players turn them."""
    told = {**decoded_options(part), "noautorotate": None}
    film = _film(joined, part.frames.first_s, from_start, **told)
    entry = Entry(None, -joined.origin_s, keep_times=True)
    options = encoded_options(part, entry, joined.avc, Fraction(1, joined.ticks))
    return ffmpeg.output(film[str(part.upload.video_stream)], file, **options, **_mp4(joined))


def _copied(joined: Joined, from_start: bool) -> Any:
    """The copied part as an output, the upload's times shifted so that its first picture is at 0."""
    upload = joined.cut.upload
    key_s = upload.frame_times_s[joined.seams.copied]
    shift = {"itsoffset": f"{-key_s - upload.container_start_s:.6f}"}
    film = _film(joined, key_s, from_start, **shift)
    options = copied_options(upload, joined.seams)
    return ffmpeg.output(film[str(upload.video_stream)], TAIL, **options, **_mp4(joined))


def _layout(joined: Joined) -> str:
    """How many pictures are copied, ticks a second, and for how many of these each picture stands."""
    shows, ticks = shown_ticks(joined.cut.upload, joined.cut.frames), joined.ticks
    each = shows.tick_s * ticks
    at = [round(tick * each) for tick in (*shows.at_ticks, shows.length_ticks)]
    stands = (later - earlier for earlier, later in pairwise(at))
    runs = ",".join(f"{len(list(alike))}x{stood}" for stood, alike in groupby(stands))
    return f"{joined.seams.frames} {ticks} {runs}"
