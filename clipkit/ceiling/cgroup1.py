"""Control groups version 1: raw files, a group of ours in each controller's hierarchy.

The kernel's documents: admin-guide/cgroup-v1/memory.rst, scheduler/sched-bwc.rst, cpuacct.rst.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from clipkit.ceiling import groups, standing
from clipkit.ceiling.base import Limits, Mechanism, UnavailableError, Usage
from clipkit.ceiling.group_ceiling import GroupCeiling
from clipkit.ceiling.group_part import GroupPart
from clipkit.ceiling.hierarchies import Hierarchy, hierarchies
from clipkit.ceiling.kernel_files import KernelFile, Watermark

_PERIOD_US = 100_000
_NEEDED = (
    "memory",
    "cpu",
    "cpuacct",
)  # often one hierarchy for the last two, and one for each here

_READ_APART = ("memory", "cpuacct")


class Cgroup1(GroupCeiling):
    """Raises UnavailableError where no group can be made, CeilingError where a limit is refused."""

    mechanism = Mechanism.CGROUP1

    def __init__(self, limits: Limits) -> None:
        self._of_parts: list[Readings1] = []
        super().__init__(limits)

    def _stand(self, limits: Limits) -> Limits:
        found = _controllers()
        name = groups.new_name()
        made: dict[Path, Path] = {}
        for hierarchy in found.values():
            if hierarchy.top not in made:
                made[hierarchy.top] = _make(hierarchy, name)
                self._folders.append(made[hierarchy.top])
        at = {controller: made[hierarchy.top] for controller, hierarchy in found.items()}
        self._at = at
        self._readings = Readings1(at)
        self._files += self._readings.files
        return _set(limits, at)

    def highest_charge_bytes(self) -> int | None:
        return self._readings.peak.since_last()

    def _read(self) -> Usage:
        usage = self._readings.usage()
        # Version 1 counts a kill for the victim's own group alone, not for those around it.
        of_parts = sum(readings.oom_kills() for readings in self._of_parts)
        return replace(usage, oom_kills=usage.oom_kills + of_parts)

    def _divide(self, name: str) -> GroupPart:
        """Of the hierarchies that are read; the quota and the limit of processes stay undivided. Where
        `cpu` and `cpuacct` are one hierarchy, the part competes for CPU as one with what is beside it.
        """
        inner = {controller: self._at[controller] / name for controller in _READ_APART}
        for folder in dict.fromkeys(inner.values()):
            _count_inner_groups(folder.parent)
            groups.make_inside(folder)
        readings = Readings1(inner)
        self._of_parts.append(readings)
        folders = list(dict.fromkeys(inner.values()))
        divided = {folder.parent for folder in folders}
        beside = [folder for folder in self._folders if folder not in divided]
        return GroupPart(folders, beside, readings)


class Readings1:
    """The files of groups of version 1, by controller, that say what is inside."""

    def __init__(self, at: Mapping[str, Path]) -> None:
        memory = at["memory"]
        self._stat = KernelFile(memory / "memory.stat")
        self._total = KernelFile(memory / "memory.usage_in_bytes")
        self.peak = Watermark(memory / "memory.max_usage_in_bytes")
        self._kernel = KernelFile(memory / "memory.kmem.usage_in_bytes")
        self._oom = KernelFile(memory / "memory.oom_control")
        self._cpu = KernelFile(at["cpuacct"] / "cpuacct.usage")
        self._throttling = KernelFile(at.get("cpu", Path("/nonexistent")) / "cpu.stat")
        self.files = [self._stat, self._total, self.peak, self._kernel, self._oom]
        self.files += [self._cpu, self._throttling]

    def close(self) -> None:
        for file in self.files:
            file.close()

    def oom_kills(self) -> int:
        return self._oom.table().get(b"oom_kill", 0)

    def usage(self) -> Usage:
        stat = self._stat.table()
        rss, shmem, cache = (stat.get(b"total_" + key) for key in (b"rss", b"shmem", b"cache"))
        cpu_ns = self._cpu.number()
        throttled_ns = self._throttling.table().get(b"throttled_time")
        return Usage(
            # what was swapped out is needed as much as what was not
            anon_bytes=None if rss is None else rss + stat.get(b"total_swap", 0),
            shmem_bytes=shmem,
            kernel_bytes=self._kernel.number(),
            # tmpfs counts as cache, but cannot be dropped
            cache_bytes=None if cache is None else max(0, cache - (shmem or 0)),
            total_bytes=self._total.number(),
            peak_total_bytes=self.peak.highest(),
            cpu_s=None if cpu_ns is None else cpu_ns / 1e9,
            throttled_cpu_s=None if throttled_ns is None else throttled_ns / 1e9,
            held_s=None,
            oom_kills=self.oom_kills(),
            major_faults=stat.get(b"total_pgmajfault"),
            refaults=stat.get(b"total_workingset_refault_file"),
            swap_bytes=stat.get(b"total_swap"),
        )


def _controllers() -> dict[str, Hierarchy]:
    """What we use, `pids` first: there a job can be forbidden to fork when it is killed."""
    found = {name: h for h in hierarchies() if h.version == 1 for name in h.controllers}
    missing = [name for name in _NEEDED if name not in found]
    if missing:
        raise UnavailableError(
            Mechanism.CGROUP1, f"no cgroup v1 controller is mounted for {', '.join(missing)}"
        )
    return {name: found[name] for name in ("pids", *_NEEDED) if name in found}


def _make(hierarchy: Hierarchy, name: str) -> Path:
    """A group below our own one, else at the top of what we see."""
    refusals = []
    for parent in dict.fromkeys((hierarchy.own, hierarchy.top)):
        try:
            (parent / name).mkdir()
        except OSError as error:
            refusals.append(f"{parent}: {error.strerror}")
        else:
            return parent / name
    raise UnavailableError(
        Mechanism.CGROUP1,
        f"no group can be made ({'; '.join(refusals)})",
        groups.PRIVILEGE_REMEDY,
    )


def _count_inner_groups(folder: Path) -> None:
    """Before Linux 5.11 a group counts those inside it only where it was told to."""
    with contextlib.suppress(OSError):
        (folder / "memory.use_hierarchy").write_text("1", "ascii")


def _set(limits: Limits, at: dict[str, Path]) -> Limits:
    above = standing.limits_above(at.values())
    if limits.memory_bytes is not None:
        _set_memory(at["memory"], limits.memory_bytes, limits.swap_bytes)
        page = os.sysconf("SC_PAGE_SIZE")  # the kernel rounds down to whole pages
        limits = replace(limits, memory_bytes=limits.memory_bytes // page * page)
    enforced = standing.tightest(limits, above)
    if enforced.cpus is not None:  # v1 refuses a group more than the groups above it have
        groups.write_group_file(at["cpu"] / "cpu.cfs_period_us", _PERIOD_US)
        groups.write_group_file(at["cpu"] / "cpu.cfs_quota_us", round(enforced.cpus * _PERIOD_US))
    if "pids" not in at:
        return replace(enforced, pids=above.pids)
    if limits.pids is not None:
        groups.write_group_file(at["pids"] / "pids.max", limits.pids)
    return enforced


def _set_memory(folder: Path, memory_bytes: int, swap_bytes: int) -> None:
    groups.write_group_file(folder / "memory.limit_in_bytes", memory_bytes)
    both = folder / "memory.memsw.limit_in_bytes"
    if both.exists():  # memory and swap together; absent where the kernel does not account swap
        groups.write_group_file(both, memory_bytes + swap_bytes)
    if swap_bytes == 0:
        groups.write_group_file(folder / "memory.swappiness", 0)
