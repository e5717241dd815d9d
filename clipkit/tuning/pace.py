"""How long baselines take, as far as the trials so far tell. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from clipkit.campaign.strategy import Cell
from clipkit.plan.clip_work import clip_work
from clipkit.plan.clips import Clip, Job
from clipkit.plan.subject import Subject
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
        """Mean wall seconds a clip of the job, summed over the uploads; None where one has no finished
        trial. Of a slow one in proportion to the frames, since a later clip takes longer."""
        found: list[float] = []
        for job in self.question.jobs:
            own = [
                (cell, record)
                for cell, record in self.results
                if cell.subject == subject and cell.phase == "baseline" and is_finished(record)
                if record.upload_sha256 == job.upload.sha256
            ]
            if not own:
                return None
            run = [self._size(subject, cell, clip) for cell, _ in own for clip in cell.job.clips]
            every = [self._size(subject, own[0][0], clip) for clip in job.clips]
            found.append(sum(record.wall_s or 0.0 for _, record in own) / sum(run) * fmean(every))
        return sum(found)

    def _size(self, subject: Subject, cell: Cell, clip: Clip) -> float:
        return self._work_of(subject, cell, clip) if self.is_slow(subject) else 1.0

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
        return self._clip_work(subject, cell.job, clip, cell.settings)

    def _work(self, subject: Subject, index: int) -> float:
        """Of one clip, summed over the uploads."""
        jobs = self.question.jobs
        return sum(self._clip_work(subject, job, job.clips[index], self.plain()) for job in jobs)

    def _clip_work(self, subject: Subject, job: Job, clip: Clip, settings: Settings) -> float:
        """The whole film is decoded where it is unknown from where on."""
        return clip_work(subject, job, clip, settings, len(job.upload.frame_times_s))
