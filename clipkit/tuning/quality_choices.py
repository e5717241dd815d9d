"""`--quality free`: other presets and CRFs, at today's bytes or at today's VMAF, each timed on the host.

At one CRF another preset is another picture, so its time says nothing. What is found here stands side
by side with today's picture and with each other, for a person to choose: it is no gain.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from clipkit.campaign.loop import Loop
from clipkit.campaign.strategy import Cell, Progress
from clipkit.errors import CampaignError, UsageError
from clipkit.media.picture import Picture, PictureCheck
from clipkit.plan.clips import Job
from clipkit.records.record import Record
from clipkit.tuning.choice_pairs import ChoicePairs
from clipkit.tuning.crf_search import Matched, match_crfs
from clipkit.tuning.picture import CutPicture, cut_picture, short_part
from clipkit.tuning.quality_answer import (
    QualityChoice,
    QualityChoices,
    ordered_choices,
)
from clipkit.tuning.quality_question import QualityQuestion, may_choose_quality, way_with

# Of the time: what looking for them may take, so that some are timed.
_SEARCH_SHARE = 0.6


def quality_choices(
    question: QualityQuestion,
    measure: Callable[[Cell], Record],
    deadline_s: float,
    now_s: Callable[[], float] = time.monotonic,
) -> QualityChoices:
    """What was found and timed until `deadline_s` (of the clock `now_s`), best first.

    `measure` runs a cell on the host. Pictures are cut outside of it, at five places of two seconds
    each; times come from pairs of whole clips, today's and the choice's right after one another.

    Raises UsageError where preset and CRF cannot be chosen (`may_choose_quality`), FfmpegError where
    today's or another picture cannot be cut, Cancelled.
    """
    if not may_choose_quality(question.base):
        raise UsageError(
            "--quality free chooses preset and CRF of x264, and this command has no place for them: "
            "leave it out"
        )
    began_s = now_s()
    part = short_part(question.job)
    today = cut_picture(part, question.today, question.build, question.folder)
    search_until_s = began_s + _SEARCH_SHARE * (deadline_s - began_s)
    found: list[QualityChoice] = []
    not_searched: list[str] = []
    took_s = 0.0
    for preset in question.presets:
        preset_began_s = now_s()
        if preset_began_s + took_s >= search_until_s:  # it takes longer than the one before it
            not_searched.append(preset)
            continue
        found += _choices_of(preset, question, part, today)
        took_s = now_s() - preset_began_s
    timing = ChoicePairs(question, measure, lambda: deadline_s - now_s())
    timing.run(sorted(found, key=lambda choice: choice.cpu_ratio))
    choices = [replace(choice, time=timing.time_of(choice)) for choice in found]
    return QualityChoices(today.picture, ordered_choices(choices), tuple(not_searched))


def measured_by(loop: Loop) -> Callable[[Cell], Record]:
    """Trials of a campaign: stored, told to who watches, repeated where others disturbed them. The
    caller holds the store (`writing`)."""

    def measure(cell: Cell) -> Record:
        only = _Only(cell)
        loop.run(only)
        if only.record is None:
            raise CampaignError("a trial ended without a record")
        return only.record

    return measure


@dataclass(slots=True)
class _Only:
    """A strategy of one cell."""

    cell: Cell
    record: Record | None = None
    _asked: bool = False

    def ask(self) -> Cell | None:
        asked, self._asked = self._asked, True
        return None if asked else self.cell

    def tell(self, cell: Cell, record: Record) -> None:  # noqa: ARG002 (there is but one)
        self.record = record

    def progress(self) -> Progress:
        return Progress(int(self.record is not None), 1, None)


def _choices_of(
    preset: str, question: QualityQuestion, part: Job, today: CutPicture
) -> list[QualityChoice]:
    """At most two; none that makes today's own picture."""
    cpu_s: dict[int, float] = {}

    def cut(crf: int) -> Picture:
        made = cut_picture(part, way_with(question, preset, crf), question.build, question.folder)
        cpu_s[crf] = made.cpu_s
        return made.picture

    found = []
    for match in _united(match_crfs(today.picture, cut)):
        check = PictureCheck(match.picture, today.picture)
        ratio = cpu_s[match.crf] / today.cpu_s
        if not check.same:
            found.append(QualityChoice(preset, match.crf, match.by, check, ratio))
    return found


def _united(matches: Sequence[Matched]) -> Iterator[Matched]:
    """One choice where both rules come to the same CRF."""
    if len({match.crf for match in matches}) < len(matches):
        yield replace(matches[0], by="both")
    else:
        yield from matches
