"""Runs blocks on the user's own Dask cluster, however that was made. The machines' own records are data; what of
them is written is written here, where the campaign's loop runs."""

from __future__ import annotations

import queue
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clipkit.campaign.executor import Blocks
from clipkit.cluster import guard, there
from clipkit.cluster.connecting import ByValue, connected
from clipkit.cluster.ends import TaskEnd
from clipkit.cluster.leases import Lease, Leases, Worker
from clipkit.cluster.lines import Began, Ended, Ready, outcome_in, told_in
from clipkit.cluster.parcel import Packer, Parcel
from clipkit.errors import CampaignError
from clipkit.records.outcome import Outcome
from clipkit.records.status import Status
from clipkit.trial.asked import Trial
from clipkit.trial.run import unmeasured_outcome

if TYPE_CHECKING:
    from distributed import Client, Future

_WAIT_S = 0.5
_LOOK_FOR_WORKERS_S = 2.0


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds. `silence_s`: a worker of which nothing is heard for so long is lost, `forsaken_s`: a block that nobody
    waits for ends after so long, with `grace_s` to clear up; `nobody_s`: so long without any machine that could run
    what is left the campaign ends; `look_again_s`: after so long a busy machine is looked at again."""

    silence_s: float = 60.0
    forsaken_s: float = 40.0
    grace_s: float = 8.0
    nobody_s: float = 900.0
    look_again_s: float = 30.0


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
        """Raises CampaignError where no scheduler answers, or no machine is left that could run the rest."""
        client = connected(self.address)
        try:
            run = _Run(self, client, Leases(blocks, lost_outcome))
            run.to_the_end()
        finally:
            client.close(timeout=5)


def lost_outcome(trial: Trial, worker: Worker, why: str) -> Outcome:
    """Of a trial that a worker took with it."""
    told = unmeasured_outcome(
        trial, Status.INVALID_MACHINE, f"machine {worker.machine}: {why}", worker.ceiling
    )
    return replace(told, record=replace(told.record, host_id=worker.host_id))


@dataclass(slots=True)
class _Run:
    """`_told`: what arrives from the cluster's threads. `_unseen`: workers that are there and did not say yet what
    they are; `_later`: those that are asked that again, and when."""

    asked: Dask
    client: Client
    leases: Leases
    topic: str = field(default_factory=lambda: f"clipkit-{secrets.token_hex(6)}")
    _told: queue.SimpleQueue[tuple[str, Any]] = field(default_factory=queue.SimpleQueue)
    _futures: dict[str, Future] = field(default_factory=dict)
    _looking: dict[str, Worker] = field(default_factory=dict)
    _unseen: dict[str, Worker] = field(default_factory=dict)
    _later: dict[str, tuple[float, Worker]] = field(default_factory=dict)
    _known: dict[str, str] = field(default_factory=dict)
    _looked_s: float = 0.0
    _useful_s: float = field(default_factory=time.monotonic)

    def to_the_end(self) -> None:
        self.client.subscribe_topic(self.topic, lambda event: self._told.put(("event", event[1])))
        try:
            while self._is_left():
                self._hear()
                self._look_for_workers()
                self._give_up_the_silent()
        finally:
            for future in self._futures.values():
                future.cancel(force=True)
            self.client.unsubscribe_topic(self.topic)

    def _is_left(self) -> bool:
        """Whether anything runs or may still be begun; what can be begun is."""
        while lease := self.leases.grant(time.monotonic()):
            self.asked.say(f"machine {lease.worker.machine}: {len(lease.left)} trials of a block")
            parcel = self.asked.packer.block(list(lease.trials.values()))
            self._submit(lease.id, lease.worker, parcel)
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

    def _submit(self, lease: str, worker: Worker, parcel: Parcel) -> None:
        patience = self.asked.patience
        order = {
            "lease": lease,
            "topic": self.topic,
            "life": worker.life,
            "words": list(parcel.words),
            "guard": Path(guard.__file__).read_text("utf-8"),
            "silence_s": patience.forsaken_s,
            "grace_s": patience.grace_s,
        }
        self._send(lease, there.run_parcel, worker.address, order, parcel.content)

    def _send(self, name: str, function: Callable[..., Any], address: str, *given: Any) -> None:
        future = self.client.submit(
            ByValue(function), *given, workers=[address], allow_other_workers=False, pure=False, retries=0,
            key=f"clipkit-{name}-{secrets.token_hex(4)}",
        )  # fmt: skip
        self._futures[name] = future
        future.add_done_callback(lambda done: self._told.put(("over", (name, done))))

    def _hear(self) -> None:
        wait_s = _WAIT_S
        while True:
            try:
                kind, told = self._told.get(timeout=wait_s)
            except queue.Empty:
                return
            wait_s = 0.0
            if kind == "event":
                self._event(told)
            else:
                self._over(*told)

    def _event(self, told: dict[str, Any]) -> None:
        lease = self.leases.heard(told["lease"], time.monotonic())
        if worker := self.leases.heard_again(told["lease"]):
            self._later[worker.address] = time.monotonic(), worker
        try:
            line = told_in(told.get("line", ""))
            outcome = None
            if lease and isinstance(line, Ended) and line.run_id in lease.trials:
                outcome = outcome_in(line, lease.trials[line.run_id])
        except CampaignError as error:
            if lease:
                self._give_up(lease, str(error))
            return
        if isinstance(line, Ready) and told["lease"] in self._looking:
            self._ready(self._looking.pop(told["lease"]), line)
        elif lease and isinstance(line, Began):
            self.leases.began(lease, line.run_id)
        elif lease and isinstance(line, Ended) and outcome:
            # What stops it there need not stop it elsewhere.
            self.leases.ended(lease, line.run_id, replace(outcome, stop=None))
            if outcome.stop:
                self._give_up(lease, outcome.stop)

    def _give_up(self, lease: Lease, why: str) -> None:
        """That worker gets nothing more, and what it has is run elsewhere."""
        self.asked.say(f"machine {lease.worker.machine}: {why}")
        self._cancel(lease.id)
        self.leases.set_aside(lease.worker.address, why)
        self.leases.lose(lease.id, why)

    def _ready(self, worker: Worker, told: Ready) -> None:
        self.leases.looked_at.discard(worker.machine)
        if told.refused:
            self.asked.say(
                f"machine {worker.machine} ({worker.address}) gets nothing: {told.refused}"
            )
            self.leases.set_aside(worker.address, told.refused)
        else:
            self.asked.say(f"machine {worker.machine} ({worker.address}) is there: {told.ceiling}")
            self.asked.describe(told.environment)
            self.leases.joined(replace(worker, host_id=told.machine, ceiling=told.ceiling))

    def _over(self, name: str, future: Future) -> None:
        if self._futures.get(name) is not future:  # cancelled by now
            return
        del self._futures[name]
        end = _end_of(future)
        if name.startswith("who-"):
            self._said_who(name.removeprefix("who-"), end)
            return
        lease = self.leases.open.get(name)
        worker = lease.worker if lease else self._looking.get(name)
        if worker and end.is_another_life:
            self._gone(worker.address)
            return
        if worker and end.passes:
            due_s = time.monotonic() + self.asked.patience.look_again_s
            self._later[worker.address] = due_s, worker
        if lease is None:
            if looked_at := self._looking.pop(name, None):
                why = end.why or "it did not say what it is"
                self._ready(looked_at, Ready("", "", "", why, {}))
            return
        if lease.left:
            told = end.why or "its process ended early"
            self.asked.say(f"machine {lease.worker.machine}: {told}")
        self.leases.over(name, end.why)

    def _said_who(self, address: str, end: TaskEnd) -> None:
        if "machine" in end.answer:
            self._unseen[address] = Worker(address, end.answer["life"], end.answer["machine"])
            return
        why = end.why or "it did not say who it is"
        if end.passes:
            self._known.pop(address, None)  # asked again at the next look
        else:
            self.asked.say(f"worker {address} gets nothing: {why}")
            self.leases.set_aside(address, why)

    def _look_for_workers(self) -> None:
        """Who joined is asked what it is, when its machine runs nothing; who left has taken along what it ran."""
        now_s = time.monotonic()
        if now_s - self._looked_s < _LOOK_FOR_WORKERS_S:
            return
        self._looked_s = now_s
        there_now = self.client.scheduler_info(n_workers=-1)["workers"]
        for address in [each for each in self._known if each not in there_now]:
            self._gone(address)
        for address in there_now:
            if address not in self._known:
                self._known[address] = "asked"
                self._send(f"who-{address}", there.identify, address, address)
        for address, (due_s, worker) in list(self._later.items()):
            if due_s <= now_s:
                del self._later[address]
                self._unseen[address] = worker
        busy = {lease.worker.machine for lease in self.leases.open.values()}
        for address, worker in list(self._unseen.items()):
            if worker.machine not in busy | self.leases.looked_at:
                del self._unseen[address]
                name = f"look-{secrets.token_hex(4)}"
                self._looking[name] = worker
                self.leases.looked_at.add(worker.machine)
                self._submit(name, worker, self.asked.packer.look())

    def _gone(self, address: str) -> None:
        """A task that may run on that worker alone waits for ever where it does not come back."""
        self._known.pop(address, None)
        self._unseen.pop(address, None)
        self._later.pop(address, None)
        for name, worker in list(self._looking.items()):
            if worker.address == address:
                del self._looking[name]
                self.leases.looked_at.discard(worker.machine)
                self._cancel(name)
        self._cancel(f"who-{address}")
        for lease in [each for each in self.leases.open.values() if each.worker.address == address]:
            self.asked.say(f"machine {lease.worker.machine}: its worker {address} is gone")
            self._cancel(lease.id)
        self.leases.left(address, f"its worker {address} was lost")

    def _give_up_the_silent(self) -> None:
        silence_s = self.asked.patience.silence_s
        for lease in self.leases.silent(time.monotonic() - silence_s):
            why = f"nothing was heard of its worker for {silence_s:.0f} s"
            self.asked.say(f"machine {lease.worker.machine}: {why}")
            self._cancel(lease.id)
            self.leases.give_up_unheard(lease, why)

    def _cancel(self, name: str) -> None:
        if future := self._futures.pop(name, None):
            future.cancel(force=True)


def _end_of(future: Future) -> TaskEnd:
    if future.status == "finished":
        return TaskEnd(future.status, future.result())
    error = future.exception() if future.status == "error" else None
    told = str(error).strip().splitlines()[:1] if error else []
    return TaskEnd(future.status, error=": ".join([type(error).__name__, *told]))
