"""Where the bytes of an upload go while they come. `disk` is right; the others are found in the wild.

A sink ends in one of two ways: `place` moves the whole file to its name, `discard` leaves nothing.
"""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import aiofiles
import aiofiles.os
from aiofiles.threadpool.binary import AsyncFileIO
from starlette.datastructures import UploadFile

from clip_backend.config import UploadTo

_BLOCK_BYTES = 256 * 1024
_SPOOL_BYTES = 1024**2  # of Starlette's own form parser


class Sink(Protocol):
    async def write(self, data: bytes) -> None: ...

    async def place(self) -> None: ...

    async def discard(self) -> None: ...


def new_sink(kind: UploadTo, target: Path) -> Sink:
    """A sink for the file that will be called `target`."""
    match kind:
        case "disk":
            return DiskSink(target)
        case "memory":
            return MemorySink(target)
        case "tmp":
            return TemporarySink(target)


class DiskSink:
    """Straight to the disk on which the upload will lie, under a name of its own."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._part = target.with_name(f"{target.name}.part")
        self._file: AsyncFileIO | None = None

    async def write(self, data: bytes) -> None:
        """As it comes: while a thread writes, uvicorn gathers what comes next, so that blocks are
        small only where they are slow."""
        if self._file is None:
            self._file = await aiofiles.open(self._part, "xb", buffering=0)
        block = memoryview(data)
        while block:  # an unbuffered write may take less than it was given
            block = block[await self._file.write(block) :]

    async def place(self) -> None:
        await self._close()
        await aiofiles.os.rename(self._part, self._target)

    async def discard(self) -> None:
        await self._close()
        with suppress(FileNotFoundError):
            await aiofiles.os.unlink(self._part)

    async def _close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            await file.close()


class MemorySink:
    """The whole body in memory first, as `await file.read()` has it."""

    def __init__(self, target: Path) -> None:
        self._body = bytearray()
        self._disk = DiskSink(target)

    async def write(self, data: bytes) -> None:
        self._body += data

    async def place(self) -> None:
        for start in range(0, len(self._body), _BLOCK_BYTES):
            await self._disk.write(bytes(self._body[start : start + _BLOCK_BYTES]))
        await self._disk.place()

    async def discard(self) -> None:
        self._body.clear()
        await self._disk.discard()


class TemporarySink:
    """Starlette's own `UploadFile`, spooled over TMPDIR, then copied to where it belongs."""

    def __init__(self, target: Path) -> None:
        # Closed by discard(), whatever happens in between.
        self._spool = UploadFile(tempfile.SpooledTemporaryFile(max_size=_SPOOL_BYTES))  # type: ignore[arg-type]  # noqa: SIM115
        self._disk = DiskSink(target)

    async def write(self, data: bytes) -> None:
        await self._spool.write(data)

    async def place(self) -> None:
        await self._spool.seek(0)
        async for block in self._blocks():
            await self._disk.write(block)
        await self._disk.place()

    async def discard(self) -> None:
        with suppress(OSError):  # a full disk refuses what is still buffered once more
            await self._spool.close()
        await self._disk.discard()

    async def _blocks(self) -> AsyncIterator[bytes]:
        while block := await self._spool.read(_BLOCK_BYTES):
            yield block
