"""How to talk to clipkit's engine inside the ceiling: what it is told, and what it tells.

A service is driven otherwise (`trial.drive`), and what it tells is put in the same words.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from clipkit.engine.orders import Orders
from clipkit.errors import CeilingError
from clipkit.plan.task import Task
from clipkit.trial.wire import Message, Wire

Watch = Callable[[dict[str, Any]], None]

_START_PATIENCE_S = 60
_CANCEL_PATIENCE_S = 10
_AHEAD = 32
"""So many tasks more than run at once are told before the first has ended: what the engine holds of a job, inside
the host, does not grow with its clips, and it never waits for the next one."""


@dataclass(slots=True)
class Told:
    """What the orchestrator told: an event for each clip that ended, and one for the end of all. `silent`:
    it still ran and told nothing more, long after the time limit had struck."""

    clips: list[dict[str, Any]] = field(default_factory=list)
    done: dict[str, Any] | None = None
    cancelled: bool = False
    silent: bool = False


@dataclass(frozen=True, slots=True)
class EngineTalk:
    """With clipkit's own engine: orders and tasks as lines of JSON, and its events (`clipkit.engine`)."""

    tasks: Sequence[Task]
    orders: Orders

    def converse(self, process: subprocess.Popen[bytes], watch: Watch) -> Told:
        """Say all that there is to say, and hear until the job has ended; the process still runs then,
        so that what it used can be read. `watch` is called with each event. An interrupt (Ctrl-C)
        cancels the job and is told by `cancelled`.

        Raises CeilingError where the process does not start inside the ceiling.
        """
        told = Told()
        wire = Wire(process)
        if next(wire.within(_START_PATIENCE_S), None) is None:
            raise CeilingError(
                "the engine itself does not start inside this ceiling: it is too small "
                "(the engine needs some 20 MB besides --reserve); raise --memory"
            )
        wire.say([{"op": "end"}])
        wire.say(self._said(told))
        try:
            _listen(wire.within(self.orders.timeout_s + _CANCEL_PATIENCE_S), told, watch)
        except KeyboardInterrupt:
            told.cancelled = True
            wire.say([{"op": "cancel"}])
            _listen(wire.within(_CANCEL_PATIENCE_S), told, watch)
        told.silent = wire.is_silent
        return told

    def _said(self, told: Told) -> Iterator[Message | None]:
        """None: nothing yet, since as many tasks wait at the engine as it may soon need."""
        yield {"op": "orders", **self.orders.to_json()}
        most = self.orders.concurrency + _AHEAD
        for said, task in enumerate(self.tasks):
            while said - len(told.clips) >= most:
                yield None
            yield {"op": "task", **task.to_json()}


def _listen(events: Iterator[dict[str, Any]], told: Told, watch: Watch) -> None:
    for event in events:
        if event["event"] == "clip":
            told.clips.append(event)
        elif event["event"] == "done":
            told.done = event
            return
        watch(event)
