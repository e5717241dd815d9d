"""Clips that share decoded pictures, cut by one ffmpeg: which, and what it is told. Pure.

A clip joins those before it where the key frame that it is decoded from lies before their end, so that nothing is decoded
that no clip needs. Pictures are decoded from the first one's key frame on, and each clip takes its own. Its sound is read
as if it were alone, from an input of its own, so that the same packets are copied and the same samples encoded. Only where
the files are sure to be those that each would be alone, byte for byte (`experiments/benchmarks/together.py`); and each
clip's ways to be cut alone stay behind it, for a group that fails.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil

import ffmpeg

from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.media.upload import Upload
from clipkit.model.memory import bound_bytes, clip_anon_bytes, together_anon_bytes
from clipkit.plan.auto import ENCODE
from clipkit.plan.clips import Clip, Job
from clipkit.plan.colours import tone_mapped
from clipkit.plan.encode import clip_made, cut_of, encoding_argv, film_from
from clipkit.plan.encoded_pictures import mp4_tick_s, video_options
from clipkit.plan.encoded_sound import audio_options, has_sound, is_copied, sound_stream
from clipkit.plan.entry import Cut, entries
from clipkit.plan.frames import FrameSpan, frame_tick_s, span
from clipkit.plan.sound_check import decoded_beside
from clipkit.plan.task import OUTPUT, Attempt, Run, Task, output_beside
from clipkit.settings import Settings

GOP = "gop"
_MOST = 8
"""Each clip more holds its encoder's memory to the end of all, and is lost with the others where one fails."""
_SHORTEST_TICK_S = Fraction(1, 250_000)
"""Filters count in microseconds from where decoding starts. Where that is another frame a time may be another by one of
them, which in shorter ticks could be another tick."""
_ALONE = "cut alone"


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a clip lies. `index`: in its job; `from_frame`: the key frame that it is decoded from."""

    index: int
    frames: FrameSpan
    from_frame: int


def in_groups(
    job: Job,
    settings: Settings,
    build: FfmpegBuild,
    tasks: Sequence[Task],
    room_bytes: int | None = None,
) -> list[Task]:
    """The job's tasks, those of a group behind each other and each first with the group's attempt. `room_bytes`: what
    there is for all clips at once; None: whatever they need."""
    found = groups(job, settings, room_bytes)
    grouped = {index for group in found for index in group}
    cuts = {
        index: cut_of(job.upload, job.clips[index], settings, build) for index in sorted(grouped)
    }
    leading = {min(group): group for group in found}
    planned: list[Task] = []
    for index, task in enumerate(tasks):
        if index in leading:
            group = leading[index]
            planned += _together([tasks[n] for n in group], [cuts[n] for n in group])
        elif index not in grouped:
            planned.append(task)
    return planned


def groups(job: Job, settings: Settings, room_bytes: int | None = None) -> list[tuple[int, ...]]:
    """Of clips, by their places in the job, in the order of their starts; none where nothing is shared."""
    if not _is_plain(job.upload, settings):
        return []
    places = [_place(index, job.upload, clip) for index, clip in enumerate(job.clips)]
    plain = [place for place in places if _is_plain_clip(job.upload, place.frames)]
    most = min(_MOST, ceil(len(job.clips) / settings.concurrency))
    share_bytes = room_bytes and _share_bytes(job.upload, settings, places, room_bytes)
    found: list[list[_Place]] = []
    for place in sorted(plain, key=lambda each: (each.frames.first, each.index)):
        joined = [*found[-1], place] if found else [place]
        last = max((each.frames.last for each in joined[:-1]), default=-1)
        fits = share_bytes is None or _need_bytes(job.upload, settings, joined) <= share_bytes
        if place.from_frame <= last and len(joined) <= most and fits:
            found[-1] = joined
        else:
            found.append([place])
    return [tuple(each.index for each in group) for group in found if len(group) > 1]


def frames_decoded_in_groups(job: Job, settings: Settings) -> dict[Clip, int]:
    """Of the clips that are cut with others, how many frames each has decoded that none before it has."""
    found: dict[Clip, int] = {}
    for group in groups(job, settings):
        known = -1
        for index in group:
            place = _place(index, job.upload, job.clips[index])
            new = place.frames.last - max(place.from_frame, known + 1) + 1
            found.setdefault(job.clips[index], max(0, new))
            known = max(known, place.frames.last)
    return found


def _is_plain(upload: Upload, settings: Settings) -> bool:
    """Whether clips of it are the same files, whatever else is decoded before them by the same process."""
    return (
        settings.together == GOP
        and settings.mode == ENCODE
        and settings.seek == "input"
        and upload.seek == "exact"
        and len(upload.looks) == 1
        and not upload.repeats
        and not tone_mapped(upload, settings)  # which follows the pictures before
    )


def _is_plain_clip(upload: Upload, frames: FrameSpan) -> bool:
    """One from the film's start counts by another clock (`entry.entries`)."""
    tick_s = mp4_tick_s(frame_tick_s(upload, frames))
    return frames.first_s > 0 and tick_s >= _SHORTEST_TICK_S


