"""Files of the kernel that are read again and again: opened once, read from the start each time."""

from __future__ import annotations

import os
from pathlib import Path


class KernelFile:
    """One such file. Reads as empty when it does not exist, or when its group has gone."""

    __slots__ = ("_fd",)

    def __init__(self, path: Path) -> None:
        try:
            self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
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
