"""Control groups version 1: raw files, a group of ours in each controller's hierarchy.

The kernel's documents: admin-guide/cgroup-v1/memory.rst, scheduler/sched-bwc.rst, cpuacct.rst.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from clipkit.ceiling import groups, standing
from clipkit.ceiling.base import Limits, Mechanism, UnavailableError, Usage
from clipkit.ceiling.group_ceiling import GroupCeiling
from clipkit.ceiling.hierarchies import Hierarchy, hierarchies
from clipkit.ceiling.kernel_files import Watermark

_PERIOD_US = 100_000
_NEEDED = (
    "memory",
    "cpu",
    "cpuacct",
)  # often one hierarchy for the last two, and one for each here


class Cgroup1(GroupCeiling):
    """Raises UnavailableError where no group can be made, CeilingError where a limit is refused."""

    mechanism = Mechanism.CGROUP1

    def _stand(self, limits: Limits) -> Limits:
        found = _controllers()
        name = groups.new_name()
        made: dict[Path, Path] = {}
        for hierarchy in found.values():
            if hierarchy.top not in made:
                made[hierarchy.top] = _make(hierarchy, name)
                self._folders.append(made[hierarchy.top])
        at = {controller: made[hierarchy.top] for controller, hierarchy in found.items()}
        self._open_readings(at)
        return _set(limits, at)

    def _open_readings(self, at: dict[str, Path]) -> None:
        self._stat = self._keep(at["memory"] / "memory.stat")
        self._total = self._keep(at["memory"] / "memory.usage_in_bytes")
        self._peak = Watermark(at["memory"] / "memory.max_usage_in_bytes")
        self._files.append(self._peak)
        self._kernel = self._keep(at["memory"] / "memory.kmem.usage_in_bytes")
        self._oom = self._keep(at["memory"] / "memory.oom_control")
        self._cpu = self._keep(at["cpuacct"] / "cpuacct.usage")
        self._throttling = self._keep(at["cpu"] / "cpu.stat")

    def highest_charge_bytes(self) -> int | None:
        return self._peak.since_last()

    def _read(self) -> Usage:
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
            peak_total_bytes=self._peak.highest(),
            cpu_s=None if cpu_ns is None else cpu_ns / 1e9,
            throttled_cpu_s=None if throttled_ns is None else throttled_ns / 1e9,
            held_s=None,
            oom_kills=self._oom.table().get(b"oom_kill", 0),
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
