"""The one loop: run what a strategy asks for, store every attempt, tell the strategy and who watches."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from clipkit import ffmpeg_builds
from clipkit.campaign.executor import Executor
from clipkit.campaign.strategy import WARMUP, Cell, Inferred, Strategy
from clipkit.errors import Cancelled
from clipkit.records.record import Record
from clipkit.records.status import Status
from clipkit.records.store import Store
from clipkit.trial.run import Identity, Trial, inferred
from clipkit.trial.visit import Manner


@dataclass(frozen=True, slots=True)
class TrialStarted:
    """A trial begins. `elapsed_s` since the loop's start."""

    cell: Cell
    order: int
    elapsed_s: float


@dataclass(frozen=True, slots=True)
class TrialEnded:
    """A trial is in the store."""

    cell: Cell
    record: Record
    elapsed_s: float


@dataclass(frozen=True, slots=True)
class ClipProgress:
    """The engine's own event, while a trial runs."""

    cell: Cell
    event: dict[str, Any]


Event = TrialStarted | TrialEnded | ClipProgress
Watch = Callable[[Event], None]


@dataclass(slots=True)
class Loop:
    """`past`: cell and block -> how many attempts there were, where a campaign is resumed."""

    store: Store
    executor: Executor
    watch: Watch
    past: Mapping[tuple[str, int], int] = field(default_factory=dict)
    order: int = 0
    started_s: float = field(default_factory=time.monotonic)

    def elapsed_s(self) -> float:
        return time.monotonic() - self.started_s

    def run(self, strategy: Strategy) -> None:
        """Until the strategy asks for nothing more; the caller holds the store (`writing`).

        Raises Cancelled after an interrupt.
        """
        self.order = self.store.finished()
        while (asked := strategy.ask()) is not None:
            cell = asked.cell if isinstance(asked, Inferred) else asked
            record = self._infer(asked) if isinstance(asked, Inferred) else self._measure(cell)
            strategy.tell(cell, record)
            self._ended(cell, record)

    def _infer(self, asked: Inferred) -> Record:
        outcome = inferred(self._trial(asked.cell, self._attempts(asked.cell)[0]), asked.because)
        self.store.append(outcome)
        return outcome.record

    def _measure(self, cell: Cell) -> Record:
        """One cell, repeated where the machine was too noisy; every attempt is stored, but for a
        warm-up, which is discarded. Who watches hears of the last one when the strategy has."""
        attempts = self._attempts(cell)
        for attempt in attempts:
            self.watch(TrialStarted(cell, self.order, self.elapsed_s()))
            outcome = self.executor.run(
                self._trial(cell, attempt, cell.last_counts and attempt == attempts[-1]),
                lambda event: self.watch(ClipProgress(cell, event)),
            )
            record = outcome.record
            if cell.phase != WARMUP:
                self.store.append(outcome)
            if record.status is Status.CANCELLED:
                self._ended(cell, record)
                if not self.store.finished():
                    raise Cancelled("interrupted before anything was finished")
                raise Cancelled(f"interrupted; what was finished is kept in {self.store.folder}")
            if record.status is not Status.INVALID_NOISE or attempt == attempts[-1]:
                break
            self._ended(cell, record)
        return record

    def _attempts(self, cell: Cell) -> range:
        """Their numbers: each session tries anew."""
        first = self.past.get((cell.name, cell.block), 0) + 1
        return range(first, first + cell.attempts)

    def _trial(self, cell: Cell, attempt: int, accept_noise: bool = False) -> Trial:
        name = self.store.folder.name
        return Trial(
            identity=Identity(name, cell.name, cell.block, self.order, attempt, cell.phase),
            job=cell.job,
            subject=cell.subject,
            settings=cell.settings,
            build=ffmpeg_builds.find_build(cell.settings.ffmpeg),
            host=cell.host,
            reserve_bytes=cell.reserve_bytes,
            timeout_s=cell.timeout_s,
            accept_noise=accept_noise,
            manner=Manner(rest_s=cell.rest_s, jobs=cell.jobs),
        )

    def _ended(self, cell: Cell, record: Record) -> None:
        self.order += cell.phase != WARMUP
        self.watch(TrialEnded(cell, record, self.elapsed_s()))
