"""One process in a group of its own, from its start to its end, whoever brings that about."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import time
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from clip_backend.guard import Guard
from clip_backend.pipes import Drain, Reader

_LOOKS_AT_THE_GROUP = 100
_LOOK_EVERY_S = 0.01
_NOT_NOW = (errno.EAGAIN, errno.ENOMEM)
_RETRY_S = 1.0


class EndedBy(StrEnum):
    ITSELF = "itself"  # or somebody else: the service has no part in it
    TIMEOUT = "timeout"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class Ending:
    exit_code: int  # as asyncio has it: below 0 it is the signal that ended the process
    by: EndedBy
    ended_s: float  # since 1970
    ran_s: float


class Run:
    """A process that can be ended at any moment, also before it exists."""

    def __init__(self, guard: Guard, on_start: Callable[[float], None]) -> None:
        """`on_start` is told when the process began, in seconds since 1970."""
        self._guard = guard
        self._on_start = on_start
        self._group: int | None = None
        self._by = EndedBy.ITSELF

    def end(self, by: EndedBy = EndedBy.CANCEL) -> None:
        """SIGKILL to the group, at once: what a clip wrote so far is worth nothing."""
        if self._by is EndedBy.ITSELF:
            self._by = by
        self._kill_group()

    async def to_its_end(
        self, argv: Sequence[str], timeout_s: float, stdout: Reader, stderr: Reader
    ) -> Ending | None:
        """Run `argv` with stdin closed; None where it was ended before it began. Raises OSError."""
        with Drain(stdout) as out, Drain(stderr) as err:
            process = await self._started(argv, timeout_s, out, err)
            if process is None:
                return None
            started_s, began = time.time(), time.monotonic()
            self._group = process.pid
            self._guard.began(process.pid)
            self._on_start(started_s)
            out.spawned()
            err.spawned()
            if self._by is not EndedBy.ITSELF:
                self._kill_group()
            exit_code = await self._wait(process, timeout_s)
            ran_s = time.monotonic() - began
            await self._end_group()
            self._guard.ended(process.pid)
        return Ending(exit_code, self._by, started_s + ran_s, ran_s)

    async def _started(
        self, argv: Sequence[str], timeout_s: float, out: Drain, err: Drain
    ) -> Process | None:
        """Where the system has no process or no memory left it waits, which is no failure of the clip. None
        where it was ended before it began."""
        until_s = time.monotonic() + timeout_s
        while self._by is EndedBy.ITSELF:
            try:
                return await asyncio.create_subprocess_exec(
                    *argv,
                    stdin=DEVNULL,
                    stdout=out.write_end,
                    stderr=err.write_end,
                    process_group=0,
                )
            except OSError as error:
                if error.errno not in _NOT_NOW or time.monotonic() > until_s:
                    raise
            await asyncio.sleep(_RETRY_S)
        return None

    async def _wait(self, process: Process, timeout_s: float) -> int:
        timer = asyncio.get_running_loop().call_later(timeout_s, self.end, EndedBy.TIMEOUT)
        try:
            return await process.wait()
        finally:
            timer.cancel()

    async def _end_group(self) -> None:
        """Its children, if it left any: killed, and gone soon, unless nobody reaps them."""
        for _ in range(_LOOKS_AT_THE_GROUP):
            if not self._kill_group():
                break
            await asyncio.sleep(_LOOK_EVERY_S)
        self._group = None

    def _kill_group(self) -> bool:
        """Whether there was one."""
        if self._group is None:
            return False
        try:
            os.killpg(self._group, signal.SIGKILL)
        except ProcessLookupError:
            return False
        return True
