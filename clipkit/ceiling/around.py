"""The group that we are in: what it is held to and whom the kernel killed there, where a job has none of its own."""

from __future__ import annotations

from pathlib import Path

from clipkit.ceiling.base import Limits
from clipkit.ceiling.hierarchies import hierarchies
from clipkit.ceiling.kernel_files import KernelFile

_MACHINE = Path("/proc/vmstat")


class KillsAround:
    """How many processes the kernel has killed for want of memory in our own group since this was made; of
    the whole machine where no group can be seen."""

    def __init__(self) -> None:
        folders = [hierarchy.own for hierarchy in hierarchies()]
        names = ("memory.events", "memory.oom_control")
        files = [folder / name for name in names for folder in folders]
        self._file = KernelFile(next((file for file in files if file.exists()), _MACHINE))
        self._before = self._counted()

    def count(self) -> int:
        return self._counted() - self._before

    def close(self) -> None:
        self._file.close()

    def _counted(self) -> int:
        return self._file.table().get(b"oom_kill", 0)


def surrounding_bytes(asked: Limits, enforced: Limits) -> int | None:
    """The memory that a group around holds a job to, where that is less than what was asked for it; None
    where it is not. The kernel rounds a limit down to whole pages."""
    if enforced.memory_bytes is None:
        return None
    if asked.memory_bytes is None or enforced.memory_bytes < asked.memory_bytes - _A_PAGE:
        return enforced.memory_bytes
    return None


_A_PAGE = 1 << 16
