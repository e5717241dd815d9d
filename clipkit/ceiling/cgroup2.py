"""Control groups version 2: raw files, one group of ours. admin-guide/cgroup-v2.rst is its law."""

from __future__ import annotations

import contextlib
import errno
import os
from dataclasses import replace
from pathlib import Path

from clipkit.ceiling import groups, standing
from clipkit.ceiling.base import Limits, Mechanism, UnavailableError, Usage
from clipkit.ceiling.group_ceiling import GroupCeiling
from clipkit.ceiling.group_part import GroupPart
from clipkit.ceiling.hierarchies import Hierarchy, hierarchies
from clipkit.ceiling.kernel_files import KernelFile, Watermark

_PERIOD_US = 100_000
_NEEDED = ("memory", "cpu")
_WISHED = ("pids",)
_KERNEL_PARTS = (b"slab", b"kernel_stack", b"pagetables", b"percpu", b"vmalloc")


class Cgroup2(GroupCeiling):
    """Raises UnavailableError where no group can be made, CeilingError where a limit is refused."""

    mechanism = Mechanism.CGROUP2

    def _stand(self, limits: Limits) -> Limits:
        folder = _make(_hierarchy(), groups.new_name())
        self._folders.append(folder)
        self._readings = Readings(folder)
        self._files += self._readings.files
        return _set(limits, folder)

    def highest_charge_bytes(self) -> int | None:
        return self._readings.peak.since_last()

    def _read(self) -> Usage:
        return self._readings.usage()

    def _divide(self, name: str) -> GroupPart:
        """Only memory is handed out: CPU is counted in every group, and without a controller of their
        own the parts share the quota as one group's processes do."""
        (whole,) = self._folders
        groups.write_group_file(whole / "cgroup.subtree_control", "+memory")
        folder = whole / name
        groups.make_inside(folder)
        return GroupPart([folder], [], Readings(folder))


class Readings:
    """The files of one group of version 2 that say what is inside."""

    def __init__(self, folder: Path) -> None:
        names = (
            "memory.stat",
            "memory.current",
            "memory.swap.current",  # absent where the kernel does not account swap
            "memory.events",
            "cpu.stat",
        )
        self.files = [KernelFile(folder / name) for name in names]
        self.peak = Watermark(folder / "memory.peak")  # Linux 5.19
        self.files.append(self.peak)

    def close(self) -> None:
        for file in self.files:
            file.close()

    def usage(self) -> Usage:
        stat_file, total, swap, events, cpu_file, _ = self.files
        stat, cpu = stat_file.table(), cpu_file.table()
        anon, shmem, cache = (stat.get(key) for key in (b"anon", b"shmem", b"file"))
        cpu_us, throttled_us = cpu.get(b"usage_usec"), cpu.get(b"throttled_usec")
        return Usage(
            # what was swapped out is needed as much as what was not
            anon_bytes=None if anon is None else anon + (swap.number() or 0),
            shmem_bytes=shmem,
            kernel_bytes=_kernel_bytes(stat),
            # tmpfs counts as file, but cannot be dropped
            cache_bytes=None if cache is None else max(0, cache - (shmem or 0)),
            total_bytes=total.number(),
            peak_total_bytes=self.peak.highest(),
            cpu_s=None if cpu_us is None else cpu_us / 1e6,
            throttled_cpu_s=None if throttled_us is None else throttled_us / 1e6,
            held_s=None,
            oom_kills=events.table().get(b"oom_kill", 0),
            major_faults=stat.get(b"pgmajfault"),
            refaults=stat.get(b"workingset_refault_file"),
            swap_bytes=swap.number(),
        )


def _kernel_bytes(stat: dict[bytes, int]) -> int | None:
    """`kernel` came with Linux 5.18; before, its parts."""
    if b"kernel" in stat or not stat:
        return stat.get(b"kernel")
    return sum(stat.get(part, 0) for part in _KERNEL_PARTS)


