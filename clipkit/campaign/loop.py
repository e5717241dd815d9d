"""The one loop: run what a strategy asks for, store every attempt, tell the strategy and who watches."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from clipkit import ffmpeg_builds
from clipkit.campaign.alike import Means, means_of, unlike
from clipkit.campaign.executor import Executor, RunsOn
from clipkit.campaign.strategy import WARMUP, AsksInBlocks, Cell, Inferred, Strategy
from clipkit.errors import CampaignError, Cancelled
from clipkit.records.outcome import Outcome
from clipkit.records.record import Record
from clipkit.records.status import Status
from clipkit.records.store import Store
from clipkit.trial.asked import Identity, Trial
from clipkit.trial.run import inferred
from clipkit.trial.visit import Manner


@dataclass(frozen=True, slots=True)
class TrialStarted:
    """A trial begins. `elapsed_s` since the loop's start; `on`: where, if not here."""

    cell: Cell
    order: int
    elapsed_s: float
    on: RunsOn | None = None


@dataclass(frozen=True, slots=True)
class TrialEnded:
    """A trial is in the store; `on`: where it ran, if not here."""

    cell: Cell
    record: Record
    elapsed_s: float
    on: RunsOn | None = None


@dataclass(frozen=True, slots=True)
class ClipProgress:
    """The engine's own event, while a trial runs."""

    cell: Cell
    event: dict[str, Any]


def trial_of(cell: Cell, identity: Identity, accept_noise: bool = False) -> Trial:
    """What is asked for to run the cell once."""
    return Trial(
        identity=identity,
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

    def run(self, strategy: Strategy) -> None:
        """Until the strategy asks for nothing more; the caller holds the store (`writing`).

        Raises Cancelled after an interrupt, CampaignError where the machine lets nothing more be measured.
        """
        self.order = self.store.finished()
        self.executor.run(_Blocks(self, strategy))

    def began(self, cell: Cell, order: int, on: RunsOn | None) -> None:
        self.watch(TrialStarted(cell, order, self.elapsed_s(), on))

    def infer(self, asked: Inferred) -> Record:
        outcome = inferred(self.trial(asked.cell, 1), asked.because)
        self.store.append(outcome)
        return outcome.record

    def keep(self, cell: Cell, outcome: Outcome) -> None:
        """Store it, but for a warm-up, which is discarded.

        Raises Cancelled where it was interrupted, CampaignError where the machine failed in such a way that
        no other trial would end better, or has become another one.
        """
        record = outcome.record
        self._check_alike(record)
        if cell.phase != WARMUP:
            self.store.append(outcome)
        if outcome.interrupted:
            self.ended(cell, record)
            if not self.store.finished():
                raise Cancelled("interrupted before anything was finished")
            raise Cancelled(f"interrupted; what was finished is kept in {self.store.folder}")
        if outcome.stop:
            self.ended(cell, record)
            raise CampaignError(f"{outcome.stop}; what was finished is kept in {self.store.folder}")

    def ended(self, cell: Cell, record: Record, on: RunsOn | None = None) -> None:
        self.watch(TrialEnded(cell, record, self.elapsed_s(), on))

    def trial(self, cell: Cell, tried: int) -> Trial:
        """The cell's attempt of that number in this session, from 1; its order is behind all that were made."""
        name = self.store.folder.name
        attempt = self.past.get((cell.name, cell.block), 0) + tried
        order = self.order
        self.order += cell.phase != WARMUP
        identity = Identity(name, cell.name, cell.block, order, attempt, cell.phase)
        return trial_of(cell, identity, cell.last_counts and tried >= cell.attempts)

    def elapsed_s(self) -> float:
        return time.monotonic() - self.started_s

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


@dataclass(frozen=True, slots=True)
class _Blocks:
    """What a strategy asks for, block by block: of one that knows no blocks each cell is one."""

    loop: Loop
    strategy: Strategy

    def take(self) -> _Block | None:
        asked = self.strategy.ask()
        if asked is None:
            return None
        cell = asked.cell if isinstance(asked, Inferred) else asked
        return _Block(self.loop, self.strategy, cell.block, asked)

    def unlike(self, means: Means) -> str | None:
        return unlike(self.loop.means, means)


@dataclass(slots=True)
class _Attempt:
    """One that is open, its cell's `tried`-th. `spent_s`: what those before it took, but for those that a machine
    took with it."""

    cell: Cell
    tried: int
    spent_s: float = 0.0
    began_s: float | None = None
    on: RunsOn | None = None


@dataclass(slots=True)
class _Block:
    """`first`: what it begins with, asked for already. A trial that is tried again comes before those that were not asked for yet."""

    loop: Loop
    strategy: Strategy
    number: int
    first: Cell | Inferred | None
    _again: deque[_Attempt] = field(default_factory=deque)
    _open: dict[str, _Attempt] = field(default_factory=dict)

    def take(self) -> Trial | None:
        if self._again:
            return self._opened(self._again.popleft())
        while (asked := self._ask()) is not None:
            if not isinstance(asked, Inferred):
                return self._opened(_Attempt(asked, 1))
            self._told(asked.cell, self.loop.infer(asked))
        return None

    def began(self, trial: Trial, on: RunsOn | None = None) -> None:
        attempt = self._open[trial.identity.run_id]
        attempt.began_s, attempt.on = self.loop.elapsed_s(), on
        self.loop.began(attempt.cell, trial.identity.order, on)

    def heard(self, trial: Trial, event: dict[str, Any]) -> None:
        self.loop.watch(ClipProgress(self._open[trial.identity.run_id].cell, event))

    def ended(self, trial: Trial, outcome: Outcome) -> None:
        """Where it was invalid it is repeated; who watches hears of the last attempt when the strategy has."""
        attempt, status = self._open.pop(trial.identity.run_id), outcome.record.status
        cell = attempt.cell
        spent_s = attempt.spent_s
        if attempt.began_s is not None and status is not Status.INVALID_MACHINE:
            spent_s += self.loop.elapsed_s() - attempt.began_s
        self.loop.keep(cell, outcome)
        if cell.is_tried_again(status, attempt.tried):
            self._again.append(_Attempt(cell, attempt.tried + 1, spent_s))
            self.loop.ended(cell, outcome.record, attempt.on)
        else:
            if isinstance(self.strategy, AsksInBlocks) and attempt.began_s is not None:
                self.strategy.took(cell, spent_s)
            self._told(cell, outcome.record, attempt.on)

    def _ask(self) -> Cell | Inferred | None:
        first, self.first = self.first, None
        if first is None and isinstance(self.strategy, AsksInBlocks):
            return self.strategy.ask() if self.strategy.next_block() == self.number else None
        return first

    def _opened(self, attempt: _Attempt) -> Trial:
        trial = self.loop.trial(attempt.cell, attempt.tried)
        self._open[trial.identity.run_id] = attempt
        return trial

    def _told(self, cell: Cell, record: Record, on: RunsOn | None = None) -> None:
        self.strategy.tell(cell, record)
        self.loop.ended(cell, record, on)
