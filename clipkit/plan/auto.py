"""Tasks of mode `auto`: each clip in the cheapest mode that makes it right and that is allowed.

Copying is the cheapest by far, then encoding the first pictures alone, then encoding all. What a mode cannot
do it refuses when it plans; what goes wrong on the way is made by the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from clipkit.errors import ModeRefused
from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.media.upload import Upload
from clipkit.plan.clips import Clip, Job
from clipkit.plan.colours import tone_mapped
from clipkit.plan.copy import check_copy, copy_tasks
from clipkit.plan.encode import encode_tasks
from clipkit.plan.smart import check_smart, smart_tasks
from clipkit.plan.task import Attempt, Expected, Task
from clipkit.settings import Settings

ENCODE, SMART, COPY, AUTO = "encode", "smart", "copy", "auto"
ALLOW = "allow"
"""Of `hidden_preroll`: a clip may hold pictures that are not shown."""


@dataclass(frozen=True, slots=True)
class _Way:
    """`check` raises ModeRefused where the mode cannot make the clip as it has to be."""

    mode: str
    plan: Callable[[Job, Settings, FfmpegBuild], list[Task]]
    check: Callable[[Upload, Clip, Settings], None]


_COPY, _SMART = _Way(COPY, copy_tasks, check_copy), _Way(SMART, smart_tasks, check_smart)


def auto_tasks(job: Job, settings: Settings, build: FfmpegBuild) -> list[Task]:
    """One task a clip, in the job's order.

    Raises ClipRangeError for a clip outside its upload, FfmpegError where the build lacks a need.
    """
    return [
        _task(number, job.upload, clip, settings, build) for number, clip in enumerate(job.clips, 1)
    ]


def auto_posters(job: Job, settings: Settings, build: FfmpegBuild) -> list[Task]:
    """The same, each with its poster: that takes pictures which are decoded."""
    return encoded_for_auto(job, settings, build, posters=True)


def encoded_for_auto(
    job: Job,
    settings: Settings,
    build: FfmpegBuild,
    posters: bool = False,
    why: Sequence[str] = (),
) -> list[Task]:
    """Each encoded whole, whatever cheaper mode there is; `why`, in words."""
    encoded = encode_tasks(job, replace(settings, mode=ENCODE), build, posters)
    return [
        replace(task, attempts=tuple(_named(each, ENCODE, why) for each in task.attempts))
        for task in encoded
    ]


def mode_taken(upload: Upload, clip: Clip, settings: Settings) -> str:
    """The name of the mode that a clip is cut in. Raises ClipRangeError."""
    ways, _ = _ways(upload, clip, settings)
    return ways[0].mode if ways else ENCODE


def _ways(upload: Upload, clip: Clip, settings: Settings) -> tuple[list[_Way], list[str]]:
    """Those besides encoding, the cheapest first; and why others that are allowed are none."""
    if tone_mapped(upload, settings):
        return [], [f"{upload.path} is HDR, which a copy stays"]
    found, refused = [], []
    allowed = [_COPY, _SMART] if settings.hidden_preroll == ALLOW else [_SMART]
    for way in allowed:
        try:
            way.check(upload, clip, replace(settings, mode=way.mode))
        except ModeRefused as error:
            refused.append(str(error))
        else:
            found.append(way)
    return found, refused


def _task(number: int, upload: Upload, clip: Clip, settings: Settings, build: FfmpegBuild) -> Task:
    job = Job(upload, (clip,))
    ways, refused = _ways(upload, clip, settings)
    planned = [
        (way.mode, way.plan(job, replace(settings, mode=way.mode), build)[0]) for way in ways
    ]
    if SMART not in (mode for mode, _ in planned):  # which encodes all of it in the end
        planned.append((ENCODE, encode_tasks(job, replace(settings, mode=ENCODE), build)[0]))
    [(first_mode, first), *others] = planned
    attempts = [
        _named(each, first_mode, refused[-1:] if first_mode == ENCODE else [])
        for each in first.attempts
    ]
    for mode, task in others:
        instead = [f"mode {mode} instead of {first_mode}"]
        attempts += [
            replace(
                _named(each, mode, behind=instead),
                needs_bytes=each.needs_bytes or task.predicted_bytes,
                expected=Expected.of(task),
            )
            for each in task.attempts
        ]
    return replace(
        first,
        number=number,
        output=f"clip-{number:03d}.mp4",
        attempts=tuple(attempts),
        max_output_bytes=max(task.max_output_bytes for _, task in planned),
    )


def _named(
    attempt: Attempt, mode: str, why: Sequence[str] = (), behind: Sequence[str] = ()
) -> Attempt:
    """An attempt that tells its mode, if it does not yet: smart encodes all of a clip whose parts do not join.
    Behind the last words the engine says why the attempt before did not do."""
    words = [*why, *([attempt.change] if attempt.change else []), *behind]
    return replace(attempt, mode=attempt.mode or mode, change="; ".join(words) or None)
