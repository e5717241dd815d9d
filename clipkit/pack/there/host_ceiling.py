"""The ceiling that is the host itself: nothing is set up, its limits are there already. Stdlib only.

As `ceiling.ambient`, but on a host that is not known to have a limit too: its figures come from where
`group_here` finds them, and the job's own need from its process tree.
"""

from __future__ import annotations

from clipkit.ceiling.base import Limits, Mechanism, Usage
from clipkit.ceiling.tree_ceiling import TreeCeiling
from clipkit.pack.there.found import Found
from clipkit.pack.there.group_here import Counters, Held
from clipkit.trial.sampler import growth

_NOTHING = Held(None, None)


class HostCeiling(TreeCeiling):
    """`total_bytes` and `cache_bytes` are of all that runs on the host, so that a sample tells how near to its
    limit that was."""

    mechanism = Mechanism.AMBIENT

    def __init__(self, found: Found, counters: Counters | None) -> None:
        super().__init__(Limits(found.memory.bytes, found.cpus.value, pids=None))
        self._counters = counters
        self._before = self._held()

    def _held(self) -> Held:
        return self._counters.held() if self._counters else _NOTHING

    def _read(self) -> Usage:
        tree, held = self._tree.usage(), self._held()
        kills = growth(self._before.oom_kills, held.oom_kills)
        return Usage(
            anon_bytes=tree.anon_bytes,
            shmem_bytes=tree.shmem_bytes,
            kernel_bytes=None,
            cache_bytes=held.cache_bytes,
            total_bytes=held.total_bytes,
            peak_total_bytes=None,  # the group's is from before us
            cpu_s=tree.cpu_s,
            throttled_cpu_s=growth(self._before.throttled_cpu_s, held.throttled_cpu_s),
            held_s=None,
            oom_kills=0,
            oom_kills_around=int(kills or 0),
        )
