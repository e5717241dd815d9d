"""Tasks of clipkit's own engine, mode `encode`: exactly the frames of each clip, re-encoded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

import ffmpeg

from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.format import MIB
from clipkit.media.formats import local, shown_pictures, told_format
from clipkit.media.upload import Upload
from clipkit.model.memory import bound_bytes, clip_anon_bytes, poster_anon_bytes
from clipkit.plan.clips import Clip, Job
from clipkit.plan.colours import check_colours, tone_mapped
from clipkit.plan.damage import LEVEL, damage_signs
from clipkit.plan.encoded_pictures import framing, video_options
from clipkit.plan.encoded_sound import (
    audio_options,
    has_sound,
    is_copied,
    sound_changes,
    sound_of,
    sound_stream,
)
from clipkit.plan.entry import Cut, Entry, entries
from clipkit.plan.frames import span
from clipkit.plan.own_pictures import as_shown_in, own_look, picture_changes, without_others
from clipkit.plan.poster import poster_name, poster_options
from clipkit.plan.sound_check import decoded_beside, sound_check
from clipkit.plan.task import OUTPUT, POSTER, Attempt, Run, Step, Task
from clipkit.plan.timing import timing_of
from clipkit.settings import ZIMG, Settings

# Stands for the upload in a graph: ffmpeg-python hashes every word as UTF-8, which a name need not be.
FILM = "\0film\0"
_MOST_SOUND_BYTES_S = 4 * MIB
"""Of eight channels as numbers of 32 bits at 96 kHz it is 3."""


def encode_tasks(
    job: Job, settings: Settings, build: FfmpegBuild, posters: bool = False
) -> list[Task]:
    """One task a clip, in the job's order; with `posters` each also makes its clip's.

    Raises ClipRangeError for a clip outside its upload, FfmpegError where the build lacks a need, or
    where the part to show is outside the picture.
    """
    build.require(encoders=("libx264",))
    cuts = [cut_of(job.upload, clip, settings, build, posters) for clip in job.clips]
    if any(tone_mapped(cut.upload, settings) or (posters and cut.upload.hdr) for cut in cuts):
        build.require(filters=("zscale", "tonemap"))
    if settings.scaler == ZIMG and any(framing(cut.upload, settings).is_scaled for cut in cuts):
        build.require(filters=("zscale",))
    return [_task(number, cut) for number, cut in enumerate(cuts, start=1)]


def cut_of(
    upload: Upload, clip: Clip, settings: Settings, build: FfmpegBuild, posters: bool = False
) -> Cut:
    """Raises ClipRangeError, and FfmpegError for colours that no settings make right."""
    frames = span(upload, clip)
    check_colours(upload, own_look(upload, frames), settings)
    return Cut(as_shown_in(upload, frames), clip, frames, settings, build, posters)


def _task(number: int, cut: Cut) -> Task:
    picture = framing(cut.upload, cut.settings)
    raw_bytes = cut.upload.coded_width * cut.upload.coded_height * 3 * cut.frames.frames
    sound_bytes = ceil(cut.clip.duration_s * _MOST_SOUND_BYTES_S)
    return Task(
        number=number,
        output=f"clip-{number:03d}.mp4",
        attempts=tuple(
            Attempt(
                _steps(cut, entry),
                change=_change(cut, entry, rank),
                encoded_frames=cut.frames.frames,
            )
            for rank, entry in enumerate(entries(cut))
        ),
        frames_stored=cut.frames.frames,
        frames_shown=cut.frames.frames,
        size=(picture.width, picture.height),
        timing=timing_of(cut.upload, cut.frames, sound_of(cut.upload, cut.settings)),
        poster=poster_name(number) if cut.has_poster else None,
        damage=damage_signs(cut.upload.video_stream, starts_at_keys=cut.upload.seek == "exact"),
        reads=cut.build.may_read(cut.upload.path),
        predicted_bytes=most_bytes(cut),
        max_output_bytes=raw_bytes + sound_bytes + 16 * MIB,
    )


def most_bytes(cut: Cut) -> int:
    """The memory that one ffmpeg takes at most which encodes it, by its settings' mode."""
    film = without_others(cut.upload, cut.frames)
    need_bytes = clip_anon_bytes(film, cut.settings, cut.frames.frames)
    if cut.has_poster:
        need_bytes += poster_anon_bytes(cut.upload, cut.settings)
    return bound_bytes(need_bytes)


