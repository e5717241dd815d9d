"""The edge: of every combination of the other factors, how many clips at once the memory holds.

Concurrency is doubled until a trial does not end well, then bisected; then the highest that survived and the
lowest that did not are run again, until each has as many runs as asked for; where a repeat does not end well,
what is searched moves down. Memory alone is asked for: neither others nor a cold disk change that, so nothing
is repeated for their sake, and the records tell how disturbed they were.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from clipkit.campaign.course import Course
from clipkit.campaign.design import Design
from clipkit.campaign.strategy import Cell, Inferred, Progress
from clipkit.records.record import Record
from clipkit.records.status import TELLING, Status

Ends = Mapping[int, Sequence[bool]]
"""By rank, from 1: whether each of its runs ended well."""


@dataclass(slots=True)
class Edge:
    """`runs`: of the highest that survives, and of the lowest that does not."""

    course: Course
    runs: int
    _lines: list[list[Cell]] = field(default_factory=list)
    _ends: dict[str, list[bool]] = field(default_factory=dict)
    _open: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._lines = _lines_of(self.course.design.cells)
        for record in self.course.past:
            self._learn(record)

    def ask(self) -> Cell | Inferred | None:
        """Of the first line that has no cell open: what it asks next depends on what comes of that."""
        for line in self._lines:
            if any(cell.name in self._open for cell in line):
                continue
            rank = next_rank(len(line), self._ended(line), self.runs)
            if rank is not None:
                cell = self._numbered(line[rank - 1])
                self._open.add(cell.name)
                return self.course.opened(cell)
        return None

    def tell(self, cell: Cell, record: Record) -> None:
        self.course.told(cell, record)
        if record.status is not Status.INVALID_MACHINE:  # else its line is left to the next session
            self._open.discard(cell.name)
        self._learn(record)

    def progress(self) -> Progress:
        """How many there will be is known when no more are to come."""
        done = len(self.course.done)
        left = any(next_rank(len(line), self._ended(line), self.runs) for line in self._lines)
        return Progress(done, None, None) if left else Progress(done, done, 0.0)

    def _ended(self, line: list[Cell]) -> Ends:
        known = {rank: self._ends.get(cell.name) for rank, cell in enumerate(line, start=1)}
        return {rank: ends for rank, ends in known.items() if ends}

    def _numbered(self, cell: Cell) -> Cell:
        """As the block that it has not run in yet; its one attempt counts."""
        block = next(n for n in count() if (cell.name, n) not in self.course.done)
        return replace(cell, block=block, attempts=1, last_counts=True)

    def _learn(self, record: Record) -> None:
        if record.status in TELLING:
            self._ends.setdefault(record.cell, []).append(record.status is Status.OK)


def next_rank(ranks: int, ended: Ends, runs: int) -> int | None:
    """Which of so many, each needing more memory than the one below it, to run next; None: the edge is
    known. One that did not end well once has not survived, nor has anything above it."""
    died = [rank for rank, ends in ended.items() if not all(ends)]
    beyond = min(died, default=ranks + 1)
    safe = max((rank for rank in ended if rank < beyond), default=0)
    if beyond - safe > 1:
        return (safe + beyond) // 2 if died else min(max(1, 2 * safe), ranks)
    both = [rank for rank in (safe, beyond) if 1 <= rank <= ranks]
    return next((rank for rank in both if len(ended[rank]) < runs), None)


def make_edge(course: Course, options: Mapping[str, Any]) -> Edge:
    return Edge(course, options["blocks"])


def edge_cells(design: Design, options: Mapping[str, Any]) -> list[Cell]:
    """What it may run: of each line the longest way to an edge."""
    found: list[Cell] = []
    for line in _lines_of(design.cells):
        ways = [list(_way(line, edge, options["blocks"])) for edge in range(len(line) + 1)]
        longest: list[Cell] = max(ways, key=len)
        found += longest
    return found


def _way(line: list[Cell], edge: int, runs: int) -> Iterator[Cell]:
    """To that edge, where it lies sharp."""
    ended: dict[int, list[bool]] = {}
    while (rank := next_rank(len(line), ended, runs)) is not None:
        own = ended.setdefault(rank, [])
        yield replace(line[rank - 1], block=len(own))
        own.append(rank <= edge)


def _lines_of(cells: Sequence[Cell]) -> list[list[Cell]]:
    """What differs in nothing but how many clips run at once, the fewest first."""
    lines: dict[Hashable, list[Cell]] = {}
    for cell in cells:
        lines.setdefault(_but_for_concurrency(cell), []).append(cell)
    return [sorted(line, key=lambda cell: cell.settings.concurrency) for line in lines.values()]


def _but_for_concurrency(cell: Cell) -> Hashable:
    """As many clips as run at once: their number tells nothing more."""
    return (
        cell.subject.name,
        tuple(cell.subject.which.items()),
        replace(cell.settings, concurrency=1),
        cell.job.upload.sha256,
        cell.job.clips[0].duration_s,
        cell.host,
        cell.reserve_bytes,
    )
