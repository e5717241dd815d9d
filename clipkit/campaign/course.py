"""What of a design is done, open, and known to run out, and how long each cell takes: what strategies
that run cells in an order have in common."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import astuple, dataclass, field
from statistics import fmean
from typing import Any

from clipkit.campaign.again import done_of
from clipkit.campaign.design import Design
from clipkit.campaign.strategy import WARMUP, Cell, Inferred
from clipkit.errors import CampaignError
from clipkit.model.held import frames_held
from clipkit.model.memory import ACCOUNTED
from clipkit.records.record import Record
from clipkit.records.status import Status
from clipkit.settings import knobs


@dataclass(slots=True)
class Course:
    """`past`: the records of an earlier run of the same campaign. `cores`: what ffmpeg sees, where it
    chooses its threads by itself. `clock`: seconds that only grow. `spent_s`: what the earlier run
    took."""

    design: Design
    past: Iterable[Record]
    cores: int
    clock: Callable[[], float]
    spent_s: float = 0.0
    done: set[tuple[str, int]] = field(default_factory=set)
    _open: dict[tuple[str, str, int], float] = field(default_factory=dict)
    _ran_out: dict[str, Record] = field(default_factory=dict)
    _fitted: set[str] = field(default_factory=set)
    _inferred: set[str] = field(default_factory=set)
    _took_s: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    _by_name: dict[str, Cell] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._by_name = {cell.name: cell for cell in self.design.cells}
        past = [record for record in self.past if record.cell in self._by_name]
        self.done = done_of(past)
        for record in past:
            self._learn(record, record.wall_s)

    @property
    def is_open(self) -> bool:
        """Whether anything is asked for and not told of yet."""
        return bool(self._open)

    def opened(self, cell: Cell) -> Cell | Inferred:
        """What to ask for the cell: to run it, or to put it down where it is known to run out."""
        self._open[cell.phase, cell.name, cell.block] = self.clock()
        because = None if cell.phase == WARMUP else self._known_to_run_out(cell)
        return Inferred(cell, because) if because else cell

    def took(self, cell: Cell, took_s: float) -> None:
        """An open cell ran for so long, and not since it was asked for."""
        self._open[cell.phase, cell.name, cell.block] = self.clock() - took_s

    def told(self, cell: Cell, record: Record) -> None:
        """Raises CampaignError for a cell that is not open."""
        began_s = self._open.pop((cell.phase, cell.name, cell.block), None)
        if began_s is None:
            raise CampaignError("told of a trial that was not asked for")
        if cell.phase != WARMUP:
            self.done.add((cell.name, cell.block))
            self._learn(record, self.clock() - began_s)

    def left_s(self, cells: Iterable[Cell]) -> float | None:
        """What these will take: as long as the same cell took before, or else as the mean cell. None
        while nothing is known."""
        by_block_s = self.left_by_block_s(cells)
        return None if by_block_s is None else sum(by_block_s.values())

    def left_by_block_s(self, cells: Iterable[Cell]) -> dict[int, float] | None:
        """The same of each block of these, in their order."""
        known = {name: fmean(times_s) for name, times_s in self._took_s.items()}
        if not known:
            return None
        usual_s = fmean(known.values())
        found: defaultdict[int, float] = defaultdict(float)
        for cell in cells:
            unknown_s = 0.0 if cell.name in self._inferred else usual_s
            found[cell.block] += known.get(cell.name, unknown_s)
        return found

    def _learn(self, record: Record, took_s: float | None) -> None:
        if record.status is Status.OOM:
            self._ran_out.setdefault(record.cell, record)
        elif record.status in {Status.OK, Status.INVALID_NOISE} and record.wall_s is not None:
            self._fitted.add(record.cell)
        if record.status is Status.OOM_INFERRED:
            self._inferred.add(record.cell)
        elif took_s is not None and record.status is not Status.INVALID_MACHINE:
            self._took_s[record.cell].append(took_s)

    def _known_to_run_out(self, cell: Cell) -> Record | None:
        """The record of a cell that needs less and ran out in every run so far, unless one that
        needs as much as this one was seen to fit."""
        found = next(
            (
                record
                for name, record in self._ran_out.items()
                if name not in self._fitted
                and name != cell.name
                and needs_as_much(cell, self._by_name[name], self.cores)
            ),
            None,
        )
        if found is None:
            return None
        fitted = (self._by_name[name] for name in self._fitted)
        if any(needs_as_much(other, cell, self.cores) for other in fitted):
            return None
        return found


def needs_as_much(cell: Cell, other: Cell, cores: int) -> bool:
    """Whether `cell` is sure to need at least the memory of `other`, in no more room: as many clips
    at once, each holding as many frames of the same upload (`model.memory.frames_held`)."""
    own, others = cell.subject.used(cell.settings), other.subject.used(other.settings)
    if _who_cuts_what(cell) != _who_cuts_what(other):
        return False
    if any(
        getattr(own, knob.name) != getattr(others, knob.name)
        for knob in knobs()
        if knob.name not in ACCOUNTED
    ):
        return False
    if cell.host.cpus != other.host.cpus or _room(cell) > _room(other):
        return False
    if _at_once(cell) < _at_once(other) or _clip_s(cell) < _clip_s(other):
        return False
    if own.preset is None or others.preset is None:  # what its command encodes with is not known
        return True
    held = zip(astuple(frames_held(own, cores)), astuple(frames_held(others, cores)), strict=True)
    return all(mine >= theirs for mine, theirs in held)


def _who_cuts_what(cell: Cell) -> tuple[Any, ...]:
    subject = cell.subject
    return subject.name, subject.which, subject.command, cell.job.upload.sha256


def _room(cell: Cell) -> float:
    memory_bytes = cell.host.memory_bytes
    return float("inf") if memory_bytes is None else memory_bytes - cell.reserve_bytes


def _at_once(cell: Cell) -> int:
    return min(cell.settings.concurrency, len(cell.job.clips))


def _clip_s(cell: Cell) -> float:
    return min(clip.duration_s for clip in cell.job.clips)
