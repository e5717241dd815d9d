"""Run what a strategy asks for, store every attempt, tell the strategy and whoever watches."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from clipkit import ffmpeg_builds
from clipkit.campaign.store import Store
from clipkit.campaign.strategy import Cell, Strategy
from clipkit.ceiling.base import Ceiling, Limits
from clipkit.errors import Cancelled
from clipkit.trial.record import Record, Status
from clipkit.trial.run import Identity, Trial, run_trial

# A trial spoilt by other machines' load is kept and repeated this often before it is taken as is.
_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class TrialStarted:
    """A trial begins. `elapsed_s` since the campaign's start."""

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
class Campaign:
    """A campaign being run."""

    name: str
    store: Store
    open_ceiling: Callable[[Limits], Ceiling]
    watch: Watch
    order: int = 0
    started_s: float = field(default_factory=time.monotonic)

    def elapsed_s(self) -> float:
        return time.monotonic() - self.started_s

    def run(self, strategy: Strategy) -> None:
        """Until the strategy asks for nothing more. Raises Cancelled after an interrupt."""
        with self.store.writing():
            self.order = self.store.finished()  # so that no attempt has an earlier one's name
            while (cell := strategy.ask()) is not None:
                strategy.tell(self._measure(cell))

    def _measure(self, cell: Cell) -> Record:
        """One cell, repeated where the machine was too noisy; every attempt is stored."""
        for attempt in range(1, _ATTEMPTS + 1):
            self.watch(TrialStarted(cell, self.order, self.elapsed_s()))
            trial = Trial(
                identity=Identity(
                    self.name, cell.name, cell.block, self.order, attempt, cell.phase
                ),
                job=cell.job,
                subject=cell.subject,
                settings=cell.settings,
                build=ffmpeg_builds.find(cell.settings.ffmpeg),
                host=cell.host,
                reserve_bytes=cell.reserve_bytes,
                timeout_s=cell.timeout_s,
            )
            outcome = run_trial(
                trial,
                self.open_ceiling,
                self.store.folder,
                lambda event: self.watch(ClipProgress(cell, event)),
            )
            self.store.append(outcome)
            self.order += 1
            self.watch(TrialEnded(cell, outcome.record, self.elapsed_s()))
            if outcome.record.status is Status.CANCELLED:
                raise Cancelled(f"interrupted; what was finished is kept in {self.store.folder}")
            if outcome.record.status is not Status.INVALID_NOISE:
                break
        return outcome.record
