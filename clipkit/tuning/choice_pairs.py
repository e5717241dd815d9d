"""How long choices take on the host: pairs with what cuts today, one right after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import fmean

from clipkit.analysis.statistics import paired_ratio
from clipkit.campaign.strategy import Cell
from clipkit.records.record import Record
from clipkit.records.status import Status, has_failed, is_finished
from clipkit.tuning.picture import Way
from clipkit.tuning.quality_answer import ChoiceTime, QualityChoice
from clipkit.tuning.quality_question import QualityQuestion, way_with
from clipkit.tuning.sampling import systematic

PHASE = "quality"
"""Of the records that time a choice: another picture than the recommended settings make."""
_MOST_PAIRS = 5
_CLIPS_A_PAIR = 2
_LEAST_TIMEOUT_S = 60.0


@dataclass(slots=True)
class ChoicePairs:
    """Round after round of pairs, while time is left; what failed on the host is not tried again."""

    question: QualityQuestion
    measure: Callable[[Cell], Record]
    left_s: Callable[[], float]
    _pairs: dict[tuple[str, int], list[tuple[Record, Record]]] = field(default_factory=dict)

    def run(self, choices: Sequence[QualityChoice]) -> None:
        """The cheapest first, so that little time goes to those that are worth trying."""
        longest_s = 0.0
        for block in range(_MOST_PAIRS):
            for choice in choices:
                pairs = self._pairs.setdefault((choice.preset, choice.crf), [])
                if any(has_failed(record) for pair in pairs for record in pair):
                    continue
                if (left_s := self.left_s()) <= longest_s:
                    return
                pairs.append(self._pair(choice, block))
                longest_s = max(longest_s, left_s - self.left_s())

    def _pair(self, choice: QualityChoice, block: int) -> tuple[Record, Record]:
        """Today's and the choice's, one after the other; who is first changes from block to block."""
        ours = self._cell(way_with(self.question, choice.preset, choice.crf), block)
        theirs = self._cell(self.question.today, block)
        if block % 2:
            record = self.measure(ours)
            return self.measure(theirs), record
        return self.measure(theirs), self.measure(ours)

    def _cell(self, way: Way, block: int) -> Cell:
        """Each block's clips are others, and as many as really run at once."""
        job = self.question.job
        clips = max(_CLIPS_A_PAIR, self.question.base.settings.concurrency)
        return Cell(
            phase=PHASE,
            subject=way.subject,
            settings=way.settings,
            job=job.reduced(systematic(len(job.clips), min(clips, len(job.clips)), block)),
            host=self.question.host,
            reserve_bytes=self.question.reserve_bytes,
            block=block,
            timeout_s=max(_LEAST_TIMEOUT_S, self.left_s()),
        )

    def time_of(self, choice: QualityChoice) -> ChoiceTime | None:
        """None: no time was left for a pair of it."""
        pairs = self._pairs.get((choice.preset, choice.crf), [])
        if not pairs:
            return None
        ended = [ours for _, ours in pairs if is_finished(ours) and ours.wall_s]
        if not ended:
            wrong = pairs[-1][1]
            return ChoiceTime(None, None, None, 0, wrong.status, wrong.error)
        walls = [
            (theirs.wall_s, ours.wall_s)
            for theirs, ours in pairs
            if is_finished(theirs) and is_finished(ours) and theirs.wall_s and ours.wall_s
        ]
        theirs_s, ours_s = [wall_s for wall_s, _ in walls], [wall_s for _, wall_s in walls]
        return ChoiceTime(
            wall_s=fmean(ours_s or [ours.wall_s or 0.0 for ours in ended]),
            today_wall_s=fmean(theirs_s) if theirs_s else None,
            speedup=paired_ratio(theirs_s, ours_s, self.question.noise) if walls else None,
            pairs=len(walls),
            status=Status.OK,
            error=None
            if walls
            else f"nothing to compare with: today's {pairs[-1][0].status.words}",
        )
