"""What ceilings made of control groups have in common: entering, readings kept open, the end."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path

from clipkit.ceiling import groups
from clipkit.ceiling.around import surrounding_bytes
from clipkit.ceiling.base import Ceiling, Limits, Usage
from clipkit.ceiling.group_part import GroupPart
from clipkit.ceiling.kernel_files import KernelFile


class GroupCeiling(Ceiling):
    """`_folders` are our groups, one in each hierarchy, those where forking can be forbidden first.

    Making one cleans up after itself when a step of `_stand` fails.
    """

    def __init__(self, limits: Limits) -> None:
        self._folders: list[Path] = []
        self._files: list[KernelFile] = []
        self._parts: list[GroupPart] = []
        self._last: Usage | None = None
        try:
            self.enforced = self._stand(limits)
            self.surrounding_bytes = surrounding_bytes(limits, self.enforced)
        except BaseException:
            self.close()
            raise

    @abstractmethod
    def _stand(self, limits: Limits) -> Limits:
        """Make the groups, set the limits, open the files to read; what is then enforced."""

    @abstractmethod
    def _read(self) -> Usage: ...

    @abstractmethod
    def _divide(self, name: str) -> GroupPart: ...

    def part(self, name: str) -> GroupPart:
        """Raises CeilingError where the kernel refuses a group inside ours."""
        made = self._divide(name)
        self._parts.append(made)
        return made

    def _keep(self, file: Path) -> KernelFile:
        kept = KernelFile(file)
        self._files.append(kept)
        return kept

    def wrap(self, argv: Sequence[str]) -> list[str]:
        return groups.quick_enter_argv([folder / "cgroup.procs" for folder in self._folders], argv)

    def adopt(self, pid: int) -> None:
        """Nothing to do: the process entered by itself."""

    def usage(self) -> Usage:
        return self._last or self._read()

    def pids(self) -> list[int]:
        return sorted({pid for folder in self._every_folder() for pid in groups.pids_in(folder)})

    def kill(self) -> None:
        for folder in self._every_folder():
            groups.kill_all(folder)

    def _every_folder(self) -> list[Path]:
        return [*self._folders, *(folder for part in self._parts for folder in part.folders)]

    def close(self) -> None:
        self.kill()
        if self._files:
            self._last = self.usage()
        while self._parts:
            self._parts[-1].close()
            self._parts.pop()
        while self._files:
            self._files.pop().close()
        while self._folders:
            groups.remove(self._folders[-1])
            self._folders.pop()
