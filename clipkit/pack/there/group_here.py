"""What of the kernel's counters tells of everything that runs here: of our container, or of the whole machine.

In a plain container `/proc/meminfo` and `/proc/vmstat` are the node's, so the machine's own are asked only where
the root of all groups is seen from here, and none of ours below it has a limit. Stdlib only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from clipkit.ceiling import standing
from clipkit.ceiling.base import Usage
from clipkit.ceiling.cgroup1 import Readings1
from clipkit.ceiling.cgroup2 import Readings
from clipkit.ceiling.hierarchies import Hierarchy, hierarchies
from clipkit.ceiling.kernel_files import KernelFile

MEMINFO = Path("/proc/meminfo")
_ONLY_ROOT_V1 = "release_agent"
_NEVER_ROOT_V2 = "cgroup.type"


@dataclass(frozen=True, slots=True)
class Held:
    """What is charged for all that runs here, page cache included, and how much of that could be dropped;
    bytes, None: unknown. `oom_kills` since the counter began."""

    total_bytes: int | None
    cache_bytes: int | None
    throttled_cpu_s: float | None = None
    oom_kills: int | None = None

    @property
    def need_bytes(self) -> int | None:
        """What cannot be dropped."""
        if self.total_bytes is None or self.cache_bytes is None:
            return None
        return max(0, self.total_bytes - self.cache_bytes)


class Counters(Protocol):
    """Whoever counts it."""

    @property
    def version(self) -> int | None:
        """Of control groups; None: it is the machine that counts."""
        ...

    def held(self) -> Held: ...


def counters_here() -> Counters | None:
    """As `counters_of`, of this process."""
    return counters_of(hierarchies())


def counters_of(seen: list[Hierarchy]) -> Counters | None:
    """The machine's where no group up to the root of all has a limit of memory, as in a login session; else the
    group's; None where the kernel shows no group, so that nobody can say whose figures the machine's are."""
    with_memory = [h for h in seen if "memory" in h.controllers or _has_memory2(h)]
    if not with_memory:
        return None
    limited = _tightest(with_memory)
    first = with_memory[0]
    if limited is None and is_root(first.top, first.version):
        return Machine(_quota_of(seen, first))
    version, at = limited or (first.version, first.own)
    return Group(version, Readings(at) if version == 2 else Readings1(_folders1(seen, at)))


def is_root(folder: Path, version: int) -> bool:
    """Whether it is the group of the whole machine: of that alone there is one file, or lacks another."""
    if version == 1:
        return (folder / _ONLY_ROOT_V1).exists()
    return not (folder / _NEVER_ROOT_V2).exists()


def _tightest(with_memory: list[Hierarchy]) -> tuple[int, Path] | None:
    """The group that is held to the tightest limit of memory."""
    limits = {
        (h.version, folder): limit
        for h in with_memory
        for folder in h.upwards(h.own)
        if (limit := standing.group_memory_bytes(folder)) is not None
    }
    return min(limits, key=lambda key: limits[key], default=None)


def _has_memory2(hierarchy: Hierarchy) -> bool:
    """Of version 2 the mount does not say which controllers it has."""
    if hierarchy.version != 2:
        return False
    try:
        told = (hierarchy.own / "cgroup.controllers").read_text("ascii")
    except OSError:
        return False
    return "memory" in told.split()


def _folders1(seen: list[Hierarchy], memory: Path) -> Mapping[str, Path]:
    """Of the controllers of version 1; only the group that has the quota counts what it withholds."""
    own = {name: h.own for h in seen if h.version == 1 for name in h.controllers}
    tightest = _tightest_quota(seen) or own.get("cpu", memory)
    return {"cpuacct": own.get("cpuacct", memory), "cpu": tightest, "memory": memory}


def _tightest_quota(seen: list[Hierarchy]) -> Path | None:
    quotas = {
        folder: quota
        for h in seen
        for folder in h.upwards(h.own)
        if (quota := standing.group_cpus(folder)) is not None
    }
    return min(quotas, key=lambda folder: quotas[folder], default=None)


def _quota_of(seen: list[Hierarchy], memory: Hierarchy) -> Group | None:
    """Who counts what a quota withholds, where there is one."""
    folder = _tightest_quota(seen)
    if folder is None:
        return None
    if (folder / "cpu.max").exists():
        return Group(2, Readings(folder))
    return Group(1, Readings1(_folders1(seen, memory.own)))


@dataclass(frozen=True, slots=True)
class Group:
    """A control group's, with all that is inside."""

    version: int | None
    readings: Readings | Readings1

    def held(self) -> Held:
        usage: Usage = self.readings.usage()
        return Held(usage.total_bytes, usage.cache_bytes, usage.throttled_cpu_s, usage.oom_kills)


class Machine:
    """The machine's own: a virtual one, or bare metal. `quota`: a group on it that is held to less CPU."""

    version: int | None = None

    def __init__(self, quota: Group | None = None) -> None:
        self._quota = quota
        self._memory = KernelFile(MEMINFO)
        self._events = KernelFile(Path("/proc/vmstat"))

    def held(self) -> Held:
        told = meminfo(self._memory.text())
        total, free, available = (
            told.get(name) for name in ("MemTotal", "MemFree", "MemAvailable")
        )
        if total is None or free is None or available is None:
            return Held(None, None)
        kills = self._events.table().get(b"oom_kill")
        withheld_s = self._quota.held().throttled_cpu_s if self._quota else None
        return Held(total - free, max(0, available - free), withheld_s, kills)


def meminfo(text: bytes) -> dict[str, int]:
    """`/proc/meminfo` in bytes."""
    found = {}
    for line in text.decode("ascii", "replace").splitlines():
        name, _, value = line.partition(":")
        words = value.split()
        if words[1:] == ["kB"] and words[0].isdigit():
            found[name] = int(words[0]) * 1024
    return found
