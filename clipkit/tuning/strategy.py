"""How `tune` spends its minutes: one pair, the candidates, the baselines, the winner's pairs.

Every trial runs on the host that is asked about. Asked for the next trial and told what came of it; it
touches no machine and reads no clock but the one that it is given.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from clipkit.campaign.strategy import WARMUP, Cell, Progress
from clipkit.errors import CampaignError
from clipkit.records.record import Record
from clipkit.tuning.baseline_times import time_baselines
from clipkit.tuning.confirming import confirm
from clipkit.tuning.question import Question
from clipkit.tuning.screening_rounds import first_pair, screen, warm_up
from clipkit.tuning.session import Programme, Session


@dataclass(slots=True)
class TuneStrategy:
    """`session` holds what it knows so far."""

    question: Question
    elapsed_s: Callable[[], float]
    session: Session = field(init=False)
    _programme: Programme = field(init=False)
    _open: Cell | None = None
    _told: Record | None = None

    def __post_init__(self) -> None:
        self.session = Session(self.question, self.elapsed_s)
        self._programme = _whole(self.session)

    def ask(self) -> Cell | None:
        """None also while a cell is open: what comes next depends on it."""
        if self._open is not None:
            return None
        told, self._told = self._told, None
        self._open = next(self._programme, None) if told is None else self._next(told)
        return self._open

    def tell(self, cell: Cell, record: Record) -> None:
        if cell != self._open:
            raise CampaignError("told of a trial that was not asked for")
        self.session.results.append((cell, record))
        self._open, self._told = None, record

    def progress(self) -> Progress:
        """The budget is what ends it: how many trials that will be is not known."""
        done = sum(cell.phase != WARMUP for cell, _ in self.session.results)
        return Progress(done, None, self.session.left_s)

    def _next(self, told: Record) -> Cell | None:
        try:
            return self._programme.send(told)
        except StopIteration:
            return None


def _whole(session: Session) -> Programme:
    yield from warm_up(session)
    yield from first_pair(session)
    yield from screen(session)
    if session.winner is not None:
        yield from time_baselines(session)
        yield from confirm(session)
