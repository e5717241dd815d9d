"""What a clip takes, whoever cuts it: the frames that are decoded and encoded for it, as one amount. Pure."""

from __future__ import annotations

from clipkit.model.cpu import COPIED_CLIP, work
from clipkit.plan.clips import Clip, Job
from clipkit.plan.frames import span
from clipkit.plan.modes import frames_encoded
from clipkit.plan.subject import Subject, frame_cost
from clipkit.plan.subjects import Engine
from clipkit.settings import Settings


def clip_work(
    subject: Subject, job: Job, clip: Clip, settings: Settings, unknown: int | None = None
) -> float:
    """In decoded frames (`model.cpu`), as it is planned. `unknown`: how many are decoded where the subject does
    not tell; None: as many as the clip shows.

    Raises ClipRangeError for a clip outside its upload.
    """
    decoded = subject.frames_decoded(job, clip, settings)
    shown = span(job.upload, clip).frames
    ours = isinstance(subject, Engine)
    encoded = frames_encoded(job, clip, settings) if ours else shown
    if decoded == 0 and not (ours and encoded):  # else it shares what others decode
        return COPIED_CLIP
    if decoded is None:
        decoded = shown if unknown is None else unknown
    return work(decoded, encoded, frame_cost(subject, job.upload, settings))


def job_work(subject: Subject, job: Job, settings: Settings) -> float:
    """Of all its clips: together they may share what is decoded, of which a part of the job has less."""
    return sum(clip_work(subject, job, clip, settings) for clip in job.clips)
