"""Which machine runs what, and what becomes of it where a machine is lost. It knows no cluster and no clock: who
drives it tells it what happened."""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from clipkit.campaign.alike import Means, unlike
from clipkit.campaign.executor import Block, Blocks, RunsOn
from clipkit.campaign.strategy import WARMUP
from clipkit.records.outcome import Outcome
from clipkit.trial.asked import Trial

Lost = Callable[[Trial, "Worker", str], Outcome]
"""The end of a trial that a worker took with it, and why, in words."""


@dataclass(frozen=True, slots=True)
class Worker:
    """One that said what it is. `life`: another one where it was started again; `machine`: whose it is, `host_id`: that
    machine's name in records; `ceilings`: what holds each host there, by its name; `means`: with what it measures."""

    address: str
    life: str
    machine: str
    host_id: str = ""
    ceilings: Mapping[str, str] = field(default_factory=dict)
    means: Means = field(default_factory=dict)


@dataclass(slots=True)
class Lease:
    """What one worker runs of a block, from its beginning or from where another one was lost on. `travel_s`: so long may
    what it is sent take to arrive, until something was heard of it."""

    id: str
    worker: Worker
    block: Block
    trials: dict[str, Trial]
    heard_s: float
    running: str | None = None
    ended: int = 0
    travel_s: float = 0.0

    @property
    def left(self) -> list[Trial]:
        """What somebody else has to run."""
        return [trial for trial in self.trials.values() if trial.identity.phase != WARMUP]

    @property
    def under_way(self) -> Trial | None:
        """The trial that is being run; None: a warm-up is, or nothing that was told of."""
        trial = self.trials.get(self.running or "")
        return trial if trial and trial.identity.phase != WARMUP else None

    @property
    def has_begun(self) -> bool:
        """Whether any trial of it has."""
        return bool(self.ended or self.under_way)


_MOST_LOSSES = 3
"""So many workers may be lost with a rest of a block before any trial of it began: what is made ready for the first one
takes them along."""


@dataclass(slots=True)
class _Rest:
    """Of a block; `warm_ups`: those that any machine begins with that runs some of it; `losses`: how many workers were lost
    with it, one after the other, before any trial of it began."""

    block: Block
    warm_ups: list[Trial]
    trials: list[Trial]
    losses: int = 0


