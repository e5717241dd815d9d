"""What a tuning knows so far: each part of its programme reads it, and adds to it."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field

from clipkit.campaign.strategy import WARMUP, Cell
from clipkit.plan.clips import Job
from clipkit.plan.subject import Cuts
from clipkit.records.record import Record
from clipkit.settings import Settings
from clipkit.tuning.other_modes import OtherMode
from clipkit.tuning.pace import Pace
from clipkit.tuning.question import Question
from clipkit.tuning.screening import Screening, screened

PAIRS = 5
"""So many pairs at least, where they fit the budget."""

_ATTEMPTS, _REPEATED = 2, 3
"""A trial that others disturbed is run once more, and counts then; once so many were, the machine is busy all
the time, and the budget is worth more than repeats."""

LONGEST_TRIAL_S = 3600.0
_LEAST_TIMEOUT_S = 30.0

Programme = Generator[Cell, Record | None, None]
"""Yields the next cell to run, and is sent its record."""


@dataclass(slots=True)
class Session:
    """`results` holds every trial so far with its cell; `screening` says what they tell of the
    candidates; `rivals` and `modes` take part in the confirming rounds, a mode until it fails. `elapsed_s`:
    seconds since it began."""

    question: Question
    elapsed_s: Callable[[], float]
    results: list[tuple[Cell, Record]] = field(default_factory=list)
    rivals: tuple[Cuts, ...] = ()
    modes: tuple[OtherMode, ...] = field(init=False)
    screening: Screening = field(default_factory=Screening)
    pace: Pace = field(init=False)

    def __post_init__(self) -> None:
        self.pace = Pace(self.question, self.results)
        self.modes = self.question.modes

    @property
    def left_s(self) -> float:
        return max(0.0, self.question.budget_s - self.elapsed_s())

    @property
    def winner(self) -> Settings | None:
        return self.screening.winner

    @property
    def winner_clip_s(self) -> float:
        """Wall seconds a clip; 0 while there is none."""
        return self.screening.predicted_wall_s / self.question.clips if self.winner else 0.0

    @property
    def winner_concurrency(self) -> int:
        return self.winner.concurrency if self.winner else 1

    def judge(self) -> None:
        """Look again at what the trials tell of the candidates."""
        self.screening = screened(self.question, self.results)

    def cell(self, phase: str, subject: Cuts, settings: Settings, job: Job, block: int) -> Cell:
        """On the host that is asked about, as every trial of a tuning."""
        return Cell(
            phase=phase,
            subject=subject,
            settings=settings,
            job=job,
            host=self.question.host,
            reserve_bytes=self.question.reserve_bytes,
            block=block,
            timeout_s=max(2 * _LEAST_TIMEOUT_S, timeout_s(self.question.budget_s)),
            attempts=1 if self._is_busy or phase == WARMUP else _ATTEMPTS,
            last_counts=True,
        )

    @property
    def _is_busy(self) -> bool:
        return sum(record.attempt > 1 for _, record in self.results) >= _REPEATED


def timeout_s(time_s: float) -> float:
    """A limit for a trial that is to end within that time."""
    return max(_LEAST_TIMEOUT_S, min(LONGEST_TRIAL_S, time_s))