def _change(cut: Cut, entry: Entry, rank: int) -> str | None:
    """How an attempt differs from what was asked, in words."""
    words = [
        *picture_changes(cut.upload, cut.frames),
        *sound_changes(cut.upload, cut.settings, audio_options(cut, entry)),
    ]
    if rank:
        words.append("decoded from the upload's start")
    return "; ".join(words) or None


def _steps(cut: Cut, entry: Entry) -> tuple[Step, ...]:
    sound = audio_options(cut, entry)
    making = Run(tuple(_argv(cut, entry, sound)))
    return (making, sound_check(cut.build)) if is_copied(sound) else (making,)


def _argv(cut: Cut, entry: Entry, sound: dict[str, object]) -> list[str]:
    upload = film_from(cut, entry)
    streams = [upload[str(cut.upload.video_stream)]]
    if has_sound(cut.upload, cut.settings):
        streams.append(upload[sound_stream(cut.upload)])
    made = clip_made(streams, OUTPUT, video_options(cut, entry) | sound)
    beside = [decoded_beside(streams[1], str(sound["t"]))] if is_copied(sound) else []
    # Behind the clip, whose frames are the first that ffmpeg tells of.
    poster = [ffmpeg.output(streams[0], POSTER, **poster_options(cut, entry))]
    graph = ffmpeg.merge_outputs(*beside, made, *(poster if cut.has_poster else []))
    return encoding_argv(graph, cut, entry)


def film_from(cut: Cut, entry: Entry) -> Any:
    """The upload as an input, read from there on."""
    source = decoded_options(cut)
    if entry.seek_s is not None:
        # Without accurate_seek ffmpeg drops nothing itself; `trim` decides, frame by frame.
        source |= {"ss": f"{entry.seek_s:.6f}", "noaccurate_seek": None}
    return ffmpeg.input(FILM, **source)


def clip_made(streams: Sequence[Any], output: str, target: Mapping[str, object]) -> Any:
    """A clip of these streams, as an output."""
    return ffmpeg.output(
        *streams,
        output,
        map_chapters=-1,
        sn=None,
        dn=None,
        f="mp4",
        movflags="+faststart",
        **target,
    )


def encoding_argv(graph: Any, cut: Cut, entry: Entry) -> list[str]:
    """Of an ffmpeg whose outputs are those, read as the entry says."""
    started = command_head(cut.build)
    if cut.settings.filter_threads:
        started += ["-filter_threads", str(cut.settings.filter_threads)]
    if entry.keep_times:
        started.append("-copyts")
    return compiled_argv(graph, started, cut.upload)


def compiled_argv(graph: Any, started: list[str], upload: Upload) -> list[str]:
    """The words of a graph whose input is FILM."""
    words: list[str] = ffmpeg.compile(graph, cmd=started)
    return [local(upload.path) if word == FILM else word for word in words]


def read_until(stop_s: float) -> dict[str, object]:
    """The option of an output that ends there, by the clock that ffmpeg reads. None before 0, where a clock that will wrap
    around is told to have begun (libavformat): ffmpeg takes that for an end before the start, and drops all."""
    return {"to": f"{stop_s:.6f}"} if stop_s > 0 else {}


def command_head(build: FfmpegBuild) -> list[str]:
    """How every ffmpeg of ours starts: it asks nothing, and tells how far it is."""
    head = [build.path, "-nostdin", "-hide_banner", "-v", LEVEL, "-y"]
    return [*head, "-progress", "pipe:1", "-stats_period", "0.5"]


def decoded_options(cut: Cut) -> dict[str, object]:
    """Of the upload, where its pictures are decoded."""
    shown = shown_pictures(cut.upload.container, cut.build.crops_as_told)
    return source_options(cut.upload, cut.settings.decoder_threads) | shown


def source_options(upload: Upload, decoder_threads: int = 0) -> dict[str, object]:
    """Uploads are hostile: only the file itself is opened, and only as what the probe took it for."""
    options: dict[str, object] = {**told_format(upload.container)}
    if decoder_threads:
        options["threads"] = decoder_threads
    return options
