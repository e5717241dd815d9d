"""Files of the kernel that are read again and again: opened once, read from the start each time."""

from __future__ import annotations

import os
from pathlib import Path


class KernelFile:
    """One such file. Reads as empty when it does not exist, or when its group has gone."""

    __slots__ = ("_fd",)

    def __init__(self, path: Path, flags: int = os.O_RDONLY) -> None:
        try:
            self._fd = os.open(path, flags | os.O_CLOEXEC)
        except OSError:
            self._fd = -1

    def text(self) -> bytes:
        if self._fd < 0:
            return b""
        try:
            return os.pread(self._fd, 65536, 0)
        except OSError:
            return b""

    def number(self) -> int | None:
        """The file's only number; None for `max`, and where there is none."""
        word = self.text().strip()
        return int(word) if word.isdigit() else None

    def table(self) -> dict[bytes, int]:
        """The file's lines of a name and a number."""
        pairs = (line.split() for line in self.text().splitlines())
        return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2}

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


class Watermark(KernelFile):
    """A group's high-water mark of memory: `memory.max_usage_in_bytes`, or `memory.peak` of version 2.

    The kernel begins it anew for whoever writes to it (version 2 since Linux 6.12, for that descriptor
    alone), and watches from then on: between two looks nothing is missed.
    """

    __slots__ = ("_highest", "_is_reset")

    def __init__(self, path: Path) -> None:
        super().__init__(path, os.O_RDWR)
        self._is_reset = self._fd >= 0
        if not self._is_reset:
            super().__init__(path)
        self._highest: int | None = None

    def highest(self) -> int | None:
        """Since the group was made."""
        known = [value for value in (self._highest, self.number()) if value is not None]
        return max(known, default=None)

    def since_last(self) -> int | None:
        """Since the last call; None where nobody can begin it anew."""
        if not self._is_reset or (value := self.number()) is None:
            return None
        self._highest = max(value, self._highest or 0)
        try:
            os.pwrite(self._fd, b"0", 0)
        except OSError:
            self._is_reset = False
            return None
        return value
