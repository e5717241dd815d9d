"""The engine's process: orders and tasks as JSON lines on stdin, events as JSON lines on stdout.

    {"op": "orders", …Orders}, then {"op": "task", …Task} as they come, then {"op": "end"}.
    {"op": "cancel"}, or stdin that closes before the end (the parent died), stops everything.

Events: `ready`, `progress`, one `clip` for each task, and `done`. Stdlib only: it lives inside
the host, and what it costs is what an orchestrator costs.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import sys
import time
from pathlib import Path
from typing import Any

from clipkit.engine.lifeline import tie_children_to_us
from clipkit.engine.orders import Orders
from clipkit.engine.pool import Pool
from clipkit.plan.task import Task


class _Engine:
    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._pool: Pool | None = None
        self._unread = b""
        self._listening = True
        self._ended = False

    def run(self) -> None:
        os.set_blocking(0, False)
        self._selector.register(0, selectors.EVENT_READ, self._hear)
        _emit({"event": "ready", "pid": os.getpid()})
        while (self._listening and not self._finished) or self._busy:
            patience_s = self._pool.patience_s() if self._pool else None
            for key, _ in self._selector.select(patience_s):
                key.data()
            if self._pool:
                self._pool.check_time()
        _emit(self._done())

    def _hear(self) -> None:
        heard = os.read(0, 1 << 20)
        *lines, self._unread = (self._unread + heard).split(b"\n")
        for line in lines:
            self._obey(json.loads(line))
        if not heard:
            self._listening = False
            self._selector.unregister(0)
            if self._pool:
                self._pool.cancel("cancelled")

    def _obey(self, message: dict[str, Any]) -> None:
        op = message.pop("op")
        if op == "orders":
            orders = Orders.from_json(message)
            os.chdir(orders.work_dir)  # it may have been started before there was one
            self._pool = Pool(orders, _emit, self._selector)
        elif op == "task" and self._pool:
            self._pool.accept(Task.from_json(message))
        elif op == "cancel" and self._pool:
            self._pool.cancel("cancelled")
        elif op == "end":
            self._ended = True

    @property
    def _busy(self) -> bool:
        return self._pool is not None and not self._pool.idle

    @property
    def _finished(self) -> bool:
        return self._ended and not self._busy

    def _done(self) -> dict[str, Any]:
        times = os.times()
        pool = self._pool
        first_task_s = pool.first_task_s if pool else None
        return {
            "event": "done",
            "wall_s": _since(first_task_s, pool.last_clip_s if pool else None),
            "first_clip_s": _since(first_task_s, pool.first_clip_s if pool else None),
            "stopped_s": _since(first_task_s, time.monotonic()),
            "cpu_s": times.user + times.system,
            "peak_rss_bytes": _peak_rss_bytes(),
        }


def _since(start_s: float | None, end_s: float | None) -> float | None:
    return None if start_s is None or end_s is None else end_s - start_s


def _peak_rss_bytes() -> int | None:
    """VmHWM of this process: unlike getrusage, it does not start at the parent's size."""
    for line in Path("/proc/self/status").read_text("ascii", "replace").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return None


def _emit(event: dict[str, Any]) -> None:
    os.write(1, json.dumps(event).encode() + b"\n")


def main() -> None:
    # Ctrl-C is for the command that started us: it tells us to cancel.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    tie_children_to_us()
    try:
        _Engine().run()
    except BrokenPipeError:  # nobody listens any more: the children die with us, by their lifeline
        sys.exit(1)


if __name__ == "__main__":
    main()
