"""The group that we are in: what it is held to, what is left of it, and whom the kernel killed there, where a job
has none of its own."""

from __future__ import annotations

from pathlib import Path

from clipkit.ceiling.base import Limits
from clipkit.ceiling.hierarchies import hierarchies
from clipkit.ceiling.kernel_files import KernelFile
from clipkit.ceiling.standing import group_memory_bytes

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


class RoomAround:
    """How much memory the machine, and each group that we are in, still has for anybody."""

    def __init__(self) -> None:
        folders = {folder for h in hierarchies() for folder in h.upwards(h.own)}
        self._groups = [
            _GroupRoom(folder, limit_bytes)
            for folder in sorted(folders)
            if (limit_bytes := group_memory_bytes(folder)) is not None
        ]
        self._machine = KernelFile(Path("/proc/meminfo"))

    def free_bytes(self) -> int | None:
        """The least of them now; None where none can be read. File pages that nobody has used lately are
        free: the kernel drops them first."""
        known = [group.free_bytes() for group in self._groups]
        for line in self._machine.text().splitlines():
            if line.startswith(b"MemAvailable:"):
                known.append(int(line.split()[1]) * 1024)
        return min((free for free in known if free is not None), default=None)

    def close(self) -> None:
        for file in (self._machine, *(file for group in self._groups for file in group.files)):
            file.close()


class _GroupRoom:
    def __init__(self, folder: Path, limit_bytes: int) -> None:
        version2 = (folder / "memory.current").exists()
        self._limit_bytes = limit_bytes
        self._used = KernelFile(
            folder / ("memory.current" if version2 else "memory.usage_in_bytes")
        )
        self._stat = KernelFile(folder / "memory.stat")
        self._droppable = b"inactive_file" if version2 else b"total_inactive_file"
        self.files = (self._used, self._stat)

    def free_bytes(self) -> int | None:
        used = self._used.number()
        if used is None:
            return None
        return self._limit_bytes - used + self._stat.table().get(self._droppable, 0)


def surrounding_bytes(asked: Limits, enforced: Limits) -> int | None:
    """The memory that a group around holds a job to, where that is less than what was asked for it; None
    where it is not. The kernel rounds a limit down to whole pages."""
    if enforced.memory_bytes is None:
        return None
    if asked.memory_bytes is None or enforced.memory_bytes < asked.memory_bytes - _A_PAGE:
        return enforced.memory_bytes
    return None


_A_PAGE = 1 << 16
