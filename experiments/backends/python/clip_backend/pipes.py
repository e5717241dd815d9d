"""A child's pipes, drained by blocks as they fill, whatever comes and however much."""

from __future__ import annotations

import asyncio
import os
import re
from typing import Protocol, Self

_BLOCK_BYTES = 64 * 1024
_MOST_BLOCKS_AT_THE_END = 32
_FRAME = re.compile(rb"^frame=[ \t]*([0-9]{1,18})[ \t]*$", re.MULTILINE)
_LONGEST_LINE_BYTES = 1024


class Reader(Protocol):
    def take(self, block: bytes) -> None: ...


class Tail:
    """The last bytes of stderr: an ffmpeg may shout for hours."""

    def __init__(self, most_bytes: int = 4096) -> None:
        self.kept = b""
        self.cut = False  # its first line is not whole
        self._most_bytes = most_bytes

    def take(self, block: bytes) -> None:
        joined = self.kept + block
        self.cut = self.cut or len(joined) > self._most_bytes
        self.kept = joined[-self._most_bytes :]


class Progress:
    """How many pictures ffmpeg says it wrote, by `-progress pipe:1`."""

    def __init__(self) -> None:
        self.frames = 0
        self._line = b""

    def take(self, block: bytes) -> None:
        lines, newline, rest = (self._line + block).rpartition(b"\n")
        self._line = rest[:_LONGEST_LINE_BYTES]
        if newline and (counts := _FRAME.findall(lines)):
            self.frames = int(counts[-1])


class Drain:
    """A pipe of our own for a child, not the event loop's: its end is not the child's end, which
    a grandchild that holds the pipe would put off."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._loop = asyncio.get_running_loop()
        self._read_end, self.write_end = os.pipe()
        os.set_blocking(self._read_end, False)
        self._loop.add_reader(self._read_end, self._on_readable)

    def spawned(self) -> None:
        """The child has its end: ours is not needed any more."""
        if self.write_end >= 0:
            os.close(self.write_end)
            self.write_end = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        """Read what the child left and close; who else writes into it is not waited for."""
        self.spawned()
        for _ in range(_MOST_BLOCKS_AT_THE_END):
            if not self._read():
                break
        self._loop.remove_reader(self._read_end)
        os.close(self._read_end)

    def _on_readable(self) -> None:
        if not self._read():
            self._loop.remove_reader(self._read_end)

    def _read(self) -> bool:
        """Whether more may come at once."""
        try:
            block = os.read(self._read_end, _BLOCK_BYTES)
        except BlockingIOError:
            return False
        self._reader.take(block)
        return bool(block)
