"""The grid's strategy: every cell once a block, in random order, what is known to run out left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from clipkit.campaign.course import Course
from clipkit.campaign.design import Design, warm_ups
from clipkit.campaign.strategy import Cell, Inferred, Progress
from clipkit.records.record import Record


@dataclass(slots=True)
class Grid:
    """`blocks`: how often each cell is run. What `course` knows as done is not asked for again; each
    block begins with warm-ups."""

    course: Course
    blocks: int
    _queue: list[Cell] = field(default_factory=list)

    def __post_init__(self) -> None:
        for block in self.course.design.numbers(self.blocks):
            left = [c for c in self.course.design.block(block) if not self._is_done(c)]
            self._queue += [*warm_ups(left), *left]

    def ask(self) -> Cell | Inferred | None:
        """The next, also while others are open: no cell depends on another."""
        return self.course.opened(self._queue.pop(0)) if self._queue else None

    def next_block(self) -> int | None:
        return self._queue[0].block if self._queue else None

    def tell(self, cell: Cell, record: Record) -> None:
        self.course.told(cell, record)

    def took(self, cell: Cell, took_s: float) -> None:
        self.course.took(cell, took_s)

    def progress(self) -> Progress:
        every = grid_cells(self.course.design, {"blocks": self.blocks})
        left = [cell for cell in every if not self._is_done(cell)]
        by_block_s = self.course.left_by_block_s(left)
        left_s = None if by_block_s is None else sum(by_block_s.values())
        blocks_s = tuple((by_block_s or {}).values())
        return Progress(len(every) - len(left), len(every), left_s, blocks_s)

    def _is_done(self, cell: Cell) -> bool:
        return (cell.name, cell.block) in self.course.done


def make_grid(course: Course, options: Mapping[str, Any]) -> Grid:
    return Grid(course, options["blocks"])


def grid_cells(design: Design, options: Mapping[str, Any]) -> list[Cell]:
    """Everything that a grid runs, in its order."""
    return [cell for block in design.numbers(options["blocks"]) for cell in design.block(block)]
