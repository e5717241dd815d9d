"""The modes in which clipkit's engine cuts, and the one place that sends a job to the right one.

To add a mode: a module with its tasks and the frames that they show, an entry in MODES, its name
among the choices of the setting `mode`, its memory in `model.memory`, its tests.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from clipkit.errors import UsageError
from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.media.upload import Upload
from clipkit.plan.auto import (
    ALLOW,
    AUTO,
    COPY,
    ENCODE,
    SMART,
    auto_posters,
    auto_tasks,
    mode_taken,
)
from clipkit.plan.clips import Clip, Job
from clipkit.plan.copy import copy_hides, copy_tasks
from clipkit.plan.encode import encode_tasks
from clipkit.plan.frames import FrameSpan, frames_decoded_from, span
from clipkit.plan.hidden import Hidden, no_preroll, nothing_hidden
from clipkit.plan.seams import Seams, frames_decoded_beside, seams
from clipkit.plan.smart import smart_tasks
from clipkit.plan.snap import snap_span, snap_tasks
from clipkit.plan.task import Task
from clipkit.plan.together import frames_decoded_in_groups
from clipkit.settings import Settings, UsedSettings


@dataclass(frozen=True, slots=True)
class Mode:
    """`plan` makes one task a clip, `shows` tells which of the upload's frames that clip then holds.
    `decodes`: it decodes and encodes frames, so that their number tells its CPU seconds. `chosen`: it cuts
    every clip, exactly as asked for, so a tuner may choose it (where copying is right, that is for AUTO to
    say). `follows`: the settings that
    change what it does, the others are unknown of what it cut; None: all of them. `posters`: the same as
    `plan`, each clip with its poster; None: it decodes nothing that could be one. `hides`: what its clips
    hold of the upload without showing it."""

    plan: Callable[[Job, Settings, FfmpegBuild], list[Task]]
    shows: Callable[[Upload, Clip], FrameSpan]
    decodes: bool
    chosen: bool
    follows: tuple[str, ...] | None = None
    posters: Callable[[Job, Settings, FfmpegBuild], list[Task]] | None = None
    hides: Callable[[Upload, Clip], Hidden] = nothing_hidden


MANNERS = ("nice", "cpu_scheduling", "ionice", "cpu_percent")
"""What every mode follows: how clips make room for others."""

MODES = {
    ENCODE: Mode(
        encode_tasks,
        span,
        decodes=True,
        chosen=True,
        posters=partial(encode_tasks, posters=True),
    ),
    SMART: Mode(smart_tasks, span, decodes=True, chosen=True),
    COPY: Mode(
        copy_tasks,
        span,
        decodes=False,
        chosen=False,
        follows=("mode", "seek", "concurrency", "audio", *MANNERS, "ffmpeg"),
        hides=copy_hides,
    ),
    AUTO: Mode(
        auto_tasks,
        span,
        decodes=True,
        chosen=True,
        posters=auto_posters,
    ),
    "snap": Mode(
        snap_tasks,
        snap_span,
        decodes=False,
        chosen=False,
        follows=("mode", "seek", "concurrency", "audio", *MANNERS, "ffmpeg"),
        hides=no_preroll,
    ),
}


def tasks(job: Job, settings: Settings, build: FfmpegBuild) -> list[Task]:
    """One task a clip, in the job's order, of the settings' mode.

    Raises ClipRangeError for a clip outside its upload, FfmpegError where the build lacks a need, or
    what the upload holds cannot be copied.
    """
    return MODES[settings.mode].plan(job, settings, build)


def tasks_with_posters(job: Job, settings: Settings, build: FfmpegBuild) -> list[Task]:
    """The same, each of which also leaves its clip's poster. Raises UsageError where the mode makes none."""
    plan = MODES[settings.mode].posters
    if plan is None:
        raise UsageError(
            f"--poster needs pictures that are decoded, and mode {settings.mode} copies them: "
            "use mode encode"
        )
    return plan(job, settings, build)


def frames_shown(upload: Upload, clip: Clip, settings: Settings) -> FrameSpan:
    """The frames that a right clip of the settings' mode shows. Raises ClipRangeError."""
    return MODES[settings.mode].shows(upload, clip)


def hidden_in(upload: Upload, clip: Clip, mode: str) -> Hidden:
    """What a right clip of that mode holds without showing it. Raises ClipRangeError, and ModeRefused where
    that mode cannot make it."""
    return MODES[mode].hides(upload, clip)


def settings_followed(settings: Settings) -> UsedSettings:
    """The settings as their mode really uses them; None for what it does not follow."""
    follows = MODES[settings.mode].follows
    if follows is None:
        return settings.used
    return UsedSettings.of({name: getattr(settings, name) for name in follows})


def follows(settings: Settings, name: str) -> bool:
    """Whether the settings' mode does otherwise where that one setting is another."""
    followed = MODES[settings.mode].follows
    return followed is None or name in followed


def frames_decoded(job: Job, clip: Clip, settings: Settings) -> int:
    """How many frames are decoded for a clip: up to its last one, where all of it is encoded."""
    mode = settings.mode
    if mode == AUTO:
        mode = mode_taken(job.upload, clip, settings)
    if not MODES[mode].decodes:
        return 0
    if (shared := frames_decoded_in_groups(job, settings).get(clip)) is not None:
        return shared
    if mode == SMART:
        frames = span(job.upload, clip)
        found = seams(job.upload, frames)
        if isinstance(found, Seams):
            return frames_decoded_beside(job.upload, frames, found)
    return frames_decoded_from(job, clip, settings.seek)


def frames_encoded(job: Job, clip: Clip, settings: Settings) -> int:
    """How many frames are encoded for a clip, as it is planned."""
    mode, frames = settings.mode, span(job.upload, clip)
    if mode == AUTO:
        mode = mode_taken(job.upload, clip, settings)
    if not MODES[mode].decodes:
        return 0
    found = seams(job.upload, frames) if mode == SMART else None
    return frames.frames - (found.frames if isinstance(found, Seams) else 0)


def decodes(settings: Settings) -> bool:
    return MODES[settings.mode].decodes


def may_hide(mode: str | None, hidden_preroll: str | None) -> bool:
    """Whether clips cut so may hold pictures that are not shown, which only their owner can allow."""
    return mode == COPY or (mode == AUTO and hidden_preroll == ALLOW)


def may_be_chosen(mode: str | None) -> bool:
    """Whether settings of that mode may be recommended; an unknown one is a baseline's own."""
    return mode is None or (mode in MODES and MODES[mode].chosen)
