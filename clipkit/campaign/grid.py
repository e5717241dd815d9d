"""The grid's strategy: every cell once a block, in random order, what is known to run out left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import astuple, dataclass, field

from clipkit.campaign.design import Design, warm_ups
from clipkit.campaign.strategy import WARMUP, Cell, Inferred
from clipkit.model.memory import frames_held
from clipkit.records.record import Record, Status
from clipkit.trial.run import ATTEMPTS

_FINAL = {Status.OK, Status.OOM, Status.TIMEOUT, Status.FAILED, Status.OOM_INFERRED}
# Settings that must agree for one cell to need as much memory as another; the rest is compared.
_ALIKE = ("mode", "seek", "filter_threads", "mbtree", "audio", "hdr", "ffmpeg")


@dataclass(slots=True)
class Grid:
    """`past`: the records of an earlier run of the same campaign; what they finished is not asked
    for again. `cores`: what ffmpeg sees, where it chooses its threads by itself."""

    design: Design
    past: Iterable[Record]
    cores: int
    _queue: list[Cell] = field(default_factory=list)
    _ran_out: dict[str, Record] = field(default_factory=dict)
    _fitted: set[str] = field(default_factory=set)
    _by_name: dict[str, Cell] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._by_name = {cell.name: cell for cell in self.design.cells}
        past = list(self.past)
        for record in past:
            self._learn(record)
        done = finished(past)
        for block in range(self.design.blocks):
            left = [cell for cell in self.design.block(block) if (cell.name, block) not in done]
            self._queue += [*warm_ups(left), *left]

    def ask(self) -> Cell | Inferred | None:
        """The same until it was told what came of it."""
        if not self._queue:
            return None
        cell = self._queue[0]
        because = None if cell.phase == WARMUP else self._known_to_run_out(cell)
        return Inferred(cell, because) if because else cell

    def tell(self, record: Record) -> None:
        if self._queue.pop(0).phase != WARMUP:
            self._learn(record)

    def _learn(self, record: Record) -> None:
        if record.status is Status.OOM:
            self._ran_out.setdefault(record.cell, record)
        elif record.status in {Status.OK, Status.INVALID_NOISE}:
            self._fitted.add(record.cell)

    def _known_to_run_out(self, cell: Cell) -> Record | None:
        """The record of a cell that needs less and ran out in every run so far, unless one that
        needs as much as this one was seen to fit."""
        fitted = (self._by_name[name] for name in self._fitted if name in self._by_name)
        if any(needs_as_much(other, cell, self.cores) for other in fitted):
            return None
        for name, record in self._ran_out.items():
            if name in self._fitted | {cell.name} or name not in self._by_name:
                continue
            if needs_as_much(cell, self._by_name[name], self.cores):
                return record
        return None


def finished(records: Iterable[Record]) -> set[tuple[str, int]]:
    """Cell and block of what need not be run again: it ended by itself, or its attempts that other
    machines disturbed are used up."""
    disturbed: Counter[tuple[str, int]] = Counter()
    done = set()
    for record in records:
        key = (record.cell, record.block)
        disturbed[key] += record.status is Status.INVALID_NOISE
        if record.status in _FINAL or disturbed[key] >= ATTEMPTS:
            done.add(key)
    return done


def needs_as_much(cell: Cell, other: Cell, cores: int) -> bool:
    """Whether `cell` is sure to need at least the memory of `other`, in no more room: as many clips
    at once, each holding as many frames of the same upload (`model.memory.frames_held`)."""
    if (cell.subject, cell.job.upload.sha256) != (other.subject, other.job.upload.sha256):
        return False
    if any(getattr(cell.settings, name) != getattr(other.settings, name) for name in _ALIKE):
        return False
    if cell.host.cpus != other.host.cpus or _room(cell) > _room(other):
        return False
    if _at_once(cell) < _at_once(other) or _clip_s(cell) < _clip_s(other):
        return False
    held = zip(
        astuple(frames_held(cell.settings, cores)),
        astuple(frames_held(other.settings, cores)),
        strict=True,
    )
    return all(own >= others for own, others in held)


def _room(cell: Cell) -> float:
    memory_bytes = cell.host.memory_bytes
    return float("inf") if memory_bytes is None else memory_bytes - cell.reserve_bytes


def _at_once(cell: Cell) -> int:
    return min(cell.settings.concurrency, len(cell.job.clips))


def _clip_s(cell: Cell) -> float:
    return min(clip.duration_s for clip in cell.job.clips)
