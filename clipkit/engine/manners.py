"""How clips make room for others on the same host, above all the server whose users wait. Stdlib only.

A quota of CPU is one purse: once a clip has spent it, the kernel stops everybody in the group until the next
period (CFS bandwidth control, 100 ms), whatever their priority. So clips are held to less than the quota, evenly:
they are stopped for moments, and the rest is there whenever somebody asks for it.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass

AS_WE_ARE, LOW, IDLE = "same", "low", "idle"
"""Priorities: ours; of reading and writing the lowest of the best-effort class; only when nobody else does."""

_BURST_S = 0.004
"""Of CPU that they have saved up clips are let go on, until it is spent: what they have taken in any period of the
kernel's is then no more than that above their share."""
# Between two looks: shorter ones cost more CPU than they save; a clip that starts meanwhile is to be seen.
_SHORTEST_S, _LONGEST_S = 0.001, 0.05
_LONGEST_AT_WORK_S = 0.005
_IOPRIO_SET = 251 if os.uname().machine == "x86_64" else 30
_IO_CLASSES = {LOW: (2, 7), IDLE: (3, 0)}
_CLASS_SHIFT, _WHO_PROCESS = 13, 1


@dataclass(frozen=True, slots=True)
class Manners:
    """`nice`: what is added to our own; `cpu_scheduling` and `ionice`: of the priorities above; `cpus`: cores that
    all clips together may take, None: as many as they get."""

    nice: int = 0
    cpu_scheduling: str = AS_WE_ARE
    ionice: str = AS_WE_ARE
    cpus: float | None = None

    def teach(self, pid: int) -> None:
        """A process that was just started: what it starts itself has the same. One that has ended is let be."""
        with contextlib.suppress(OSError):
            if self.nice:
                mine = os.getpriority(os.PRIO_PROCESS, 0)
                os.setpriority(os.PRIO_PROCESS, pid, min(19, mine + self.nice))
            if self.cpu_scheduling == IDLE:
                os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0))
        if self.ionice in _IO_CLASSES:
            kind, level = _IO_CLASSES[self.ionice]
            ctypes.CDLL(None).syscall(_IOPRIO_SET, _WHO_PROCESS, pid, kind << _CLASS_SHIFT | level)


class Pacing:
    """Holds processes to so many cores together, from look to look; the next is due in `wait_s`."""

    def __init__(self, cpus: float) -> None:
        self._cpus = cpus
        self._cores = len(os.sched_getaffinity(0))
        self.wait_s = _SHORTEST_S
        self._saved_s = 0.0
        self._used_s: dict[int, float] = {}
        self._looked_s = time.monotonic()
        self._stopped: set[int] = set()

    def pace(self, pids: Iterable[int]) -> None:
        """Look at what they have used, and stop them or let them go on. They have not been reaped."""
        now_s = time.monotonic()
        used = {pid: _cpu_s(pid) for pid in pids}
        spent_s = sum(used_s - self._used_s.get(pid, used_s) for pid, used_s in used.items())
        earned_s = (now_s - self._looked_s) * self._cpus
        self._saved_s = min(self._saved_s + earned_s - spent_s, _BURST_S)
        self._used_s, self._looked_s = used, now_s
        self._stopped &= used.keys()
        for pid in used:
            if self._saved_s < 0:  # also one that is stopped: somebody else may have let it go on
                self._stopped.add(pid)
                os.kill(pid, signal.SIGSTOP)
            elif self._saved_s >= _BURST_S and pid in self._stopped:
                self._stopped.discard(pid)
                os.kill(pid, signal.SIGCONT)
        self.wait_s = self._until_due_s()

    def _until_due_s(self) -> float:
        """Until the burst is earned, or spent by all cores together."""
        if self._stopped:
            due_s, longest_s = (_BURST_S - self._saved_s) / self._cpus, _LONGEST_S
        else:
            faster = self._cores - self._cpus
            longest_s = _LONGEST_AT_WORK_S
            due_s = self._saved_s / faster if faster > 0 else longest_s
        return min(max(due_s, _SHORTEST_S), longest_s)


def _cpu_s(pid: int) -> float:
    """Of all its threads, by its own clock (clock_getcpuclockid(3)); 0 once it has ended."""
    try:
        return time.clock_gettime(~pid << 3 | 2)
    except OSError:
        return 0.0
