"""Which clip is cut next: first come, first served, so many ffmpegs at once over all jobs."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from clip_backend.cutting import Cutter
from clip_backend.jobs import Clip, ClipStatus, Job
from clip_backend.runner import Run


@dataclass(frozen=True, slots=True)
class _Running:
    job: Job
    run: Run
    task: asyncio.Task[None]


class Scheduler:
    def __init__(self, most_at_once: int, cutter: Cutter, on_end: Callable[[Job], None]) -> None:
        self._most_at_once = most_at_once
        self._cutter = cutter
        self._on_end = on_end
        self._waiting: deque[tuple[Job, Clip]] = deque()
        self._running: list[_Running] = []

    def add(self, job: Job) -> None:
        self._waiting.extend((job, clip) for clip in job.clips)
        self._fill()

    async def drop(self, job: Job) -> int:
        """End what runs of `job` and forget what waits; returns when its ffmpegs are gone, with
        the number of clips that never ran."""
        never_ran = [clip for waiting, clip in self._waiting if waiting is job]
        self._waiting = deque(entry for entry in self._waiting if entry[0] is not job)
        for clip in never_ran:
            clip.status = ClipStatus.CANCELLED
        mine = [running for running in self._running if running.job is job]
        for running in mine:
            running.run.end()
        if mine:
            await asyncio.wait([running.task for running in mine])
        return len(never_ran)

    def _fill(self) -> None:
        while self._waiting and len(self._running) < self._most_at_once:
            job, clip = self._waiting.popleft()
            clip.status = ClipStatus.RUNNING
            run = self._cutter.new_run(clip)
            task = asyncio.create_task(self._cutter.cut(job, clip, run))
            running = _Running(job, run, task)
            self._running.append(running)
            task.add_done_callback(partial(self._ended, running))

    def _ended(self, running: _Running, _: asyncio.Task[None]) -> None:
        self._running.remove(running)
        self._fill()
        self._on_end(running.job)
