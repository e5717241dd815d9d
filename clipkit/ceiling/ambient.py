"""The ceiling that stands already: clipkit itself runs inside the small host or container.

Nothing is set up. The job shares the limits with clipkit, so its own need is read from its process
tree, and the kernel's kills and throttling from the group that we are in.
"""

from __future__ import annotations

from pathlib import Path

from clipkit.ceiling import standing
from clipkit.ceiling.around import KillsAround, surrounding_bytes
from clipkit.ceiling.base import Limits, Mechanism, UnavailableError, Usage
from clipkit.ceiling.hierarchies import Hierarchy, hierarchies
from clipkit.ceiling.kernel_files import KernelFile
from clipkit.ceiling.tree_ceiling import TreeCeiling


class Ambient(TreeCeiling):
    """`enforced` is what exists, whatever was asked. Raises UnavailableError if nothing exists."""

    mechanism = Mechanism.AMBIENT

    def __init__(self, limits: Limits) -> None:
        here = standing.limits_here()
        if here.memory_bytes is None and here.cpus is None:
            raise UnavailableError(
                self.mechanism,
                "clipkit itself runs without limits",
                "start it inside some: docker run --memory 512m --memory-swap 512m --cpus 0.5 …",
            )
        super().__init__(here)
        self.surrounding_bytes = surrounding_bytes(limits, here)
        seen = hierarchies()
        self._total = _first(seen, "memory.current", "memory.usage_in_bytes")
        self._kills = KillsAround()
        self._throttling = _where_quota_is(seen)
        self._withheld_before_s = self._throttled_cpu_s() or 0.0

    def _read(self) -> Usage:
        tree = self._tree.usage()
        withheld_s = self._throttled_cpu_s()
        return Usage(
            anon_bytes=tree.anon_bytes,
            shmem_bytes=tree.shmem_bytes,
            kernel_bytes=None,
            cache_bytes=None,
            total_bytes=self._total.number(),
            peak_total_bytes=None,  # the group's is from before us
            cpu_s=tree.cpu_s,
            throttled_cpu_s=None if withheld_s is None else withheld_s - self._withheld_before_s,
            held_s=None,
            oom_kills=self._kills.count(),
        )

    def _throttled_cpu_s(self) -> float | None:
        stat = self._throttling.table()
        if b"throttled_usec" in stat:
            return stat[b"throttled_usec"] / 1e6
        return stat[b"throttled_time"] / 1e9 if b"throttled_time" in stat else None

    def close(self) -> None:
        super().close()
        for file in (self._total, self._kills, self._throttling):
            file.close()


def ambient_if_it_fits(limits: Limits) -> Ambient:
    """Raises UnavailableError unless what exists is at most what is asked."""
    here = standing.limits_here()
    for word, exists, asked in (
        ("memory", here.memory_bytes, limits.memory_bytes),
        ("CPU", here.cpus, limits.cpus),
    ):
        if asked is not None and (exists is None or exists > asked):
            found = "no limit" if exists is None else f"{exists:g}"
            raise UnavailableError(
                Mechanism.AMBIENT, f"clipkit itself runs with {found} of {word}, {asked:g} is asked"
            )
    return Ambient(limits)


def _first(seen: list[Hierarchy], *names: str) -> KernelFile:
    """Of our own group: v2's name of the file, or v1's."""
    files = [h.own / name for name in names for h in seen]
    return KernelFile(next((file for file in files if file.exists()), Path("/nonexistent")))


def _where_quota_is(seen: list[Hierarchy]) -> KernelFile:
    """Only the group that has the quota counts its throttling."""
    quotas = {
        folder: quota
        for hierarchy in seen
        for folder in hierarchy.upwards(hierarchy.own)
        if (quota := standing.group_cpus(folder)) is not None
    }
    tightest = min(quotas, key=lambda folder: quotas[folder], default=Path("/nonexistent"))
    return KernelFile(tightest / "cpu.stat")
