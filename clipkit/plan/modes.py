"""The modes in which clipkit's engine cuts, and the one place that sends a job to the right one.

To add a mode: a module with its tasks, an entry in MODES, its name among the choices of the setting
`mode`, its tests.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.plan import encode
from clipkit.plan.clips import Job
from clipkit.plan.task import Task
from clipkit.settings import Settings


@dataclass(frozen=True, slots=True)
class Mode:
    """`plan` makes one task a clip. `decodes`: it decodes and encodes frames, so that their number
    tells its CPU seconds. `chosen`: its clips are exactly what was asked for, so a tuner may choose it."""

    plan: Callable[[Job, Settings, FfmpegBuild], list[Task]]
    decodes: bool
    chosen: bool


MODES = {"encode": Mode(encode.encode_tasks, decodes=True, chosen=True)}


def tasks(job: Job, settings: Settings, build: FfmpegBuild) -> list[Task]:
    """One task a clip, in the job's order, of the settings' mode.

    Raises ClipRangeError for a clip outside its upload, FfmpegError where the build lacks a need.
    """
    return MODES[settings.mode].plan(job, settings, build)


def decodes(settings: Settings) -> bool:
    return MODES[settings.mode].decodes


def may_be_chosen(mode: str | None) -> bool:
    """Whether settings of that mode may be recommended; an unknown one is a baseline's own."""
    return mode is None or (mode in MODES and MODES[mode].chosen)