def _hierarchy() -> Hierarchy:
    for hierarchy in hierarchies():
        if hierarchy.version == 2:
            missing = [c for c in _NEEDED if c not in _words(hierarchy.top / "cgroup.controllers")]
            if not missing:
                return hierarchy
            raise UnavailableError(
                Mechanism.CGROUP2,
                f"cgroup v2 is mounted ({hierarchy.top}), but does not have {', '.join(missing)}: "
                "version 1 has it, or this container was not given it",
            )
    raise UnavailableError(Mechanism.CGROUP2, "cgroup v2 is not mounted")


def _make(hierarchy: Hierarchy, name: str) -> Path:
    """A group below the nearest of our own group and its ancestors that can have it.

    Not our own one, as a rule: a group whose processes are its own may not hand controllers to
    groups below it (the "no internal processes" rule; the root is exempt). We do not move clipkit
    to a leaf to get round that: the shell and the kernel beside it would have to move too, and they
    are not ours. Groups that hand out the controllers already come first: where we had to enable
    one, a service manager that believes it owns the tree may take it away again.
    """
    parents = hierarchy.upwards(hierarchy.own)
    refusals = []
    for parent in sorted(parents, key=lambda folder: bool(_not_handed_out(folder))):
        try:
            _make_below(parent, name)
        except OSError as error:
            why = "it has processes of its own" if error.errno == errno.EBUSY else error.strerror
            refusals.append(f"{parent}: {why}")
        else:
            return parent / name
    busy = any("processes of its own" in refusal for refusal in refusals)
    raise UnavailableError(
        Mechanism.CGROUP2,
        f"no group can be made ({'; '.join(refusals)})",
        _leaf_remedy(hierarchy.top) if busy and os.geteuid() == 0 else groups.PRIVILEGE_REMEDY,
    )


def _make_below(parent: Path, name: str) -> None:
    """Raises OSError. A process may only move where it may write to the common ancestor's list."""
    if not os.access(parent / "cgroup.procs", os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    _hand_out(parent)
    (parent / name).mkdir()


def _hand_out(parent: Path) -> None:
    """Enable the controllers for groups below `parent`. It stays so: others may use them by then."""
    for controller in _not_handed_out(parent):
        if controller not in _words(parent / "cgroup.controllers"):
            raise FileNotFoundError(errno.ENOENT, f"it is not given the controller {controller}")
        (parent / "cgroup.subtree_control").write_text(f"+{controller}", "ascii")
    for controller in _WISHED:
        with contextlib.suppress(OSError):
            (parent / "cgroup.subtree_control").write_text(f"+{controller}", "ascii")


def _not_handed_out(parent: Path) -> list[str]:
    handed_out = _words(parent / "cgroup.subtree_control")
    return [controller for controller in _NEEDED if controller not in handed_out]


def _leaf_remedy(top: Path) -> str:
    return (
        f"move the processes of this container to a leaf: mkdir {top}/leaf; "
        f"for p in $(cat {top}/cgroup.procs); do echo $p > {top}/leaf/cgroup.procs; done"
    )


def _set(limits: Limits, folder: Path) -> Limits:
    # memory.oom.group stays 0: the kernel then kills the biggest process, an ffmpeg, as it would on
    # a host where the web server shares the group; 1 would take the orchestrator with it
    if limits.memory_bytes is not None:
        groups.write_group_file(folder / "memory.max", limits.memory_bytes)
        page = os.sysconf("SC_PAGE_SIZE")  # the kernel rounds down to whole pages
        limits = replace(limits, memory_bytes=limits.memory_bytes // page * page)
        if (folder / "memory.swap.max").exists():
            groups.write_group_file(folder / "memory.swap.max", limits.swap_bytes)
    if limits.cpus is not None:
        groups.write_group_file(
            folder / "cpu.max", f"{round(limits.cpus * _PERIOD_US)} {_PERIOD_US}"
        )
    above = standing.limits_above([folder])
    if not (folder / "pids.max").exists():
        return replace(standing.tightest(limits, above), pids=above.pids)
    if limits.pids is not None:
        groups.write_group_file(folder / "pids.max", limits.pids)
    return standing.tightest(limits, above)


def _words(file: Path) -> list[str]:
    try:
        return file.read_text("ascii").split()
    except OSError:
        return []
