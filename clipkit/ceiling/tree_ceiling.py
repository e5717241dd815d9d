"""What ceilings without a control group of their own have in common: they know a process tree."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from clipkit.ceiling.base import Ceiling, Limits, Usage
from clipkit.ceiling.process_tree import ProcessTree


class TreeCeiling(Ceiling):
    """A process that ends is known by its last reading: read often, and before waiting for it."""

    def __init__(self, enforced: Limits) -> None:
        self.enforced = enforced
        self._tree = ProcessTree()
        self._last: Usage | None = None

    @abstractmethod
    def _read(self) -> Usage: ...

    def wrap(self, argv: Sequence[str]) -> list[str]:
        return self._tree.wrap(argv)

    def adopt(self, pid: int) -> None:
        self._tree.adopt(pid)

    def usage(self) -> Usage:
        return self._last or self._read()

    def pids(self) -> list[int]:
        return [process.pid for process in self._tree.members()]

    def kill(self) -> None:
        self._tree.kill()

    def close(self) -> None:
        self._last = self.usage()
        self.kill()
