"""The book of jobs: orders come in, their state is told, ended ones are struck out in time."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from clip_backend.config import Settings
from clip_backend.cutting import Cutter
from clip_backend.ids import new_id
from clip_backend.jobs import Clip, ClipStatus, Job, JobStatus
from clip_backend.logs import event
from clip_backend.metrics import Metrics
from clip_backend.problems import RETRY_AFTER, Problem
from clip_backend.scheduler import Scheduler
from clip_backend.uploads import Upload

Span = tuple[float, float]
"""Start and duration, in seconds."""


class Book:
    def __init__(self, settings: Settings, folder: Path, cutter: Cutter, metrics: Metrics) -> None:
        self._settings = settings
        self._folder = folder
        self._metrics = metrics
        self._jobs: dict[str, Job] = {}
        self._deletions: dict[str, asyncio.Task[None]] = {}
        self._scheduler = Scheduler(settings.max_concurrent, cutter, self._on_clip_end)

    def order(self, upload: Upload, spans: Sequence[Span]) -> Job:
        """Raises Problem where the queue is full."""
        open_jobs = sum(job.ended_at is None for job in self._jobs.values())
        if open_jobs >= self._settings.queue_limit:
            raise Problem(503, "the queue is full: try again later", RETRY_AFTER)
        job_id = new_id()
        clips = [Clip(number, *span) for number, span in enumerate(spans, start=1)]
        job = Job(job_id, upload, clips, self._folder / job_id)
        upload.jobs += 1
        self._jobs[job_id] = job
        event("job_queued", job=job_id, upload=upload.id, clips=len(clips))
        self._scheduler.add(job)
        return job

    def get(self, job_id: str) -> Job:
        """Raises Problem."""
        job = self._jobs.get(job_id)
        if job is None or job.cancelled:
            raise Problem(404, "there is no such job")
        return job

    async def delete(self, job_id: str, why: str = "job_deleted") -> None:
        """Returns when its ffmpegs and its files are gone. Raises Problem."""
        if job_id not in self._deletions:
            job = self.get(job_id)
            job.cancelled = True
            deletion = asyncio.create_task(self._delete(job, why))
            self._deletions[job_id] = deletion
            deletion.add_done_callback(lambda _: self._deletions.pop(job_id))
        # Shielded: it goes on where the client that asked for it leaves.
        await asyncio.shield(self._deletions[job_id])

    async def remove_expired(self) -> None:
        old = time.monotonic() - self._settings.keep_s
        for job in list(self._jobs.values()):
            if job.ended_at is not None and job.ended_at <= old and not job.cancelled:
                await self.delete(job.id, "job_expired")

    async def close(self) -> None:
        """End every ffmpeg; files are left to the next start."""
        await asyncio.gather(*map(self._drop, self._jobs.values()))

    def counts(self) -> dict[str, int]:
        found = Counter(job.status for job in self._jobs.values())
        return {status.value: found[status] for status in JobStatus}

    async def _delete(self, job: Job, why: str) -> None:
        await self._drop(job)
        await asyncio.to_thread(shutil.rmtree, job.folder, ignore_errors=True)
        del self._jobs[job.id]
        event(why, job=job.id)

    async def _drop(self, job: Job) -> None:
        never_ran = await self._scheduler.drop(job)
        self._metrics.clips.labels(ClipStatus.CANCELLED).inc(never_ran)
        self._release(job)

    def _on_clip_end(self, job: Job) -> None:
        if not job.cancelled and all(clip.ended for clip in job.clips):
            self._release(job)
            event("job_ended", job=job.id, status=job.status)

    def _release(self, job: Job) -> None:
        """It uses its upload no more."""
        if job.ended_at is None:
            job.ended_at = job.upload.idle_since = time.monotonic()
            job.upload.jobs -= 1
