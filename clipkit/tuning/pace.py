"""How long baselines take, as far as the trials so far tell. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from clipkit.plan.subjects import Subject, told
from clipkit.settings import Settings
from clipkit.tuning.question import Question
from clipkit.tuning.screening import Results, finished

# Of the time of a clip that is reached by a seek, the part that goes into encoding, not decoding.
_ENCODING = 0.5


@dataclass(frozen=True, slots=True)
class Pace:
    """`results` grows while the tuning runs."""

    question: Question
    results: Results

    def plain(self, subject: Subject) -> Settings:
        """What a baseline's record shows: of the user's fixed settings those that it follows, and
        one clip at a time."""
        return told(subject, replace(self.question.fixed, concurrency=1))

    def is_slow(self, subject: Subject) -> bool:
        """Whether it decodes each film from its start, or may do so."""
        return subject.seek(self.question.fixed) != "input"

    def clip_s(self, subject: Subject) -> float | None:
        """Mean wall seconds a clip, summed over the uploads; None where one has no finished trial."""
        walls: dict[str, list[float]] = {}
        for cell, record in self.results:
            if cell.subject == subject and cell.phase == "baseline" and finished(record):
                own = walls.setdefault(record.upload_sha256, [])
                own.append((record.wall_s or 0.0) / record.clips)
        uploads = [job.upload.sha256 for job in self.question.jobs]
        if not all(upload in walls for upload in uploads):
            return None
        return sum(fmean(walls[upload]) for upload in uploads)

    def expected_s(self, subject: Subject, clips: Sequence[int]) -> float:
        """What these clips will take a slow baseline, from the time of one that seeks: decoding
        takes time in proportion to the frames. 0 where nothing is known."""
        seeking = [b for b in self.question.baselines if not self.is_slow(b)]
        known = [(b, clip_s) for b in seeking if (clip_s := self.clip_s(b)) is not None]
        if not known:
            return 0.0
        fast, clip_s = known[0]
        frame_s = (1 - _ENCODING) * clip_s / self._decoded(fast, clips[0])
        return sum(frame_s * self._decoded(subject, at) + _ENCODING * clip_s for at in clips)

    def _decoded(self, subject: Subject, index: int) -> int:
        """Frames to decode for one clip, summed over the uploads; all of them where unknown."""
        return sum(
            subject.frames_decoded(job, job.clips[index], self.plain(subject))
            or len(job.upload.frame_times_s)
            for job in self.question.jobs
        )