@dataclass(slots=True)
class Leases:
    """One at a time on a machine, however many workers it has. What is told of a lease that is no longer open is
    not heard: its trials are another's by then. `looked_at`: machines that are being looked at."""

    blocks: Blocks
    lost_outcome: Lost
    workers: dict[str, Worker] = field(default_factory=dict)
    open: dict[str, Lease] = field(default_factory=dict)
    looked_at: set[str] = field(default_factory=set)
    _rest: deque[_Rest] = field(default_factory=deque)
    _taken: dict[str, _Rest] = field(default_factory=dict)
    _set_aside: dict[str, str] = field(default_factory=dict)
    _unheard: dict[str, Worker] = field(default_factory=dict)

    def joined(self, worker: Worker) -> None:
        self.workers[worker.address] = worker
        self._set_aside.pop(worker.address, None)

    def unlike(self, worker: Worker) -> str | None:
        """By which other means than this one the campaign is measured, in words: by what is there of it, and by whoever
        else may get something."""
        others = (
            each.means
            for at, each in self.workers.items()
            if at != worker.address and at not in self._set_aside
        )
        told = (self.blocks.unlike(worker.means), *(unlike(each, worker.means) for each in others))
        return next(filter(None, told), None)

    def left(self, address: str, why: str) -> None:
        """The worker is gone: what it ran is lost with it."""
        if worker := self.workers.pop(address, None):
            for lease in [each for each in self.open.values() if each.worker is worker]:
                self._lose_with_worker(lease, why)
        self._set_aside.pop(address, None)
        self._unheard = {i: each for i, each in self._unheard.items() if each.address != address}

    def set_aside(self, address: str, why: str) -> None:
        """It gets nothing more until it joins again."""
        self._set_aside[address] = why

    def give_up_unheard(self, lease: Lease, why: str) -> None:
        """Nothing was heard of it for too long: what it has is run elsewhere, and it joins again when it is heard of
        after all (`heard_again`)."""
        self._unheard[lease.id] = lease.worker
        self.set_aside(lease.worker.address, why)
        self._lose_with_worker(lease, why)

    def heard_again(self, lease_id: str) -> Worker | None:
        """Once: the worker that such a lease was of."""
        return self._unheard.pop(lease_id, None)

    def free(self) -> list[Worker]:
        """One of each machine that runs nothing."""
        busy = self.looked_at | {lease.worker.machine for lease in self.open.values()}
        found: dict[str, Worker] = {}
        for worker in self.workers.values():
            if worker.machine not in busy and worker.address not in self._set_aside:
                found.setdefault(worker.machine, worker)
        return list(found.values())

    def serves(self, machine: str, but: str) -> bool:
        """Whether another worker than that one may get what its machine is to run."""
        return any(
            each.machine == machine and at != but and at not in self._set_aside
            for at, each in self.workers.items()
        )

    def grant(self, now_s: float) -> Lease | None:
        """What is to be started now: the rest of a block whose worker was lost, else the next block. None where no
        machine is free, or nothing is left that could be begun."""
        free = self.free()
        if not free or (taken := self._next()) is None:
            return None
        named = {trial.identity.run_id: trial for trial in (*taken.warm_ups, *taken.trials)}
        lease = Lease(secrets.token_hex(6), free[0], taken.block, named, now_s)
        self.open[lease.id], self._taken[lease.id] = lease, taken
        return lease

    def heard(self, lease_id: str, now_s: float) -> Lease | None:
        """Something was told of it; None where that is no longer of interest."""
        if lease := self.open.get(lease_id):
            lease.heard_s, lease.travel_s = now_s, 0.0
        return lease

    def began(self, lease: Lease, run_id: str) -> None:
        if (trial := lease.trials.get(run_id)) and lease.running != run_id:
            lease.running = run_id
            if trial.identity.phase != WARMUP:
                lease.block.began(trial, RunsOn(lease.worker.machine, self._machines()))

    def ended(self, lease: Lease, run_id: str, outcome: Outcome) -> None:
        """Once: what is told a second time was kept already."""
        trial = lease.trials.pop(run_id, None)
        if trial is None:
            return
        if lease.running == run_id:
            lease.running = None
        if trial.identity.phase == WARMUP:
            return
        lease.ended += 1
        lease.block.ended(trial, outcome)

    def over(self, lease_id: str, why: str | None = None) -> None:
        """Its process has ended, `why` tells how where that was not well. What it left is run anew; a worker on which
        nothing came of a lease is set aside, since it would take one block after the other."""
        lease = self.open.get(lease_id)
        if lease is None:
            return
        if lease.left and not lease.ended:
            told = why or "nothing came of it"
            self.set_aside(lease.worker.address, told)
        self.lose(lease_id, why or "its process ended before it did")

    def lose(self, lease_id: str, why: str) -> None:
        """Nothing more comes of it: the trial that ran is lost, the others are run elsewhere."""
        lease, taken = self.open.pop(lease_id), self._taken.pop(lease_id)
        losses = 0 if lease.has_begun else taken.losses
        if lost := lease.under_way:
            del lease.trials[lost.identity.run_id]
            lease.block.ended(lost, self.lost_outcome(lost, lease.worker, why))
        if rest := [*lease.left, *iter(lease.block.take, None)]:
            self._rest.append(_Rest(lease.block, taken.warm_ups, rest, losses))

    def _lose_with_worker(self, lease: Lease, why: str) -> None:
        """Nobody sets such a worker aside: it comes back, and would be lost with the same again and again."""
        taken = self._taken[lease.id]
        if not lease.has_begun:
            taken.losses += 1
            if taken.losses == _MOST_LOSSES:
                self.began(lease, lease.left[0].identity.run_id)
                why = f"{why} ({_MOST_LOSSES} times in a row before the trial began)"
        self.lose(lease.id, why)

    def _machines(self) -> int:
        """How many run something or could."""
        busy = {lease.worker.machine for lease in self.open.values()}
        return len(busy | {worker.machine for worker in self.free()})

    def silent(self, since_s: float) -> list[Lease]:
        """Those of which nothing was heard since then, though what they were sent should have arrived."""
        return [each for each in self.open.values() if each.heard_s + each.travel_s < since_s]

    @property
    def refused(self) -> dict[str, str]:
        """Workers that get nothing, and why."""
        return dict(self._set_aside)

    def has_work(self) -> bool:
        """Whether anything is left that could be begun."""
        if not self._rest and (taken := self._next()):
            self._rest.append(taken)
        return bool(self._rest)

    def _next(self) -> _Rest | None:
        if self._rest:
            return self._rest.popleft()
        while (block := self.blocks.take()) is not None:
            trials = list(iter(block.take, None))
            warm_ups = [trial for trial in trials if trial.identity.phase == WARMUP]
            rest = [trial for trial in trials if trial.identity.phase != WARMUP]
            if rest:
                return _Rest(block, warm_ups, rest)
        return None
