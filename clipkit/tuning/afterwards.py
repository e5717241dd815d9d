"""What is looked at once the recommended settings stand: their picture beside today's, and others to choose.

None of it can lose what was found before: what cannot be cut or looked at is left out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from clipkit.campaign.strategy import Cell
from clipkit.errors import FfmpegError, OutputError
from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.media.picture import PictureCheck
from clipkit.records.record import Record
from clipkit.settings import Settings
from clipkit.tuning.picture import Way, compare_pictures
from clipkit.tuning.quality_answer import QualityChoices
from clipkit.tuning.quality_choices import quality_choices
from clipkit.tuning.quality_question import QualityQuestion
from clipkit.tuning.question import Question


@dataclass(frozen=True, slots=True)
class Afterwards:
    """`recommended`: who cuts with the recommended settings, and these; `winner`: those that did best at
    re-encoding; clips lie below `folder` meanwhile."""

    question: Question
    recommended: Way
    winner: Settings
    build: FfmpegBuild
    folder: Path

    def picture(self) -> PictureCheck | None:
        """Of the recommended settings beside the rival's. None where there is none, or it cuts nothing.

        Of a rival that decodes the film from its start the earliest clip, which it reaches soonest."""
        rival, fixed = self.question.rival, self.question.fixed
        if rival is None:
            return None
        job = self.question.jobs[0]
        if rival.seek(fixed) != "input":
            job = job.reduced([0])
        today = Way(rival, replace(fixed, concurrency=1))
        try:
            return compare_pictures(job, self.recommended, today, self.build, self.folder)
        except (FfmpegError, OutputError, OSError):
            return None

    def choices(
        self, measure: Callable[[Cell], Record], deadline_s: float, now_s: Callable[[], float]
    ) -> QualityChoices | None:
        """Other pictures beside that of the best settings for re-encoding, all else the same, until the deadline."""
        asked = QualityQuestion(
            job=self.question.jobs[0],
            today=self._ours,
            base=self._ours,
            host=self.question.host,
            reserve_bytes=self.question.reserve_bytes,
            build=self.build,
            folder=self.folder,
            noise=self.question.prior,
        )
        try:
            return quality_choices(asked, measure, deadline_s, now_s)
        except (FfmpegError, OutputError, OSError):
            return None

    @property
    def _ours(self) -> Way:
        return Way(self.question.cutter, self.winner)
