"""One clip: ffmpeg writes it beside its place, and it is moved there when it is right."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

import aiofiles.os

from clip_backend.argv import Cut, clip_words
from clip_backend.config import Settings
from clip_backend.jobs import Clip, ClipStatus, Job
from clip_backend.logs import event, failure
from clip_backend.metrics import Metrics
from clip_backend.pictures import has_picture
from clip_backend.pipes import Progress, Tail
from clip_backend.program import Program
from clip_backend.reasons import NO_PICTURE, signal_reason, spoken_reason
from clip_backend.runner import EndedBy, Ending, Run

_MOST_LOGGED = 300  # characters of a reason: a line of the log fits into one write to a pipe


class Cutter:
    def __init__(self, settings: Settings, program: Program, metrics: Metrics) -> None:
        self._settings = settings
        self._program = program
        self._metrics = metrics

    def new_run(self, clip: Clip) -> Run:
        return self._program.new_run(clip.started)

    async def cut(self, job: Job, clip: Clip, run: Run) -> None:
        """Take `clip` to its end, which it then tells; never raises."""
        part = job.folder / f"{clip.number}.part.mp4"
        try:
            status, reason = await self._status(job, clip, run, part)
        except Exception as error:  # noqa: BLE001  # one clip's failure is not the others'
            failure("clip_broke", error, job=job.id, clip=clip.number)
            why = error.strerror if isinstance(error, OSError) else "see its log"
            status, reason = ClipStatus.FAILED, f"the service failed: {why}"
        if status is not ClipStatus.OK:
            with suppress(OSError):
                await aiofiles.os.unlink(part)
        # Last: whoever reads of a job's end may at once delete its upload, or order the next one.
        clip.status, clip.error = status, reason
        self._tell(job, clip)

    async def _status(
        self, job: Job, clip: Clip, run: Run, part: Path
    ) -> tuple[ClipStatus, str | None]:
        # No thread is asked before ffmpeg is started: clips begin in the order of their numbers.
        job.folder.mkdir(mode=0o700, exist_ok=True)
        cut = Cut(job.upload.path, clip.start_s, clip.duration_s, part)
        argv = [*self._program.words, *clip_words(self._settings, cut)]
        progress, tail = Progress(), Tail()
        event("clip_started", job=job.id, clip=clip.number)
        with self._metrics.ffmpegs.track_inprogress():
            ending = await run.to_its_end(argv, self._settings.clip_timeout_s, progress, tail)
        if ending is None:
            return ClipStatus.CANCELLED, None
        clip.ended_s = ending.ended_s
        self._metrics.clip_seconds.observe(ending.ran_s)
        said = spoken_reason(tail, self._names(cut))
        not_ok = _not_ok(ending, self._settings.clip_timeout_s, said)
        if not_ok is not None:
            return not_ok
        if not await self._wrote_a_picture(progress, part):
            return ClipStatus.FAILED, said or NO_PICTURE
        size = (await aiofiles.os.stat(part)).st_size
        await aiofiles.os.rename(part, job.file_of(clip))
        clip.bytes = size
        return ClipStatus.OK, None

    def _names(self, cut: Cut) -> dict[str, str]:
        """What to call the paths that ffmpeg may speak of."""
        return {
            str(cut.upload): "the upload",
            str(cut.output): "the clip",
            self._settings.ffmpeg: "ffmpeg",
            str(self._settings.data_dir): "(path)",
        }

    async def _wrote_a_picture(self, progress: Progress, part: Path) -> bool:
        if self._settings.argv == "sketched":  # whose words ask for no progress
            return await asyncio.to_thread(has_picture, part)
        return progress.frames > 0

    def _tell(self, job: Job, clip: Clip) -> None:
        self._metrics.clips.labels(clip.status).inc()
        ran_s = (
            None
            if clip.started_s is None or clip.ended_s is None
            else (round(clip.ended_s - clip.started_s, 3))
        )
        event(
            "clip_ended",
            job=job.id,
            clip=clip.number,
            status=clip.status,
            error=None if clip.error is None else clip.error[:_MOST_LOGGED],
            bytes=clip.bytes,
            ffmpeg_s=ran_s,
        )


def _not_ok(
    ending: Ending, timeout_s: float, said: str | None
) -> tuple[ClipStatus, str | None] | None:
    if ending.by is EndedBy.CANCEL:
        return ClipStatus.CANCELLED, None
    if ending.by is EndedBy.TIMEOUT:
        return ClipStatus.TIMEOUT, f"ffmpeg was not ready after {timeout_s:g} s"
    if ending.exit_code < 0:
        return ClipStatus.KILLED, signal_reason(-ending.exit_code)
    if ending.exit_code > 0:
        return ClipStatus.FAILED, said or f"ffmpeg ended with {ending.exit_code} and no word"
    return None
