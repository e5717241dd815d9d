"""Random search: cells drawn in an order from the seed, as many as the trials or minutes allow.

What later searches are judged against: it learns nothing from what it sees.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from clipkit.campaign.course import Course
from clipkit.campaign.design import Design, warm_ups
from clipkit.campaign.strategy import Cell, Inferred, Progress
from clipkit.records.record import Record


@dataclass(slots=True)
class RandomSearch:
    """Every cell once before any is drawn again. `trials` counts all that were ever run or inferred,
    those of an earlier session too, `minutes` the time that all sessions took; None: no such limit."""

    course: Course
    trials: int | None
    minutes: float | None
    _drawn: Iterator[Cell] = field(init=False)
    _warm_ups: list[Cell] = field(default_factory=list)
    _ran: int = 0
    _began_s: float = 0.0

    def __post_init__(self) -> None:
        self._ran = len(self.course.done)
        self._began_s = self.course.clock()
        self._drawn = drawn_cells(self.course.design)
        self._warm_ups = warm_ups(list(self.course.design.cells))

    def ask(self) -> Cell | Inferred | None:
        """None where the trials or minutes are used up, those of open cells included."""
        if self._is_over():
            return None
        if self._warm_ups:
            return self.course.opened(self._warm_ups.pop(0))
        cell = next(c for c in self._drawn if (c.name, c.block) not in self.course.done)
        self._ran += 1
        return self.course.opened(cell)

    def tell(self, cell: Cell, record: Record) -> None:
        self.course.told(cell, record)

    def progress(self) -> Progress:
        done = len(self.course.done)
        if self.trials is None:
            return Progress(done, None, self._left_s())
        design = self.course.design
        upcoming = [c for c, _ in zip(drawn_cells(design), range(self.trials), strict=False)]
        left_s = self.course.left_s(
            cell for cell in upcoming if (cell.name, cell.block) not in self.course.done
        )
        limits_s = [limit for limit in (left_s, self._left_s()) if limit is not None]
        return Progress(done, max(done, self.trials), min(limits_s, default=None))

    def _is_over(self) -> bool:
        if self.trials is not None and self._ran >= self.trials:
            return True
        return self._left_s() == 0

    def _left_s(self) -> float | None:
        if self.minutes is None:
            return None
        spent_s = self.course.spent_s + self.course.clock() - self._began_s
        return max(0.0, self.minutes * 60 - spent_s)


def make_random(course: Course, options: Mapping[str, Any]) -> RandomSearch:
    return RandomSearch(course, options["trials"], options["minutes"])


def drawn_cells(design: Design) -> Iterator[Cell]:
    """Without end: every cell in an order from the seed, then again in another."""
    for number in count():
        yield from design.shuffled(number)


def random_cells(design: Design, options: Mapping[str, Any]) -> list[Cell]:
    """What a random search runs at most: where minutes alone limit it, each cell once."""
    trials = options["trials"] or len(design.cells)
    return [cell for cell, _ in zip(drawn_cells(design), range(trials), strict=False)]
