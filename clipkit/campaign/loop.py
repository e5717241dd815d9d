"""The one loop: run what a strategy asks for, store every attempt, tell the strategy and who watches."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from clipkit import ffmpeg_builds
from clipkit.campaign.alike import means_of, unlike
from clipkit.campaign.executor import Executor
from clipkit.campaign.strategy import WARMUP, Cell, Inferred, Strategy
from clipkit.errors import CampaignError, Cancelled
from clipkit.records.record import Record
from clipkit.records.status import Status
from clipkit.records.store import Store
from clipkit.trial.asked import Identity, Trial
from clipkit.trial.run import inferred
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
    """`past`: cell and block -> how many attempts there were, `means`: with what they were measured
    (`campaign.alike`), where a campaign is resumed."""

    store: Store
    executor: Executor
    watch: Watch
    past: Mapping[tuple[str, int], int] = field(default_factory=dict)
    means: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    order: int = 0
    started_s: float = field(default_factory=time.monotonic)

    def elapsed_s(self) -> float:
        return time.monotonic() - self.started_s

    def run(self, strategy: Strategy) -> None:
        """Until the strategy asks for nothing more; the caller holds the store (`writing`).

        Raises Cancelled after an interrupt, CampaignError where the machine lets nothing more be measured.
        """
        self.order = self.store.finished()
        while (asked := strategy.ask()) is not None:
            cell = asked.cell if isinstance(asked, Inferred) else asked
            record = self._infer(asked) if isinstance(asked, Inferred) else self._measure(cell)
            strategy.tell(cell, record)
            self._ended(cell, record)

    def _infer(self, asked: Inferred) -> Record:
        outcome = inferred(self._trial(asked.cell, self._first_attempt(asked.cell)), asked.because)
        self.store.append(outcome)
        return outcome.record

    def _measure(self, cell: Cell) -> Record:
        """One cell, repeated where an attempt was invalid; every attempt is stored, but for a
        warm-up, which is discarded. Who watches hears of the last one when the strategy has.

        Raises CampaignError where the machine failed in such a way that no other trial would end better, or
        has become another one.
        """
        first = self._first_attempt(cell)
        for tried in count(1):
            self.watch(TrialStarted(cell, self.order, self.elapsed_s()))
            outcome = self.executor.run(
                self._trial(cell, first + tried - 1, cell.last_counts and tried >= cell.attempts),
                lambda event: self.watch(ClipProgress(cell, event)),
            )
            record = outcome.record
            self._check_alike(record)
            if cell.phase != WARMUP:
                self.store.append(outcome)
            if record.status is Status.CANCELLED:
                self._ended(cell, record)
                if not self.store.finished():
                    raise Cancelled("interrupted before anything was finished")
                raise Cancelled(f"interrupted; what was finished is kept in {self.store.folder}")
            if outcome.stop:
                self._ended(cell, record)
                raise CampaignError(
                    f"{outcome.stop}; what was finished is kept in {self.store.folder}"
                )
            if not cell.is_tried_again(record.status, tried):
                break
            self._ended(cell, record)
        return record

    def _check_alike(self, record: Record) -> None:
        """Raises CampaignError where it was measured by other means than what is there: the world changed
        while this campaign ran, and unlike runs are not mixed."""
        own = means_of([record])
        if what := unlike(self.means, own):
            raise CampaignError(
                f"what came before was measured with {what} than this trial, which is not kept: unlike runs "
                "are not mixed, put it back and start it again, or choose a name with --as"
            )
        for key, values in own.items():
            self.means.setdefault(key, values)

    def _first_attempt(self, cell: Cell) -> int:
        """Its number: each session tries anew."""
        return self.past.get((cell.name, cell.block), 0) + 1

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
