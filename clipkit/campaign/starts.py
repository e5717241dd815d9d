"""Starts of a server: all of them with the fewest clips at once, which are its figures; then the edge, how
many at once survive, is searched on the same job (`campaign.edge`). A server that does not even cut a warm-up
is not started again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from clipkit.campaign.course import Course
from clipkit.campaign.design import Design, warm_ups
from clipkit.campaign.edge import next_rank
from clipkit.campaign.strategy import WARMUP, Cell, Inferred, Progress
from clipkit.errors import CampaignError
from clipkit.records.identity import without
from clipkit.records.record import Record
from clipkit.records.status import TELLING, Status

_TOLD = (*TELLING, Status.INVALID_NOISE)

Starts = Mapping[int, Sequence[bool]]
"""How many at once -> of each start whether it survived."""


@dataclass(slots=True)
class ServerStarts:
    """For each combination of the other levels in turn. What `course` knows as done is not asked for again."""

    course: Course
    starts: int
    _ladders: list[dict[int, Cell]] = field(default_factory=list)
    _known: dict[tuple[str, int], bool] = field(default_factory=dict)
    _given_up: set[str] = field(default_factory=set)
    _warm_ups: list[Cell] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._ladders = list(ladders(self.course.design).values())
        for record in self.course.past:
            self._learn(record)
        self._warm_ups = warm_ups(list(self.course.design.cells))

    def ask(self) -> Cell | Inferred | None:
        if self.course.is_open:
            return None
        wanted = self._wanted()
        if wanted is not None and self._warm_ups:
            return self.course.opened(self._warm_ups.pop(0))
        return None if wanted is None else self.course.opened(wanted)

    def tell(self, cell: Cell, record: Record) -> None:
        """Raises CampaignError where not even a warm-up ends: then nothing else would."""
        self.course.told(cell, record)
        if cell.phase != WARMUP:
            self._learn(record)
            if (
                record.status is Status.INVALID_MACHINE
            ):  # tried often enough: the next session goes on
                self._given_up.add(cell.name)
        elif record.status in (Status.FAILED, Status.TIMEOUT):
            told = record.served.service_client_told if record.status is Status.TIMEOUT else None
            more = f"; the client was told: {told}" if told else ""
            raise CampaignError(f"{record.who} does not cut one clip: {record.error}{more}")

    def progress(self) -> Progress:
        return Progress(len(self.course.done), None, None)

    def _wanted(self) -> Cell | None:
        for ladder in self._ladders:
            if any(cell.name in self._given_up for cell in ladder.values()):
                continue
            outcomes = {at_once: self._of(cell) for at_once, cell in ladder.items()}
            if (at_once := next_start(outcomes, self.starts)) is not None:
                cell = ladder[at_once]
                jobs = cell.jobs if at_once == min(ladder) else 1
                return replace(cell, block=len(outcomes[at_once]), jobs=jobs)
        return None

    def _of(self, cell: Cell) -> list[bool]:
        return [survived for (name, _), survived in self._known.items() if name == cell.name]

    def _learn(self, record: Record) -> None:
        if record.status in _TOLD:
            self._known[record.cell, record.block] = survived(record)


def survived(record: Record) -> bool:
    """Whether the job was done; others may have made it slow, but where the time limit struck meanwhile it was
    not."""
    return record.status in (Status.OK, Status.INVALID_NOISE) and record.wall_s is not None


def next_start(outcomes: Starts, starts: int) -> int | None:
    """How many at once are to be tried next; None: the edge is known."""
    levels = sorted(outcomes)
    fewest = outcomes[levels[0]]
    if not all(fewest):
        return None
    if len(fewest) < starts:
        return levels[0]
    ended = {rank: outcomes[n] for rank, n in enumerate(levels, start=1) if outcomes[n]}
    rank = next_rank(len(levels), ended, starts)
    return None if rank is None else levels[rank - 1]


def edge_of(outcomes: Starts) -> tuple[int, int | None]:
    """The highest number that survived each of its starts, below the lowest that did not; 0 and None: there
    is none."""
    died = [at_once for at_once, known in outcomes.items() if not all(known)]
    beyond = min(died, default=None)
    alive = [n for n, known in outcomes.items() if known and (beyond is None or n < beyond)]
    return max(alive, default=0), beyond


def ladders(design: Design) -> dict[Any, dict[int, Cell]]:
    """The cells that differ by concurrency alone, by it."""
    found: dict[Any, dict[int, Cell]] = {}
    for cell in design.cells:
        rest = without(cell.levels, "concurrency")
        found.setdefault(rest, {})[cell.settings.concurrency] = cell
    return found


def make_starts(course: Course, options: Mapping[str, Any]) -> ServerStarts:
    return ServerStarts(course, options["starts"])


def starts_cells(design: Design, options: Mapping[str, Any]) -> list[Cell]:
    """What it runs where it never doubles past anything: all starts of the fewest, and each other once."""
    found = []
    for ladder in ladders(design).values():
        fewest, *others = (ladder[at_once] for at_once in sorted(ladder))
        found += [replace(fewest, block=start) for start in range(options["starts"])]
        found += [replace(cell, jobs=1) for cell in others]
    return found
