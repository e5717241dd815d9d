"""No ceiling: the job is only measured, from the process tree. This is what production uses."""

from __future__ import annotations

from collections.abc import Sequence

from clipkit.ceiling.base import Ceiling, Limits, Mechanism, Usage
from clipkit.ceiling.process_tree import ProcessTree


class Unlimited(Ceiling):
    mechanism = Mechanism.NONE

    def __init__(self, limits: Limits) -> None:  # noqa: ARG002  (all ceilings are made alike)
        self.enforced = Limits(memory_bytes=None, cpus=None, pids=None)
        self._tree = ProcessTree()
        self._last: Usage | None = None

    def wrap(self, argv: Sequence[str]) -> list[str]:
        return self._tree.wrap(argv)

    def adopt(self, pid: int) -> None:
        self._tree.adopt(pid)

    def usage(self) -> Usage:
        if self._last:
            return self._last
        tree = self._tree.usage()
        return Usage(
            anon_bytes=tree.anon_bytes,
            shmem_bytes=tree.shmem_bytes,
            kernel_bytes=None,
            cache_bytes=None,
            total_bytes=None,
            peak_total_bytes=None,
            cpu_s=tree.cpu_s,
            throttled_s=None,
            oom_kills=0,
        )

    def pids(self) -> list[int]:
        return [process.pid for process in self._tree.members()]

    def kill(self) -> None:
        self._tree.kill()

    def close(self) -> None:
        if not self._last:
            self._last = self.usage()
        self.kill()
