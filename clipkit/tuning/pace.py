"""How long baselines take, as far as the trials so far tell. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from clipkit.campaign.strategy import Cell
from clipkit.model.cpu import work
from clipkit.plan.clips import Clip, span
from clipkit.plan.subjects import Subject
from clipkit.records.status import is_finished
from clipkit.settings import Settings
from clipkit.tuning.question import Question
from clipkit.tuning.screening import Results


@dataclass(frozen=True, slots=True)
class Pace:
    """`results` grows while the tuning runs."""

    question: Question
    results: Results

    def plain(self) -> Settings:
        """What is asked of a baseline: the user's fixed settings, as far as it follows them, and one
        clip at a time."""
        return replace(self.question.fixed, concurrency=1)

    def is_slow(self, subject: Subject) -> bool:
        """Whether it decodes each film from its start, or may do so."""
        return subject.seek(self.question.fixed) != "input"

    def clip_s(self, subject: Subject) -> float | None:
        """Mean wall seconds a clip, summed over the uploads; None where one has no finished trial."""
        walls: dict[str, list[float]] = {}
        for cell, record in self.results:
            if cell.subject == subject and cell.phase == "baseline" and is_finished(record):
                own = walls.setdefault(record.upload_sha256, [])
                own.append((record.wall_s or 0.0) / record.clips)
        uploads = [job.upload.sha256 for job in self.question.jobs]
        if not all(upload in walls for upload in uploads):
            return None
        return sum(fmean(walls[upload]) for upload in uploads)

    def expected_s(self, subject: Subject, clips: Sequence[int]) -> float:
        """What these clips will take a slow baseline, from the time of what seeks first: decoding takes
        time in proportion to the frames. 0 where nothing is known."""
        frame_s = self._frame_s()
        return 0.0 if frame_s is None else sum(frame_s * self._work(subject, at) for at in clips)

    def _frame_s(self) -> float | None:
        """Seconds a unit of work, by the first pair's candidate, which seeks first."""
        cutter = self.question.cutter
        times = [
            (record.wall_s or 0.0)
            / sum(self._work_of(cutter, cell, clip) for clip in cell.job.clips)
            for cell, record in self.results
            if cell.phase == "first" and is_finished(record)
        ]
        return fmean(times) if times else None

    def _work_of(self, subject: Subject, cell: Cell, clip: Clip) -> float:
        upload = cell.job.upload
        decoded = subject.frames_decoded(cell.job, clip, cell.settings)
        return work(decoded or len(upload.frame_times_s), span(upload, clip).frames)

    def _work(self, subject: Subject, index: int) -> float:
        """Of one clip, summed over the uploads (`model.cpu`); the whole film is decoded where it is
        unknown from where on."""
        return sum(
            work(
                subject.frames_decoded(job, job.clips[index], self.plain())
                or len(job.upload.frame_times_s),
                span(job.upload, job.clips[index]).frames,
            )
            for job in self.question.jobs
        )
