"""Whether two ways to cut a job make the same picture: some of its clips cut by each, and looked at.

Outside the host's limits and its clock: only bytes, VMAF and CPU seconds are taken from these clips.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from clipkit import ffmpeg_builds
from clipkit.ceiling.base import Limits, Mechanism
from clipkit.ceiling.choose import open_ceiling
from clipkit.errors import Cancelled, FfmpegError, UploadError
from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.media.picture import ClipPicture, Picture, PictureCheck, look_at, pooled_picture
from clipkit.media.quality import PLACES, score_clip
from clipkit.media.vmaf import Original
from clipkit.plan import modes
from clipkit.plan.clips import Clip, Job
from clipkit.plan.frames import span
from clipkit.plan.subject import Cuts
from clipkit.settings import Settings
from clipkit.trial.describing import Describing, describe_upload
from clipkit.trial.execute import Run, execute
from clipkit.tuning.sampling import systematic

CLIPS_COMPARED = 2
_TIMEOUT_S = 600.0
_MOST_AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class Way:
    """One way to cut: who cuts, and with which settings."""

    subject: Cuts
    settings: Settings


@dataclass(frozen=True, slots=True)
class CutPicture:
    """What the clips look like and what cutting them took: CPU seconds of all ffmpegs, anywhere."""

    picture: Picture
    cpu_s: float


def compare_pictures(
    job: Job, way: Way, instead_of: Way, build: FfmpegBuild, folder: Path
) -> PictureCheck:
    """Two clips of the job, cut by each; files lie below `folder` meanwhile.

    Raises FfmpegError where one of them does not cut its clips, OutputError for the folder.
    """
    part = job.reduced(systematic(len(job.clips), CLIPS_COMPARED, 0))
    ours, theirs = (cut_picture(part, each, build, folder) for each in (way, instead_of))
    return PictureCheck(ours.picture, theirs.picture)


def cut_picture(job: Job, way: Way, build: FfmpegBuild, folder: Path) -> CutPicture:
    """Every clip of the job, cut, looked at and removed again.

    Raises FfmpegError where a clip is not cut, OutputError for the folder, Cancelled.
    """
    tasks = way.subject.tasks(job, way.settings, build)
    at_once = min(_MOST_AT_ONCE, os.cpu_count() or 1)
    with TemporaryDirectory(prefix=".picture-", dir=folder) as scratch:
        out_dir = Path(scratch)
        run = Run(out_dir, at_once, _TIMEOUT_S, stop_on_failure=True)
        with open_ceiling(Limits(None, None), Mechanism.NONE) as ceiling:
            execution = execute(tasks, run, ceiling, lambda _event: None)
        if execution.cancelled:
            raise Cancelled("interrupted while pictures were compared")
        wrong = [clip for clip in execution.clips if clip.status != "ok"]
        if wrong:
            raise FfmpegError(
                f"{way.subject.name} did not cut a clip for its picture: {wrong[0].error}"
            )
        clips = _looked_at([out_dir / task.output for task in tasks], job, way, build)
    return CutPicture(pooled_picture(clips), execution.ffmpeg_cpu_s or 0.0)


def short_part(job: Job, places: int = PLACES, length_s: float = 2.0) -> Job:
    """`places` short clips, spread evenly over the job's own: what a search can afford to cut often.

    VMAF wants two seconds at five places or more; a clip shorter than that is taken whole.
    """
    parts = []
    for place in range(places):
        position = (place + 0.5) / places * len(job.clips)
        clip = job.clips[int(position)]
        lasts_s = min(length_s, clip.duration_s)
        start_s = clip.start_s + (position % 1) * (clip.duration_s - lasts_s)
        parts.append(Clip(round(start_s, 3), lasts_s))
    return Job(job.upload, tuple(parts), job.seed)


def _looked_at(files: Sequence[Path], job: Job, way: Way, build: FfmpegBuild) -> list[ClipPicture]:
    """Five places of all clips together are enough."""
    # The user's own command cuts by its words, whatever mode the settings name.
    follows = way.subject.command is None and way.subject.tunable
    places = math.ceil(PLACES / len(job.clips))
    crop = way.subject.used(way.settings).crop
    found, scoring = [], _scoring(build)
    for file, clip in zip(files, job.clips, strict=True):
        upload = job.upload
        frames = modes.frames_shown(upload, clip, way.settings) if follows else span(upload, clip)
        try:
            made = describe_upload(file, Describing((scoring.path,)))
        except UploadError as error:
            raise FfmpegError(f"{way.subject.name} left no video: {error}") from None
        score = score_clip(made, Original(upload, frames, crop), scoring, places)
        found.append(look_at(made, score))
    return found


def _scoring(build: FfmpegBuild) -> FfmpegBuild:
    """Which ffmpeg scores: the one that cuts, or the bundled one, whose libvmaf is built in."""
    return build if "libvmaf" in build.filters else ffmpeg_builds.find_build("bundled")
