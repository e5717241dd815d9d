"""What a service uses by itself, told apart from what its ffmpegs use."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from clipkit.ceiling.base import Ceiling, Part, Usage
from clipkit.ceiling.process_tree import read_process
from clipkit.trial.launcher import Launcher

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Share:
    """Bytes and seconds; None: cannot be known here. `need_bytes` is what cannot be dropped: anonymous,
    shared and, where the kernel itself tells them apart, the kernel's memory; `cache_bytes` can."""

    need_bytes: int | None
    cpu_s: float | None
    oom_kills: int | None = None
    cache_bytes: int | None = None


class Apart(Protocol):
    @property
    def by(self) -> str:
        """Who tells them apart, for the record."""
        ...

    @property
    def launcher(self) -> Launcher: ...

    def wrap(self, argv: list[str]) -> list[str]:
        """The argv that starts the service."""
        ...

    def service(self) -> Share: ...

    def ffmpeg(self) -> Share: ...


@dataclass(frozen=True, slots=True)
class ByTheKernel:
    """Each has a part of the ceiling, which the launcher moves every ffmpeg into."""

    own: Part
    theirs: Part
    launcher: Launcher
    by: str = "kernel"

    def wrap(self, argv: list[str]) -> list[str]:
        return self.own.wrap(argv)

    def service(self) -> Share:
        return _share(self.own.usage())

    def ffmpeg(self) -> Share:
        return _share(self.theirs.usage())


@dataclass(slots=True)
class ByTheProcessTree:
    """The launcher's notes say which processes are ffmpegs; the rest is the service. Without the
    kernel's memory, in ticks of the clock, and a process that ended between two looks is known by the
    first of them."""

    ceiling: Ceiling
    launcher: Launcher
    by: str = "process tree"
    _cpu_s: dict[int, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def wrap(self, argv: list[str]) -> list[str]:
        return self.ceiling.wrap(argv)

    def service(self) -> Share:
        need_bytes = 0
        with self._lock:  # the sampler's thread asks too
            for pid in set(self.ceiling.pids()) - self.launcher.pids():
                if process := read_process(pid):
                    need_bytes += process.anon_bytes + process.shmem_bytes
                    self._cpu_s[pid] = _own_cpu_s(pid) or self._cpu_s.get(pid, 0.0)
            return Share(need_bytes, sum(self._cpu_s.values()))

    def ffmpeg(self) -> Share:
        need_bytes = 0
        for pid in set(self.ceiling.pids()) & self.launcher.pids():
            if process := read_process(pid):
                need_bytes += process.anon_bytes + process.shmem_bytes
        whole_s, own_s = self.ceiling.usage().cpu_s, self.service().cpu_s
        if whole_s is None or own_s is None:
            return Share(need_bytes, None)
        return Share(need_bytes, max(0.0, whole_s - own_s))


def told_apart(ceiling: Ceiling, folder: Path, ffmpeg: str) -> Apart:
    """The best that this ceiling can do; the launcher is written to `folder`.

    Raises CeilingError where the kernel refuses to divide its group, OSError where the folder cannot be
    written.
    """
    own, theirs = ceiling.part("service"), ceiling.part("ffmpeg")
    entrances = theirs.entrances if theirs else ()
    launcher = Launcher(folder, ffmpeg, entrances)
    launcher.write()
    if own and theirs:
        return ByTheKernel(own, theirs, launcher)
    return ByTheProcessTree(ceiling, launcher)


def _share(usage: Usage) -> Share:
    parts = (usage.anon_bytes, usage.shmem_bytes, usage.kernel_bytes)
    known = [value for value in parts if value is not None]
    need_bytes = sum(known) if known else None
    return Share(need_bytes, usage.cpu_s, usage.oom_kills, usage.cache_bytes)


def _own_cpu_s(pid: int) -> float | None:
    """User and system time, without that of children it has waited for."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    return sum(map(int, stat.rpartition(b")")[2].split()[11:13])) * _TICK_S
