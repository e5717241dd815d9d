"""Control groups version 1: raw files, a group of ours in each controller's hierarchy.

The kernel's documents: admin-guide/cgroup-v1/memory.rst, scheduler/sched-bwc.rst, cpuacct.rst.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from clipkit.ceiling import groups, standing
from clipkit.ceiling.base import Ceiling, Limits, Mechanism, UnavailableError, Usage
from clipkit.ceiling.hierarchies import Hierarchy, hierarchies
from clipkit.ceiling.kernel_files import KernelFile
from clipkit.errors import CeilingError

PERIOD_US = 100_000
_NEEDED = ("memory", "cpu", "cpuacct")
_WISHED = ("pids",)


class Cgroup1(Ceiling):
    """Raises UnavailableError where no group can be made, CeilingError where a limit is refused."""

    mechanism = Mechanism.CGROUP1

    def __init__(self, limits: Limits) -> None:
        self._folders: dict[Path, Path] = {}  # the hierarchy's top -> our group in it
        self._files: list[KernelFile] = []
        self._last: Usage | None = None
        try:
            self._where = self._make_groups(_controllers())
            self.enforced = self._set(limits)
            self._open_readings()
        except BaseException:
            self.close()
            raise

    def _make_groups(self, found: dict[str, Hierarchy]) -> dict[str, Path]:
        name = groups.new_name()
        for hierarchy in found.values():
            if hierarchy.top not in self._folders:
                self._folders[hierarchy.top] = _make(hierarchy, name)
        return {controller: self._folders[h.top] for controller, h in found.items()}

    def _set(self, limits: Limits) -> Limits:
        above = standing.limits_above(self._where.values())
        memory, cpu, pids = self._where["memory"], self._where["cpu"], self._where.get("pids")
        if limits.memory_bytes is not None:
            _set_memory(memory, limits.memory_bytes, limits.swap_bytes)
            page = os.sysconf("SC_PAGE_SIZE")  # the kernel rounds down
            limits = replace(limits, memory_bytes=limits.memory_bytes // page * page)
        enforced = standing.tightest(limits, above)
        if enforced.cpus is not None:  # more than the groups above have is refused
            groups.write(cpu / "cpu.cfs_period_us", PERIOD_US)
            groups.write(cpu / "cpu.cfs_quota_us", round(enforced.cpus * PERIOD_US))
        if pids and limits.pids is not None:
            groups.write(pids / "pids.max", limits.pids)
        return enforced if pids else replace(enforced, pids=None)

    def _open_readings(self) -> None:
        def kept(controller: str, name: str) -> KernelFile:
            self._files.append(KernelFile(self._where[controller] / name))
            return self._files[-1]

        self._stat = kept("memory", "memory.stat")
        self._total = kept("memory", "memory.usage_in_bytes")
        self._peak = kept("memory", "memory.max_usage_in_bytes")
        self._kernel = kept("memory", "memory.kmem.usage_in_bytes")
        self._oom = kept("memory", "memory.oom_control")
        self._cpu = kept("cpuacct", "cpuacct.usage")
        self._throttling = kept("cpu", "cpu.stat")

    def wrap(self, argv: Sequence[str]) -> list[str]:
        return groups.enter_argv([f / "cgroup.procs" for f in self._folders.values()], argv)

    def adopt(self, pid: int) -> None:
        """Nothing to do: the process entered by itself."""

    def usage(self) -> Usage:
        if self._last:
            return self._last
        stat = self._stat.table()
        shmem, cache = stat.get(b"total_shmem"), stat.get(b"total_cache")
        rss, throttled_ns = stat.get(b"total_rss"), self._throttling.table().get(b"throttled_time")
        cpu_ns = self._cpu.number()
        return Usage(
            # what was swapped out is needed as much as what was not
            anon_bytes=None if rss is None else rss + stat.get(b"total_swap", 0),
            shmem_bytes=shmem,
            kernel_bytes=self._kernel.number(),
            # tmpfs is counted as cache too, but cannot be dropped
            cache_bytes=None if cache is None else max(0, cache - (shmem or 0)),
            total_bytes=self._total.number(),
            peak_total_bytes=self._peak.number(),
            cpu_s=None if cpu_ns is None else cpu_ns / 1e9,
            throttled_s=None if throttled_ns is None else throttled_ns / 1e9,
            oom_kills=self._oom.table().get(b"oom_kill", 0),
        )

    def pids(self) -> list[int]:
        return sorted({pid for folder in self._folders.values() for pid in groups.pids_in(folder)})

    def kill(self) -> None:
        # where forking can be forbidden comes first
        for folder in sorted(self._folders.values(), key=lambda f: not (f / "pids.max").exists()):
            groups.kill_all(folder)

    def close(self) -> None:
        self.kill()
        if self._files and not self._last:
            self._last = self.usage()
        for file in self._files:
            file.close()
        for top in list(self._folders):
            groups.remove(self._folders[top])
            del self._folders[top]


def _controllers() -> dict[str, Hierarchy]:
    found = {c: h for h in hierarchies() if h.version == 1 for c in h.controllers}
    missing = [controller for controller in _NEEDED if controller not in found]
    if missing:
        why = f"no cgroup v1 controller here for {', '.join(missing)}"
        raise UnavailableError(Mechanism.CGROUP1, why)
    return {
        controller: found[controller] for controller in (*_NEEDED, *_WISHED) if controller in found
    }


def _make(hierarchy: Hierarchy, name: str) -> Path:
    """Our group below our own one, else at the top."""
    refusals = []
    for parent in dict.fromkeys((hierarchy.own, hierarchy.top)):
        try:
            (parent / name).mkdir()
        except OSError as error:
            refusals.append(f"{error.strerror} in {parent}")
        else:
            return parent / name
    raise UnavailableError(
        Mechanism.CGROUP1,
        f"no group can be made: {'; '.join(refusals)}",
        "run clipkit as root: sudo clipkit …; in a container: docker run --privileged …",
    )


def _set_memory(folder: Path, memory_bytes: int, swap_bytes: int) -> None:
    groups.write(folder / "memory.limit_in_bytes", memory_bytes)
    both = folder / "memory.memsw.limit_in_bytes"
    if both.exists():  # memory and swap together; absent when the kernel does not account swap
        groups.write(both, memory_bytes + swap_bytes)
    if swap_bytes == 0:
        groups.write(folder / "memory.swappiness", 0)
    kept = int((folder / "memory.limit_in_bytes").read_text("ascii"))
    if kept > memory_bytes:
        raise CeilingError(f"the kernel kept a memory limit of {kept}, not {memory_bytes} bytes")
