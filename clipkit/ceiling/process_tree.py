"""The processes of a job, where no control group holds them together: found and read in /proc.

A process is ours if it was adopted, if its parent is ours, or if its environment carries our mark,
which `enter.py` sets and every descendant inherits: also those whose parents died.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from clipkit.ceiling import groups
from clipkit.ceiling.enter import MARK
from clipkit.errors import CeilingError

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_PATIENCE_S = 10.0


@dataclass(frozen=True, slots=True)
class Process:
    """One reading of one process. CPU includes the children that it has waited for."""

    pid: int
    parent: int
    start_ticks: int
    zombie: bool
    cpu_s: float
    anon_bytes: int = 0
    shmem_bytes: int = 0


@dataclass(frozen=True, slots=True)
class TreeUsage:
    """Sums over a tree. `anon_bytes` counts a page shared after a fork once for each process."""

    anon_bytes: int
    shmem_bytes: int
    cpu_s: float


class ProcessTree:
    """All methods may be called from several threads."""

    def __init__(self) -> None:
        self.mark = groups.new_name()
        self._members: dict[int, Process] = {}
        self._strangers: set[int] = set()
        self._departed_cpu_s = 0.0
        self._cpu_s = 0.0
        self._lock = threading.RLock()

    def wrap(self, argv: Sequence[str]) -> list[str]:
        return groups.enter_argv([], argv, self.mark)

    def adopt(self, pid: int) -> None:
        with self._lock:
            self._strangers.discard(pid)
            if process := read_process(pid):
                self._members[pid] = process

    def members(self) -> list[Process]:
        """A fresh reading of every process that lives, the eldest first."""
        with self._lock:
            self._refresh()
            alive = [p for p in self._members.values() if not p.zombie]
            return sorted(alive, key=lambda process: process.start_ticks)

    def usage(self) -> TreeUsage:
        with self._lock:
            alive = self.members()
            now_s = self._departed_cpu_s + sum(p.cpu_s for p in self._members.values())
            self._cpu_s = max(self._cpu_s, now_s)  # a child between its end and its parent's wait
            return TreeUsage(
                anon_bytes=sum(p.anon_bytes for p in alive),
                shmem_bytes=sum(p.shmem_bytes for p in alive),
                cpu_s=self._cpu_s,
            )

    def signal(self, number: signal.Signals) -> None:
        for process in self.members():
            send(process, number)

    def kill(self) -> None:
        """Kill all, and again, until none is left. Raises CeilingError if some do not die."""
        give_up = time.monotonic() + _PATIENCE_S
        while alive := self.members():
            if time.monotonic() > give_up:
                pids = [process.pid for process in alive]
                raise CeilingError(f"processes {pids} do not die; look at `ps -l` for them")
            for process in alive:
                send(process, signal.SIGKILL)
            time.sleep(0.002)

    def _refresh(self) -> None:
        present = {int(name) for name in os.listdir("/proc") if name.isdigit()}  # noqa: PTH208
        self._strangers &= present
        for pid, before in list(self._members.items()):
            now = read_process(pid)
            if now is None or now.start_ticks != before.start_ticks:
                self._depart(before)
            else:
                self._members[pid] = now
        # in the order of birth, but for a wrap of the numbers: parents before their children
        for pid in sorted(present - self._members.keys() - self._strangers):
            process = read_process(pid)
            if process and (process.parent in self._members or self._carries_mark(pid)):
                self._members[pid] = process
            else:
                self._strangers.add(pid)

    def _depart(self, process: Process) -> None:
        del self._members[process.pid]
        if (
            process.parent not in self._members
        ):  # else its parent has waited for it, and has its CPU
            self._departed_cpu_s += process.cpu_s

    def _carries_mark(self, pid: int) -> bool:
        return mark_of(pid) == self.mark


def mark_of(pid: int) -> str | None:
    """The mark in a process' environment; None also where we may not look."""
    try:
        environment = _told_of(pid, "environ")
    except OSError:
        return None
    prefix = f"{MARK}=".encode()
    values = (v for v in environment.split(b"\0") if v.startswith(prefix))
    return next((value[len(prefix) :].decode(errors="replace") for value in values), None)


def _told_of(pid: int, name: str) -> bytes:
    """By a name that is no `Path`: each of those puts its parts into the interpreter's table of all such, which
    grew by a MB in whoever looked at thousands of processes."""
    with open(f"/proc/{pid}/{name}", "rb", buffering=0) as file:  # noqa: PTH123
        return file.read()


def read_process(pid: int) -> Process | None:
    """None if there is no such process. The memory is the kernel's own count (`RssAnon`, since 4.5):
    `smaps_rollup` is exact, but walks every page, which is too dear every 20 ms."""
    try:
        stat, status = _told_of(pid, "stat"), _told_of(pid, "status")
    except OSError:
        return None
    fields = stat.rpartition(b")")[2].split()
    sizes = {
        name: int(value.split()[0]) * 1024
        for name, _, value in (line.partition(b":") for line in status.splitlines())
        if name in (b"RssAnon", b"RssShmem")
    }
    return Process(
        pid=pid,
        parent=int(fields[1]),
        start_ticks=int(fields[19]),
        zombie=fields[0] in (b"Z", b"X"),
        cpu_s=sum(map(int, fields[11:15])) * _TICK_S,
        anon_bytes=sizes.get(b"RssAnon", 0),
        shmem_bytes=sizes.get(b"RssShmem", 0),
    )


def is_stopped(pid: int) -> bool:
    """Whether a signal has stopped it; not while it is traced."""
    try:
        stat = _told_of(pid, "stat")
    except OSError:
        return False
    return stat.rpartition(b")")[2].split()[0] == b"T"


def exact_bytes(process: Process) -> int:
    """The share of memory that cannot be dropped, each shared page divided by its users (PSS)."""
    try:
        lines = Path(f"/proc/{process.pid}/smaps_rollup").read_bytes().splitlines()
    except OSError:
        return process.anon_bytes + process.shmem_bytes
    return sum(
        int(line.split()[1]) * 1024
        for line in lines
        if line.startswith((b"Pss_Anon", b"Pss_Shmem"))
    )


def send(process: Process, number: signal.Signals) -> None:
    """Signal this process, and none that has got its number since."""
    if groups.start_ticks(process.pid) == process.start_ticks:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(process.pid, number)
