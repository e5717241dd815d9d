"""Tasks of clipkit's own engine, mode `smart`: exactly the frames of each clip, most of them copied.

Encoded are the pictures before the first one at which decoding can start anew, and those at the end that
cannot be decoded without pictures beyond it; what lies between is copied, bit by bit. So nothing is hidden,
and what a clip costs does not grow with its length. One ffmpeg makes all parts, each from an input of its
own, and the engine joins them (`clipkit.engine.joining` says why not ffmpeg).

The seam is an IDR picture: another parameter set may begin there alone (ISO/IEC 14496-10, 7.4.1.2.1). A clip
in which there is none, as in films of open groups, is encoded whole, and says so.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import groupby, pairwise
from typing import Any

import ffmpeg

from clipkit.errors import ModeRefused
from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.media.avc import Avc
from clipkit.media.formats import whole_pictures
from clipkit.media.upload import Upload
from clipkit.plan.clips import Job
from clipkit.plan.colours import tone_mapped
from clipkit.plan.damage import damage_signs
from clipkit.plan.encode import (
    FILM,
    command_head,
    compiled_argv,
    encode_tasks,
    source_options,
)
from clipkit.plan.encoded_pictures import mp4_tick_s
from clipkit.plan.encoded_sound import audio_options, has_sound, sound_changes, sound_stream
from clipkit.plan.entry import Cut, Entry, entries
from clipkit.plan.frames import shown_ticks, span, stretch
from clipkit.plan.seams import Seams, seams
from clipkit.plan.smart_pictures import copied_options, encoded_options
from clipkit.plan.sound_check import decoded_beside, is_copied, sound_check
from clipkit.plan.task import OUTPUT, Attempt, Patch, Run, Step, Task, scratch
from clipkit.settings import Settings

_PROFILES = (66, 77, 100)
_PLAYABLE = ("yuv420p", "yuvj420p")
# Without an index a seek may land after its target, and needs the packets before the key frame.
_LOOSE_MARGIN_S = 1.0
_MOST_NUMBERS = 31


def smart_tasks(job: Job, settings: Settings, build: FfmpegBuild) -> list[Task]:
    """One task a clip, in the job's order.

    Raises ModeRefused where the upload's pictures cannot be joined with encoded ones, ClipRangeError for a
    clip outside its upload, FfmpegError where the build lacks a need.
    """
    avc = _joinable(job.upload, settings)
    build.require(encoders=("libx264",))
    cuts = [Cut(job.upload, clip, span(job.upload, clip), settings, build) for clip in job.clips]
    return [_task(number, cut, avc) for number, cut in enumerate(cuts, 1)]


def _joinable(upload: Upload, settings: Settings) -> Avc:
    """Raises ModeRefused."""
    instead = "use --mode encode"
    for name in ("crop", "scale_height"):
        if getattr(settings, name) is not None:
            raise ModeRefused(
                f"mode smart copies most pictures of {upload.path} as they are, so {name} needs mode encode"
            )
    if upload.codec != "h264":
        raise ModeRefused(
            f"{upload.path} holds {upload.codec}, and mode smart joins H.264 alone: {instead}"
        )
    avc = upload.avc
    if avc is None:
        raise ModeRefused(
            f"{upload.path} does not say in one way how its pictures are coded, so none can be encoded to go "
            f"with them: {instead}"
        )
    if upload.pixel_format not in _PLAYABLE or avc.profile not in _PROFILES:
        raise ModeRefused(
            f"{upload.path} holds H.264 in {upload.pixel_format} of profile {upload.profile}, which browsers do "
            f"not play: {instead}"
        )
    if not avc.frames_only:
        raise ModeRefused(
            f"{upload.path} is coded in fields (interlaced), which nothing here encodes to go with them: {instead}"
        )
    if tone_mapped(upload, settings):
        raise ModeRefused(f"{upload.path} is HDR, which a copy stays: {instead}, or --hdr keep")
    if len(avc.numbers) > _MOST_NUMBERS:
        raise ModeRefused(f"{upload.path} has no number left for a parameter set: {instead}")
    return avc


@dataclass(frozen=True, slots=True)
class _Joined:
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
        return mp4_tick_s(shown_ticks(self.cut.upload, self.cut.frames).frame_tick_s).denominator


def _task(number: int, cut: Cut, avc: Avc) -> Task:
    upload = cut.upload
    [whole] = encode_tasks(Job(upload, (cut.clip,), None), cut.settings, cut.build)
    whole = replace(whole, number=number, output=f"clip-{number:03d}.mp4")
    found = seams(upload, cut.frames)
    if isinstance(found, str):
        return replace(whole, attempts=tuple(_encoded_whole(whole, found)))
    joined = _Joined(cut, found, avc)
    attempts = (
        Attempt(
            _steps(joined, entry),
            change=_change(joined, rank),
            encoded_frames=joined.encoded_frames,
        )
        for rank, entry in enumerate(entries(cut))
    )
    return replace(
        whole,
        attempts=(*attempts, *_encoded_whole(whole, "its parts could not be joined")),
        # Turned by the player and not by the encoder.
        size=None if upload.rotation_deg else (upload.coded_width, upload.coded_height),
        damage=damage_signs(upload.video_stream, inputs=r"\d+"),
        max_output_bytes=whole.max_output_bytes + upload.size_bytes,
    )


def _encoded_whole(task: Task, why: str) -> Iterator[Attempt]:
    for attempt in task.attempts:
        words = [f"encoded whole: {why}", *([attempt.change] if attempt.change else [])]
        yield replace(attempt, change="; ".join(words))


def _change(joined: _Joined, rank: int) -> str | None:
    words = sound_changes(joined.cut.upload, joined.cut.settings)
    words += ["read from the upload's start"] if rank else []
    return "; ".join(words) or None


HEAD, TAIL, END, SOUND = (scratch(f"{part}.mp4") for part in ("head", "tail", "end", "sound"))


def _steps(joined: _Joined, entry: Entry) -> tuple[Step, ...]:
    """The end in a process of its own, before: so two encoders never take memory at the same time."""
    cut = joined.cut
    sound = audio_options(cut, entry)
    parts, steps = {"tail": TAIL}, []
    if joined.end:
        parts["end"] = END
        argv = _command(joined, entry, [_encoded(joined, joined.end, entry, END)])
        steps.append(Run(tuple(argv)))
    outputs = [_copied(joined, entry)]
    if joined.head:
        parts["head"] = HEAD
        outputs.insert(0, _encoded(joined, joined.head, entry, HEAD))
    if has_sound(cut.upload, cut.settings):
        parts["sound"] = SOUND
        heard = _source(cut, entry, 0)[sound_stream(cut.upload)]
        outputs.append(ffmpeg.output(heard, SOUND, **sound, **_mp4(joined)))
        if is_copied(sound):
            outputs.append(decoded_beside(heard, str(sound["t"])))
    steps.append(Run(tuple(_command(joined, entry, outputs))))
    joining = Patch("join_parts", {"file": OUTPUT, "layout": _layout(joined), **parts})
    checking = [sound_check(cut.build)] if is_copied(sound) else []
    return (*steps, joining, *checking)


def _mp4(joined: _Joined) -> dict[str, object]:
    return {"f": "mp4", "map_chapters": -1, "movie_timescale": joined.ticks}


def _command(joined: _Joined, entry: Entry, outputs: list[Any]) -> list[str]:
    settings, started = joined.cut.settings, command_head(joined.cut.build)
    if settings.filter_threads:
        started += ["-filter_threads", str(settings.filter_threads)]
    if entry.keep_times:
        started.append("-copyts")
    return compiled_argv(ffmpeg.merge_outputs(*outputs), started, joined.cut.upload)


def _encoded(joined: _Joined, part: Cut, entry: Entry, file: str) -> Any:
    """One part of the clip as an output."""
    own = _own_entry(part, entry)
    film = _source(part, own, part.settings.decoder_threads, upright=False)
    options = encoded_options(part, own, joined.avc, Fraction(1, joined.ticks))
    pictures = film[str(part.upload.video_stream)]
    return ffmpeg.output(pictures, file, **options, **_mp4(joined))


def _layout(joined: _Joined) -> str:
    """How many pictures are copied, ticks a second, and for how many of these each picture stands."""
    shows = shown_ticks(joined.cut.upload, joined.cut.frames)
    at = [
        round(tick * shows.tick_s * joined.ticks) for tick in (*shows.at_ticks, shows.length_ticks)
    ]
    stands = (later - earlier for earlier, later in pairwise(at))
    runs = ",".join(f"{len(list(alike))}x{ticks}" for ticks, alike in groupby(stands))
    return f"{joined.seams.frames} {joined.ticks} {runs}"


def _source(cut: Cut, entry: Entry, threads: int, upright: bool = True) -> Any:
    options = source_options(cut.upload, threads) | whole_pictures(
        cut.upload.container, cut.build.crops_as_told
    )
    if entry.seek_s is not None:
        # Without accurate_seek ffmpeg drops nothing itself; filters decide, frame by frame.
        options |= {"ss": f"{entry.seek_s:.6f}", "noaccurate_seek": None}
    if not upright:
        options["noautorotate"] = None
    return ffmpeg.input(FILM, **options)


def _own_entry(part: Cut, clip: Entry) -> Entry:
    """Where decoding starts for a part, if the clip's sound starts at `clip`: times are kept for all or none.

    At the key frame's own time: ffmpeg may land behind a time that lies among the leading pictures of an
    open group.
    """
    if clip.seek_s is None:
        return clip
    upload, keys_s = part.upload, part.upload.key_frame_times_s
    number = bisect_right(keys_s, part.frames.first_s) - 1
    if clip.keep_times:
        margin_s = 0.0 if upload.seek == "exact" else _LOOSE_MARGIN_S
        return replace(clip, seek_s=max(keys_s[number] - margin_s, 0.0))
    frame = bisect_right(upload.frame_times_s, keys_s[number]) - 1
    return replace(clip, seek_s=keys_s[number], origin_s=upload.tick(frame) * upload.time_base)


def _copied(joined: _Joined, entry: Entry) -> Any:
    """The copied part as an output, the upload's times shifted so that its first picture is at 0."""
    upload = joined.cut.upload
    key_s = upload.frame_times_s[joined.seams.copied]
    options = source_options(upload)
    if entry.keep_times:
        options["itsoffset"] = f"{-key_s - upload.container_start_s:.6f}"
    if entry.seek_s is not None:
        margin_s = 0.0 if upload.seek == "exact" else _LOOSE_MARGIN_S
        options |= {"ss": f"{max(key_s - margin_s, 0.0):.6f}", "noaccurate_seek": None}
    pictures = ffmpeg.input(FILM, **options)[str(upload.video_stream)]
    return ffmpeg.output(pictures, TAIL, **copied_options(upload, joined.seams), **_mp4(joined))
