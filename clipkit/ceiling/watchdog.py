"""A ceiling without the kernel's help: a thread that looks at the process tree and intervenes.

It kills the biggest process when the tree passes its memory, as the kernel would, and stops and
continues the tree to hold it to its CPU. It looks every 10 ms, so a job may pass the limit between
two looks: good enough to try clipkit in a locked container, not for a figure one publishes.
"""

from __future__ import annotations

import signal
import threading
import time
from dataclasses import dataclass, replace

from clipkit.ceiling import standing
from clipkit.ceiling.around import KillsAround, surrounding_bytes
from clipkit.ceiling.base import Limits, Mechanism, Usage
from clipkit.ceiling.process_tree import Process, exact_bytes, send
from clipkit.ceiling.tree_ceiling import TreeCeiling

_LOOK_S = 0.01
_PERIOD_S = 0.1  # the kernel's default period for a quota


@dataclass(slots=True)
class Quota:
    """CPU to spend: refilled each period, never saved up; a debt is carried to the next one."""

    cpus: float
    budget_s: float = 0.0
    refilled_at: float | None = None

    def exhausted(self, now: float, spent_s: float) -> bool:
        """After `spent_s` more CPU seconds: must the job stand still until the next period?"""
        if self.refilled_at is None:
            self.refilled_at, self.budget_s = now, self.cpus * _PERIOD_S
        self.budget_s -= spent_s
        periods = int((now - self.refilled_at) / _PERIOD_S)
        if periods:
            self.refilled_at += periods * _PERIOD_S
            refilled_s = self.budget_s + periods * self.cpus * _PERIOD_S
            self.budget_s = min(refilled_s, self.cpus * _PERIOD_S)
        return self.budget_s <= 0


class Watchdog(TreeCeiling):
    mechanism = Mechanism.WATCHDOG

    def __init__(self, limits: Limits) -> None:
        super().__init__(replace(standing.tightest(limits, standing.limits_here()), pids=None))
        self.surrounding_bytes = surrounding_bytes(limits, self.enforced)
        self._around = KillsAround()
        self._quota = Quota(limits.cpus) if limits.cpus is not None else None
        self._seen_cpu_s = 0.0
        self._dying: set[int] = set()
        self._peak_bytes = 0
        self._held_s = 0.0
        self._oom_kills = 0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="clipkit-watchdog", daemon=True)

    def adopt(self, pid: int) -> None:
        super().adopt(pid)
        if not self._thread.is_alive() and not self._end.is_set():
            self._thread.start()

    def close(self) -> None:
        self._end.set()
        if self._thread.is_alive():
            self._thread.join()
        super().close()
        self._around.close()

    def _read(self) -> Usage:
        tree = self._tree.usage()
        total_bytes = tree.anon_bytes + tree.shmem_bytes
        self._peak_bytes = max(self._peak_bytes, total_bytes)
        return Usage(
            anon_bytes=tree.anon_bytes,
            shmem_bytes=tree.shmem_bytes,
            kernel_bytes=None,
            cache_bytes=None,
            total_bytes=total_bytes,
            peak_total_bytes=self._peak_bytes,
            cpu_s=tree.cpu_s,
            throttled_cpu_s=None,
            held_s=self._held_s if self._quota else None,
            oom_kills=self._oom_kills,
            oom_kills_around=self._around.count(),
        )

    def _watch(self) -> None:
        stopped_at: float | None = None
        while not self._end.wait(_LOOK_S):
            usage, now = self._read(), time.monotonic()
            self._hold_memory(usage)
            if self._must_stand_still(usage, now):
                # also those that were born since the last look
                self._tree.signal(signal.SIGSTOP)
                stopped_at = stopped_at or now
            elif stopped_at:
                self._tree.signal(signal.SIGCONT)
                self._held_s += now - stopped_at
                stopped_at = None

    def _must_stand_still(self, usage: Usage, now: float) -> bool:
        if not self._quota or usage.cpu_s is None:
            return False
        spent_s, self._seen_cpu_s = usage.cpu_s - self._seen_cpu_s, usage.cpu_s
        return self._quota.exhausted(now, spent_s)

    def _hold_memory(self, usage: Usage) -> None:
        """Kill the biggest process if the tree is too big, by the exact figures.

        The quick figures count shared pages twice: they can only be too high.
        """
        limit_bytes = self.enforced.memory_bytes
        if limit_bytes is None or (usage.total_bytes or 0) <= limit_bytes:
            return
        sizes: dict[Process, int] = {
            process: exact_bytes(process)
            for process in self._tree.members()
            if process.pid not in self._dying
        }
        if sum(sizes.values()) > limit_bytes:
            biggest = max(sizes, key=lambda process: sizes[process])
            self._oom_kills += 1  # before its end can be told
            self._dying.add(biggest.pid)
            send(biggest, signal.SIGKILL)
