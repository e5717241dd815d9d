"""What this host is, and who says so: what nobody says stays unknown. Stdlib only."""

from __future__ import annotations

import dataclasses
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clipkit import format as fmt
from clipkit.ceiling import standing
from clipkit.ceiling.hierarchies import hierarchies
from clipkit.pack.there.group_here import MEMINFO, Counters, Machine, counters_here, meminfo

_UNCHECKED = "unchecked nobody here says how much memory is free: what may need more than that is not left out"
_IN_MEMORY = ("tmpfs", "ramfs", "devtmpfs")


@dataclass(frozen=True, slots=True)
class Told:
    """A figure, and who told it; both None: unknown."""

    value: float | None = None
    by: str | None = None

    @property
    def bytes(self) -> int | None:
        return None if self.value is None else int(self.value)


@dataclass(frozen=True, slots=True)
class Found:
    """Bytes and cores. `used_bytes`: of the memory, what is taken now and cannot be dropped. `swap_bytes`: what
    the host may swap out besides. `results_on`: the kind of file system that the results are on."""

    memory: Told
    cpus: Told
    used_bytes: int | None
    swap: Told
    cores_seen: int
    results_on: str | None
    results_free_bytes: int

    @property
    def results_are_memory(self) -> bool:
        """Whether they are gone with the instance, and what is written takes memory of it meanwhile."""
        return self.results_on in _IN_MEMORY

    @property
    def free_bytes(self) -> int | None:
        if self.memory.bytes is None or self.used_bytes is None:
            return None
        return max(0, self.memory.bytes - self.used_bytes)

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self) | {"results_are_memory": self.results_are_memory}

    def lines(self) -> list[str]:
        """For people."""
        return [
            f"memory    {_told(self.memory, fmt.size)}; in use and not to be dropped: {fmt.size(self.used_bytes)}",
            f"CPU       {_told(self.cpus, fmt.cpus)}; {self.cores_seen} cores are seen",
            f"swap      {_swap_words(self.swap)}",
            *([] if self.free_bytes is not None else [_UNCHECKED]),
        ]


def look_around(
    results: Path, memory_bytes: int | None = None, cpus: float | None = None
) -> tuple[Found, Counters | None]:
    """What there is, and who counts what runs here. `memory_bytes` and `cpus` are the user's own word, which
    counts before all others'. `results` is a folder that is there."""
    counters = counters_here()
    disk = shutil.disk_usage(results)
    limits = standing.limits_here()
    group = f"cgroup v{counters.version}" if counters and counters.version else "its group"
    machine = meminfo(MEMINFO.read_bytes()) if isinstance(counters, Machine) else {}
    cores = len(os.sched_getaffinity(0))
    memory = _first(
        (memory_bytes, "--memory"),
        (limits.memory_bytes, group),
        (machine.get("MemTotal"), "the machine's own (/proc/meminfo)"),
    )
    quota = _first(
        (cpus, "--cpus"),
        (limits.cpus, "the quota of its group"),
        (cores if machine else None, "the machine's own cores"),
    )
    found = Found(
        memory=memory,
        cpus=quota,
        used_bytes=counters.held().need_bytes if counters else None,
        swap=_swap(counters, machine),
        cores_seen=cores,
        results_on=file_system_of(results),
        results_free_bytes=disk.free,
    )
    return found, counters


def _first(*told: tuple[float | None, str]) -> Told:
    return next((Told(value, by) for value, by in told if value is not None), Told())


def _told(told: Told, words: Any) -> str:
    if told.value is None:
        return "unknown: nothing here says it, give --memory or --cpus if you know it"
    return f"{words(told.value)} by {told.by}"


def _swap_words(swap: Told) -> str:
    if swap.value is None:
        return "unknown"
    if not swap.value:
        return f"none, by {swap.by}"
    return f"{fmt.size(int(swap.value))} by {swap.by}: what is swapped is slow"


def _swap(counters: Counters | None, machine: dict[str, int]) -> Told:
    if "SwapTotal" in machine:
        return Told(machine["SwapTotal"], "/proc/meminfo")
    if counters is None:
        return Told()
    for hierarchy in hierarchies():
        for name in ("memory.swap.max", "memory.memsw.limit_in_bytes"):
            if (told := _swap_of(hierarchy.own, name)) is not None:
                return Told(told, name)
    return Told()


def _swap_of(folder: Path, name: str) -> int | None:
    """Of version 1 the limit is that of memory and swap together. None also where there is no limit."""
    try:
        word = (folder / name).read_text("ascii").strip()
    except OSError:
        return None
    if not word.isdigit():
        return None
    if name.startswith("memory.swap"):
        return int(word)
    memory_bytes = standing.group_memory_bytes(folder)
    if memory_bytes is None or int(word) >= standing.NO_LIMIT1:
        return None
    return max(0, int(word) - memory_bytes)


def file_system_of(folder: Path) -> str | None:
    """The kind of the one that the folder is on; None where the kernel does not say."""
    try:
        lines = Path("/proc/self/mountinfo").read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return None
    real, best, kind = folder.resolve(), -1, None
    for line in lines:
        mount, _, system = line.partition(" - ")
        place = mount.split(" ")[4].replace("\\040", " ")
        if real.is_relative_to(place) and len(place) >= best:
            best, kind = len(place), system.split(" ")[0]
    return kind
