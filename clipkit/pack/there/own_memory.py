"""What the harness itself takes of the memory that it measures in. Stdlib only."""

from __future__ import annotations

from pathlib import Path

from clipkit.ceiling.kernel_files import KernelFile

_EVERY = 5
"""Of the samples: a reading takes a tenth of one."""


class OwnMemory:
    """The most anonymous memory that this process was seen to hold; `peak_bytes` None: the kernel does not say."""

    def __init__(self) -> None:
        self._status = KernelFile(Path("/proc/self/status"))
        self._calls = 0
        self.peak_bytes: int | None = None
        self.note()

    def note(self) -> None:
        for line in self._status.text().splitlines():
            if line.startswith(b"RssAnon:"):
                self.peak_bytes = max(self.peak_bytes or 0, int(line.split()[1]) * 1024)

    def beside_a_sample(self) -> None:
        self._calls += 1
        if self._calls % _EVERY == 0:
            self.note()

    def close(self) -> None:
        self.note()
        self._status.close()
