"""No ceiling: the job is only measured, from its process tree. This is what production uses."""

from __future__ import annotations

from clipkit.ceiling import standing
from clipkit.ceiling.around import KillsAround, surrounding_bytes
from clipkit.ceiling.base import Limits, Mechanism, Usage
from clipkit.ceiling.tree_ceiling import TreeCeiling


class Unlimited(TreeCeiling):
    """`enforced` is what clipkit itself is held to, in a small container."""

    mechanism = Mechanism.NONE

    def __init__(self, limits: Limits) -> None:
        super().__init__(standing.limits_here())
        self.surrounding_bytes = surrounding_bytes(limits, self.enforced)
        self._kills = KillsAround()

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
            oom_kills_around=self._kills.count(),
        )

    def close(self) -> None:
        super().close()
        self._kills.close()
