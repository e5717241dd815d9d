"""How to talk to clipkit's engine inside the ceiling: what it is told, and what it tells.

A service is driven otherwise (`trial.drive`), and what it tells is put in the same words.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from clipkit.errors import CeilingError, EngineError
from clipkit.plan.task import Task

Watch = Callable[[dict[str, Any]], None]

_START_PATIENCE_S = 60
_CANCEL_PATIENCE_S = 10


@dataclass(slots=True)
class Told:
    """What the orchestrator told: an event for each clip that ended, and one for the end of all. `silent`:
    it still ran and told nothing more, long after the time limit had struck."""

    clips: list[dict[str, Any]] = field(default_factory=list)
    done: dict[str, Any] | None = None
    cancelled: bool = False
    silent: bool = False


@dataclass(frozen=True, slots=True)
class Orders:
    """How to run tasks, as the engine is told it (`engine.pool.Orders`). Bytes and seconds."""

    out_dir: Path
    work_dir: Path
    log_dir: Path
    concurrency: int
    timeout_s: float
    stop_on_failure: bool
    memory_budget_bytes: int | None
    nice: int = 0
    ionice: str = "same"
    cpus: float | None = None

    def to_json(self) -> dict[str, Any]:
        values = asdict(self).items()
        return {name: str(value) if isinstance(value, Path) else value for name, value in values}


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
        engine = _Events(process)
        if next(engine.within(_START_PATIENCE_S), None) is None:
            raise CeilingError(
                "the engine itself does not start inside this ceiling: it is too small "
                "(the engine needs some 20 MB besides --reserve); raise --memory"
            )
        _tell(process, self._said())
        try:
            _listen(engine.within(self.orders.timeout_s + _CANCEL_PATIENCE_S), told, watch)
        except KeyboardInterrupt:
            told.cancelled = True
            _tell(process, [{"op": "cancel"}])
            _listen(engine.within(_CANCEL_PATIENCE_S), told, watch)
        told.silent = engine.is_silent
        return told

    def _said(self) -> Iterator[dict[str, Any]]:
        yield {"op": "orders", **self.orders.to_json()}
        yield from ({"op": "task", **task.to_json()} for task in self.tasks)
        yield {"op": "end"}


def _tell(process: subprocess.Popen[bytes], messages: Iterable[dict[str, Any]]) -> None:
    if process.stdin:
        with contextlib.suppress(BrokenPipeError):  # it died: reading its events will tell
            for message in messages:
                process.stdin.write(json.dumps(message).encode() + b"\n")
            process.stdin.flush()


def _listen(events: Iterator[dict[str, Any]], told: Told, watch: Watch) -> None:
    for event in events:
        if event["event"] == "clip":
            told.clips.append(event)
        elif event["event"] == "done":
            told.done = event
            return
        watch(event)


class _Events:
    """The engine's stdout as events."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        if process.stdout is None:
            raise EngineError("the engine has no stdout")
        self._descriptor = process.stdout.fileno()
        self._unread = b""
        self.is_silent = False
        """Whether the time was over before it had said all."""

    def within(self, patience_s: float) -> Iterator[dict[str, Any]]:
        """Events until the engine closes its stdout or the time is over; what it has said by then is heard,
        also where this process was stopped meanwhile."""
        deadline_s = time.monotonic() + patience_s
        with selectors.DefaultSelector() as selector:
            selector.register(self._descriptor, selectors.EVENT_READ)
            while selector.select(max(0.0, deadline_s - time.monotonic())):
                heard = os.read(self._descriptor, 1 << 16)
                if not heard:
                    return
                *lines, self._unread = (self._unread + heard).split(b"\n")
                yield from map(json.loads, lines)
            self.is_silent = True
