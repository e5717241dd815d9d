"""No ceiling: the job is only measured, from its process tree. This is what production uses."""

from __future__ import annotations

from clipkit.ceiling.base import Limits, Mechanism, Usage
from clipkit.ceiling.tree_ceiling import TreeCeiling


class Unlimited(TreeCeiling):
    mechanism = Mechanism.NONE

    def __init__(self, limits: Limits) -> None:  # noqa: ARG002  (all ceilings are made alike)
        super().__init__(Limits(memory_bytes=None, cpus=None, pids=None))

    def _read(self) -> Usage:
        tree = self._tree.usage()
        return Usage(
            anon_bytes=tree.anon_bytes,
            shmem_bytes=tree.shmem_bytes,
            kernel_bytes=None,
            cache_bytes=None,
            total_bytes=None,
            peak_total_bytes=None,
            cpu_s=tree.cpu_s,
            throttled_cpu_s=None,
            held_s=None,
            oom_kills=0,
        )
