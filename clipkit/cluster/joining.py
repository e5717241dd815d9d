"""Who is there: each worker of the cluster is asked which machine it is on, then looked at; only then it may join."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from clipkit.cluster import there
from clipkit.cluster.ends import TaskEnd
from clipkit.cluster.leases import Leases, Worker
from clipkit.cluster.lines import Ready
from clipkit.cluster.parcel import Packer
from clipkit.cluster.tasks import Tasks

_LOOK_FOR_WORKERS_S = 2.0
_WHO, _LOOK = "who-", "look-"
UNMIXED = "unlike runs are not mixed"


@dataclass(slots=True)
class Joining:
    """`answer_s`, `look_s`: so long may a worker take to say who it is, and its machine to be looked at; `look_again_s`:
    after so long that is done again. `_asked`: who was asked who it is, and when; `_looks`: by name at whom, and since
    when; `_unseen`: workers that are there and did not say yet what they are;
    `_later`: those that are asked that again, and when; `_silent`: those that once did not say it in time; `_unlike`:
    those that measure by other means than the campaign is measured, and what they said of themselves."""

    tasks: Tasks
    leases: Leases
    packer: Packer
    say: Callable[[str], None]
    describe: Callable[[Mapping[str, Any]], None]
    answer_s: float
    look_s: float
    look_again_s: float
    _known: set[str] = field(default_factory=set)
    _asked: dict[str, float] = field(default_factory=dict)
    _looks: dict[str, tuple[Worker, float]] = field(default_factory=dict)
    _unseen: dict[str, Worker] = field(default_factory=dict)
    _later: dict[str, tuple[float, Worker]] = field(default_factory=dict)
    _silent: set[str] = field(default_factory=set)
    _unlike: dict[str, tuple[Worker, Ready]] = field(default_factory=dict)
    _looked_s: float = 0.0

    def look(self, now_s: float) -> None:
        """Who joined is asked what it is, when its machine runs nothing and no other worker of it does the work: one that
        hangs would hold it up each time. Who left has taken along what it ran."""
        if now_s - self._looked_s < _LOOK_FOR_WORKERS_S:
            return
        self._looked_s = now_s
        there_now = self.tasks.workers()
        for address in self._known.difference(there_now):
            self.gone(address)
        for address in there_now:
            if address not in self._known:
                self._known.add(address)
                self._asked[address] = now_s
                self.tasks.send(f"{_WHO}{address}", there.identify, address, address)
        for address, (due_s, worker) in list(self._later.items()):
            if due_s <= now_s:
                del self._later[address]
                self._unseen[address] = worker
        self._give_up_the_silent(now_s)
        for worker, told in list(self._unlike.values()):
            self._join(worker, told)  # whoever it differed from may be gone, with nothing measured
        busy = {lease.worker.machine for lease in self.leases.open.values()}
        in_turn = sorted(self._unseen.items(), key=lambda each: each[0] in self._silent)
        for address, worker in in_turn:
            is_idle = worker.machine not in busy | self.leases.looked_at
            if is_idle and not self.leases.serves(worker.machine, but=address):
                del self._unseen[address]
                name = f"{_LOOK}{secrets.token_hex(4)}"
                self._looks[name] = worker, now_s
                self.leases.looked_at.add(worker.machine)
                self.tasks.run(name, worker, self.packer.look())

    def again(self, worker: Worker, due_s: float) -> None:
        """It is looked at again from then on."""
        self._later[worker.address] = due_s, worker

    def ready(self, name: str, told: Ready) -> None:
        """What a look found; nothing where it is none that is still of interest."""
        if name not in self._looks:
            return
        worker, _ = self._looks.pop(name)
        self.leases.looked_at.discard(worker.machine)
        self._unlike.pop(worker.address, None)
        if told.refused:
            self._refuse(worker, told.refused)
        else:
            self._join(worker, told)

    def over(self, name: str, end: TaskEnd, now_s: float) -> bool:
        """Whether that task was one of those that ask or look."""
        if name.startswith(_WHO):
            self._said_who(name.removeprefix(_WHO), end)
            return True
        if name in self._looks:
            worker, _ = self._looks[name]
            if end.is_another_life:
                self.gone(worker.address)
                return True
            if end.passes:
                self.again(worker, now_s + self.look_again_s)
            self.ready(name, Ready("", "", "", end.why or "it did not say what it is", {}))
            return True
        return name.startswith(_LOOK)

    def gone(self, address: str) -> None:
        """A task that may run on that worker alone waits for ever where it does not come back."""
        self._known.discard(address)
        self._asked.pop(address, None)
        self._unseen.pop(address, None)
        self._later.pop(address, None)
        self._silent.discard(address)
        self._unlike.pop(address, None)
        for name, (worker, _) in list(self._looks.items()):
            if worker.address == address:
                del self._looks[name]
                self.leases.looked_at.discard(worker.machine)
                self.tasks.cancel(name)
        self.tasks.cancel(f"{_WHO}{address}")
        for lease in [each for each in self.leases.open.values() if each.worker.address == address]:
            self.say(f"machine {lease.worker.machine}: its worker {address} is gone")
            self.tasks.cancel(lease.id)
        self.leases.left(address, f"its worker {address} was lost")

    def _join(self, worker: Worker, told: Ready) -> None:
        joins = replace(worker, host_id=told.machine, ceilings=told.ceilings, means=told.means)
        if what := self.leases.unlike(joins):
            if worker.address not in self._unlike:
                self._refuse(worker, f"the campaign is measured with {what}: {UNMIXED}")
            self._unlike[worker.address] = worker, told
            return
        self._unlike.pop(worker.address, None)
        self.say(f"machine {worker.machine} ({worker.address}) is there: {told.ceiling}")
        self.describe(told.environment)
        self.leases.joined(joins)

    def _refuse(self, worker: Worker, why: str) -> None:
        if self.leases.refused.get(worker.address) != why:  # a busy machine says so at each look
            self.say(f"machine {worker.machine} ({worker.address}) gets nothing: {why}")
        self.leases.set_aside(worker.address, why)

    def _said_who(self, address: str, end: TaskEnd) -> None:
        self._asked.pop(address, None)
        if "machine" in end.answer:
            self._unseen[address] = Worker(address, end.answer["life"], end.answer["machine"])
            return
        why = end.why or "it did not say who it is"
        if end.passes:
            self._known.discard(address)  # asked again at the next look
        else:
            self.say(f"worker {address} gets nothing: {why}")
            self.leases.set_aside(address, why)

    def _give_up_the_silent(self, now_s: float) -> None:
        """They are named, and their machine's other workers have their turn. A question stays: who answers after all is
        looked at; a look is made again."""
        for address, asked_s in list(self._asked.items()):
            if now_s - asked_s > self.answer_s:
                del self._asked[address]
                why = f"it did not say who it is within {self.answer_s:.0f} s"
                self.say(f"worker {address} gets nothing: {why}")
                self.leases.set_aside(address, why)
        for name, (worker, since_s) in list(self._looks.items()):
            if now_s - since_s > self.look_s:
                self.tasks.cancel(name)
                self._silent.add(worker.address)
                self.again(worker, now_s + self.look_again_s)
                why = f"it did not say what it is within {self.look_s:.0f} s"
                self.ready(name, Ready("", "", "", why, {}))
