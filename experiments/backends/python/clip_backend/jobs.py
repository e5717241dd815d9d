"""A job and its clips, and what may become of them."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from clip_backend.uploads import Upload


class JobStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class ClipStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    OK = "ok"
    FAILED = "failed"
    KILLED = "killed"  # by a signal that the service did not send
    TIMEOUT = "timeout"
    CANCELLED = "cancelled"  # with its job: no client sees it


_NOT_ENDED = (ClipStatus.QUEUED, ClipStatus.RUNNING)


@dataclass(slots=True)
class Clip:
    number: int  # from 1
    start_s: float
    duration_s: float
    status: ClipStatus = ClipStatus.QUEUED
    error: str | None = None
    bytes: int | None = None
    started_s: float | None = None
    ended_s: float | None = None

    @property
    def ended(self) -> bool:
        return self.status not in _NOT_ENDED

    def started(self, when_s: float) -> None:
        self.started_s = when_s


@dataclass(slots=True)
class Job:
    id: str
    upload: Upload
    clips: list[Clip]
    folder: Path
    created_s: float = field(default_factory=time.time)
    cancelled: bool = False
    ended_at: float | None = None  # of the monotonic clock

    @property
    def status(self) -> JobStatus:
        if all(clip.ended for clip in self.clips):
            every_one = all(clip.status is ClipStatus.OK for clip in self.clips)
            return JobStatus.DONE if every_one else JobStatus.FAILED
        if all(clip.status is ClipStatus.QUEUED for clip in self.clips):
            return JobStatus.QUEUED
        return JobStatus.RUNNING

    def file_of(self, clip: Clip) -> Path:
        return self.folder / f"{clip.number}.mp4"
