"""Tasks on the user's cluster: sent to one worker, told of as they come back. The only one here that knows futures."""

from __future__ import annotations

import contextlib
import queue
import secrets
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clipkit.cluster import guard, there
from clipkit.cluster.connecting import called_there
from clipkit.cluster.ends import TaskEnd
from clipkit.cluster.leases import Worker
from clipkit.cluster.parcel import Parcel
from clipkit.errors import CampaignError

if TYPE_CHECKING:
    from distributed import Client, Future

_ANSWER_S = 10.0
"""What a task returned is a few hundred bytes, and lies on its worker until it is fetched; what the scheduler knows
of its workers is little more."""


@dataclass(frozen=True, slots=True)
class Over:
    """The task of that name has ended."""

    name: str
    end: TaskEnd


@dataclass(frozen=True, slots=True)
class Said:
    """What runs under that name is alive; `line`: that it printed, if it did."""

    name: str
    line: str


@dataclass(slots=True)
class Tasks:
    """Each call raises CampaignError where the scheduler at `address` is gone for longer than its `client` tries to reach
    it. `forsaken_s`, `grace_s`: after how long a process ends that nobody waits for, and how long it may clear up.
    `answers`: whether it did when it was last asked, in time; a scheduler that hangs may come back.
    `_told`: what arrives from the cluster's threads; `_scheduler`: which life of it knows that we listen."""

    client: Client
    address: str
    forsaken_s: float
    grace_s: float
    answers: bool = True
    topic: str = field(default_factory=lambda: f"clipkit-{secrets.token_hex(6)}")
    _told: queue.SimpleQueue[tuple[str, Any]] = field(default_factory=queue.SimpleQueue)
    _futures: dict[str, Future] = field(default_factory=dict)
    _scheduler: str = ""
    _workers: list[str] = field(default_factory=list)

    def open(self) -> None:
        with self._reaching():
            self._listen()

    def close(self) -> None:
        """What still runs is ended. Where no scheduler is there that could be told, it ends by itself."""
        if self.client.status != "running":
            return
        with contextlib.suppress(CampaignError), self._reaching():
            for future in self._futures.values():
                future.cancel(force=True)
            self.client.unsubscribe_topic(self.topic)

    def workers(self) -> list[str]:
        """Addresses of all that the scheduler knows; where it does not answer right now, of those that it knew."""
        with self._reaching(), contextlib.suppress(OSError):
            self.answers = False
            # Not `scheduler_info`: what that returns, a thread of the client's overwrites now and then without workers.
            told = self.client.sync(self.client.scheduler.identity, callback_timeout=_ANSWER_S)
            self.answers = True
            if told["id"] != self._scheduler:  # one that was started again
                self._listen()
            self._scheduler, self._workers = told["id"], list(told["workers"])
        return list(self._workers)

    def run(self, name: str, worker: Worker, parcel: Parcel) -> None:
        """That parcel's process, on that worker in this life of it."""
        order = {
            "lease": name,
            "topic": self.topic,
            "life": worker.life,
            "words": list(parcel.words),
            "guard": Path(guard.__file__).read_text("utf-8"),
            "silence_s": self.forsaken_s,
            "grace_s": self.grace_s,
        }
        self.send(name, there.run_parcel, worker.address, order, parcel.content)

    def send(self, name: str, function: Callable[..., Any], address: str, *given: Any) -> None:
        with self._reaching():
            future = self.client.submit(
                *called_there(function, *given), workers=[address], allow_other_workers=False, pure=False, retries=0,
                key=f"clipkit-{name}-{secrets.token_hex(4)}",
            )  # fmt: skip
        self._futures[name] = future
        future.add_done_callback(lambda done: self._told.put(("over", (name, done))))

    def cancel(self, name: str) -> None:
        """Nothing more is told of it."""
        if future := self._futures.pop(name, None):
            with self._reaching():
                future.cancel(force=True)

    def told(self, wait_s: float) -> Iterator[Said | Over]:
        """All that has arrived; where nothing has, what arrives within that time."""
        while True:
            try:
                kind, told = self._told.get(timeout=wait_s)
            except queue.Empty:
                return
            wait_s = 0.0
            if kind == "event":
                yield Said(told["lease"], told.get("line", ""))
                continue
            name, future = told
            if self._futures.get(name) is future:  # else cancelled by now
                with self._reaching():
                    end = _end_of(future)
                del self._futures[name]
                yield Over(name, end)

    def _listen(self) -> None:
        self.client.subscribe_topic(self.topic, lambda event: self._told.put(("event", event[1])))

    @contextlib.contextmanager
    def _reaching(self) -> Iterator[None]:
        """Where its client has given the scheduler up, what distributed raises is many things."""
        self._await_scheduler()
        try:
            yield
        except Exception:
            self._await_scheduler()
            raise

    def _await_scheduler(self) -> None:
        while self.client.status == "connecting":
            time.sleep(0.1)
        if self.client.status != "running":
            raise CampaignError(
                f"the scheduler at {self.address} is gone: what was finished is kept; start it and its workers, then "
                "start this again"
            )


def _end_of(future: Future) -> TaskEnd:
    if future.status == "finished":
        try:
            return TaskEnd(future.status, future.result(timeout=_ANSWER_S))
        except (OSError, CancelledError):
            # A worker that dies now takes it along, and no other one may run that task.
            return TaskEnd("lost")
    error = future.exception() if future.status == "error" else None
    told = str(error).strip().splitlines()[:1] if error else []
    return TaskEnd(future.status, error=": ".join([type(error).__name__, *told]))
