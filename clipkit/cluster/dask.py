"""Runs blocks on the user's own Dask cluster, however that was made. The machines' own records are data; what of
them is written is written here, where the campaign's loop runs."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from clipkit.campaign.alike import means_of
from clipkit.campaign.executor import Blocks
from clipkit.cluster.connecting import connected
from clipkit.cluster.joining import UNMIXED, Joining
from clipkit.cluster.leases import Lease, Leases, Worker
from clipkit.cluster.lines import Began, Ended, Ready, outcome_in, told_in
from clipkit.cluster.parcel import Packer
from clipkit.cluster.tasks import Over, Said, Tasks
from clipkit.errors import CampaignError
from clipkit.records.outcome import Outcome
from clipkit.records.status import Status
from clipkit.trial.asked import Trial
from clipkit.trial.run import unmeasured_outcome

_WAIT_S = 0.5
_SLOWEST_BYTES_PER_S = 100_000
"""Of a parcel with its films, on its way to a worker over the scheduler: a worker says its first word when it is there."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds. `silence_s`: a worker of which nothing is heard for so long is lost, or named where it never said who it
    is; `forsaken_s`: a block that nobody
    waits for ends after so long, with `grace_s` to clear up; `nobody_s`: so long without any machine that could run
    what is left the campaign ends; `look_again_s`: after so long a busy machine is looked at again, and it
    has `look_s` to say what it is."""

    silence_s: float = 60.0
    forsaken_s: float = 40.0
    grace_s: float = 8.0
    nobody_s: float = 900.0
    look_again_s: float = 30.0
    look_s: float = 120.0


@dataclass(slots=True)
class Dask:
    """`say`: tells the user in a line who joined, who was lost, who gets nothing and why; `describe`: is given what a
    machine that joins says of itself, as an environment of a campaign."""

    address: str
    packer: Packer
    say: Callable[[str], None]
    describe: Callable[[Mapping[str, Any]], None]
    patience: Patience = field(default_factory=Patience)

    def run(self, blocks: Blocks) -> None:
        """Raises CampaignError where no scheduler answers or it is gone, or no machine is left that could run the rest."""
        client = connected(self.address)
        try:
            leases, patience = Leases(blocks, lost_outcome), self.patience
            tasks = Tasks(client, self.address, patience.forsaken_s, patience.grace_s)
            joining = Joining(
                tasks, leases, self.packer, self.say, self.describe,
                answer_s=patience.silence_s, look_s=patience.look_s, look_again_s=patience.look_again_s,
            )  # fmt: skip
            _Run(self, tasks, leases, joining).to_the_end()
        finally:
            with contextlib.suppress(TimeoutError):
                client.close(timeout=5)


def lost_outcome(trial: Trial, worker: Worker, why: str) -> Outcome:
    """Of a trial that a worker took with it."""
    ceiling = worker.ceilings.get(trial.host.name, "")
    told = unmeasured_outcome(
        trial, Status.INVALID_MACHINE, f"machine {worker.machine}: {why}", ceiling
    )
    return replace(told, record=replace(told.record, host_id=worker.host_id))


@dataclass(slots=True)
class _Run:
    asked: Dask
    tasks: Tasks
    leases: Leases
    joining: Joining
    _useful_s: float = field(default_factory=time.monotonic)
    _answered: bool = True

    def to_the_end(self) -> None:
        self.tasks.open()
        try:
            while self._is_left():
                for told in self.tasks.told(_WAIT_S):
                    if isinstance(told, Said):
                        self._said(told)
                    else:
                        self._over(told)
                self.joining.look(time.monotonic())
                self._tell_of_the_scheduler()
                self._give_up_the_silent()
        finally:
            self.tasks.close()

    def _is_left(self) -> bool:
        """Whether anything runs or may still be begun; what can be begun is."""
        while lease := self.leases.grant(time.monotonic()):
            self.asked.say(f"machine {lease.worker.machine}: {len(lease.left)} trials of a block")
            parcel = self.asked.packer.block(list(lease.trials.values()))
            lease.travel_s = len(parcel.content) / _SLOWEST_BYTES_PER_S
            self.tasks.run(lease.id, lease.worker, parcel)
        if self.leases.open:
            self._useful_s = time.monotonic()
            return True
        if not self.leases.has_work():
            return False
        if time.monotonic() - self._useful_s > self.asked.patience.nobody_s:
            told = "; ".join(f"{at}: {why}" for at, why in self.leases.refused.items())
            raise CampaignError(
                f"no machine of {self.asked.address} can run what is left ({told or 'no worker is there'}): "
                "start workers there, then start this again"
            )
        return True

    def _said(self, told: Said) -> None:
        now_s = time.monotonic()
        lease = self.leases.heard(told.name, now_s)
        if worker := self.leases.heard_again(told.name):
            self.joining.again(worker, now_s)
        try:
            line = told_in(told.line)
            outcome = None
            if lease and isinstance(line, Ended) and line.run_id in lease.trials:
                outcome = outcome_in(line, lease.trials[line.run_id])
        except CampaignError as error:
            if lease:
                self._give_up(lease, str(error))
            return
        if isinstance(line, Ready):
            self.joining.ready(told.name, line)
        elif lease and isinstance(line, Began):
            self.leases.began(lease, line.run_id)
        elif lease and isinstance(line, Ended) and outcome:
            if what := self.leases.blocks.unlike(means_of([outcome.record])):
                self._give_up(
                    lease, f"its trial is not kept, the campaign is measured with {what}: {UNMIXED}"
                )
                return
            # What stops it there need not stop it elsewhere.
            self.leases.ended(lease, line.run_id, replace(outcome, stop=None))
            if outcome.stop:
                self._give_up(lease, outcome.stop)

    def _give_up(self, lease: Lease, why: str) -> None:
        """That worker gets nothing more, and what it has is run elsewhere."""
        self.asked.say(f"machine {lease.worker.machine}: {why}")
        self.tasks.cancel(lease.id)
        self.leases.set_aside(lease.worker.address, why)
        self.leases.lose(lease.id, why)

    def _over(self, told: Over) -> None:
        end, now_s = told.end, time.monotonic()
        if end.is_busy:
            self._useful_s = now_s  # it could run what is left, in its turn
        if self.joining.over(told.name, end, now_s):
            return
        lease = self.leases.open.get(told.name)
        if lease is None:
            return
        if end.is_another_life:
            self.joining.gone(lease.worker.address)
            return
        if end.passes:
            self.joining.again(lease.worker, now_s + self.asked.patience.look_again_s)
        if lease.left:
            why = end.why or "its process ended early"
            self.asked.say(f"machine {lease.worker.machine}: {why}")
        self.leases.over(told.name, end.why)

    def _tell_of_the_scheduler(self) -> None:
        if self.tasks.answers is self._answered:
            return
        self._answered = self.tasks.answers
        told = "answers again" if self._answered else "does not answer, and is asked again"
        self.asked.say(f"the scheduler at {self.asked.address} {told}")

    def _give_up_the_silent(self) -> None:
        silence_s = self.asked.patience.silence_s
        for lease in self.leases.silent(time.monotonic() - silence_s):
            why = f"nothing was heard of its worker for {silence_s + lease.travel_s:.0f} s"
            self.asked.say(f"machine {lease.worker.machine}: {why}")
            self.tasks.cancel(lease.id)
            self.leases.give_up_unheard(lease, why)