def _place(index: int, upload: Upload, clip: Clip) -> _Place:
    frames = span(upload, clip)
    keys_s = [time_s for time_s in upload.key_frame_times_s if time_s <= frames.first_s]
    from_frame = bisect_left(upload.frame_times_s, keys_s[-1]) if keys_s else 0
    return _Place(index, frames, from_frame)


def _need_bytes(upload: Upload, settings: Settings, places: Sequence[_Place]) -> int:
    counts = [place.frames.frames for place in places]
    return bound_bytes(together_anon_bytes(upload, settings, counts))


def _share_bytes(
    upload: Upload, settings: Settings, places: Sequence[_Place], room_bytes: int
) -> int:
    """What one process may take where as many are to run at once as clips alone would."""
    longest = max(place.frames.frames for place in places)
    alone_bytes = bound_bytes(clip_anon_bytes(upload, settings, longest))
    at_once = min(settings.concurrency, len(places), room_bytes // alone_bytes)
    return room_bytes // max(1, at_once)


def _together(tasks: Sequence[Task], cuts: Sequence[Cut]) -> list[Task]:
    need_bytes = bound_bytes(
        together_anon_bytes(cuts[0].upload, cuts[0].settings, [cut.frames.frames for cut in cuts])
    )
    argv = _argv(cuts, [output_beside(task.output) for task in tasks])
    most_bytes = max(task.max_output_bytes for task in tasks)
    return [
        replace(
            task,
            attempts=_attempts(task, tasks, argv, need_bytes),
            max_output_bytes=most_bytes,
        )
        for task in tasks
    ]


def _attempts(
    task: Task, tasks: Sequence[Task], argv: Sequence[str], need_bytes: int
) -> tuple[Attempt, ...]:
    """First with the others. A complaint is not looked into there: nobody could tell whom it concerns."""
    own = output_beside(task.output)
    alone, *others = task.attempts
    with_others = replace(
        alone,
        steps=(Run(tuple(OUTPUT if word == own else word for word in argv)),),
        needs_bytes=need_bytes,
        cut_with=tuple(sorted(other.number for other in tasks if other is not task)),
    )
    words = f"{alone.change}; {_ALONE}" if alone.change else _ALONE
    return (with_others, replace(alone, change=words), *others)


def _argv(cuts: Sequence[Cut], outputs: Sequence[str]) -> list[str]:
    first = entries(cuts[0])[0]
    film = film_from(cuts[0], first)
    made = []
    for cut, output in zip(cuts, outputs, strict=True):
        own = entries(cut)[0]
        streams, sound = [film[str(cut.upload.video_stream)]], audio_options(cut, own)
        if has_sound(cut.upload, cut.settings):
            heard = film_from(cut, own)[sound_stream(cut.upload)]
            streams.append(heard)
            if is_copied(sound):
                made.append(decoded_beside(heard, str(sound["t"])))
        shared = replace(own, seek_s=first.seek_s, origin_s=first.origin_s)
        made.append(clip_made(streams, output, video_options(cut, shared) | sound))
    return encoding_argv(ffmpeg.merge_outputs(*made), cuts[0], first)
