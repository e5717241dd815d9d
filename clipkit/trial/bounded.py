"""Short processes that read hostile bytes: each in a ceiling of its own, with an end to their time and
to what they may say."""

from __future__ import annotations

import contextlib
import os
import resource
import selectors
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from clipkit.ceiling.base import Ceiling, Limits, Mechanism
from clipkit.ceiling.choose import open_ceiling

_CHUNK_BYTES = 1 << 16
_MOST_PROCESSES = 64
_KEPT_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Bounds:
    """Of one process."""

    memory_bytes: int
    time_s: float


@dataclass(frozen=True, slots=True)
class Order:
    """What to start. Where it says more than `answer_bytes` on stdout, it is ended."""

    argv: Sequence[str]
    answer_bytes: int


@dataclass(frozen=True, slots=True)
class Ended:
    """How it ended: `code` as `subprocess` has it (a signal's number is negative); `too_much`: of what."""

    answer: bytes
    said: bytes
    code: int
    too_much: str | None = None

    @property
    def signal(self) -> int | None:
        return -self.code if self.code < 0 else None


MEMORY, TIME, WORDS = "memory", "time", "words"


@dataclass(slots=True)
class _Running:
    order: Order
    ceiling: Ceiling
    process: subprocess.Popen[bytes]
    answer: bytearray = field(default_factory=bytearray)
    said: bytearray = field(default_factory=bytearray)
    too_much: str | None = None

    def hear(self, descriptor: int, chunk: bytes) -> None:
        assert self.process.stdout is not None  # noqa: S101 (for the type checker)
        if descriptor == self.process.stdout.fileno():
            self.answer += chunk
            limit_bytes, kept = self.order.answer_bytes, self.answer
        else:
            self.said += chunk
            limit_bytes, kept = _KEPT_BYTES, self.said
        if len(kept) > limit_bytes and self.too_much is None:
            self.end(WORDS)

    def end(self, too_much: str) -> None:
        self.too_much = too_much
        self.ceiling.kill()

    def ended(self) -> Ended:
        """Waits: it has closed its pipes, or it was killed."""
        code = self.process.wait()
        if self.too_much is None and self.ceiling.usage().oom_kills:
            self.too_much = MEMORY
        return Ended(bytes(self.answer), bytes(self.said), code, self.too_much)


def run_bounded(orders: Sequence[Order], bounds: Bounds) -> list[Ended]:
    """As `bounded`, waiting at once."""
    with bounded(orders, bounds) as ends:
        return ends()


@contextlib.contextmanager
def bounded(orders: Sequence[Order], bounds: Bounds) -> Iterator[Callable[[], list[Ended]]]:
    """All at once, each within `bounds`, while the block does something else, until it waits for how they
    end; whatever happens, none of them is left behind it.

    Raises CeilingError where no ceiling can be had, OSError where one cannot be started.
    """
    deadline_s = time.monotonic() + bounds.time_s
    with contextlib.ExitStack() as stack:
        running = [stack.enter_context(_started(order, bounds)) for order in orders]

        def ends() -> list[Ended]:
            _listen(running, deadline_s)
            for each in running:
                _await(each, deadline_s)
            return [each.ended() for each in running]

        yield ends


@contextlib.contextmanager
def _started(order: Order, bounds: Bounds) -> Iterator[_Running]:
    limits = Limits(bounds.memory_bytes, cpus=None, pids=_MOST_PROCESSES)
    with open_ceiling(limits) as ceiling:
        process = subprocess.Popen(
            ceiling.wrap(order.argv),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            env={**os.environ, "AV_LOG_FORCE_NOCOLOR": "1"},
        )
        with process:
            try:
                ceiling.adopt(process.pid)
                _hold(process.pid, bounds, ceiling)
                yield _Running(order, ceiling, process)
            finally:
                process.kill()  # also one that did not get as far as into its ceiling
                ceiling.kill()


def _hold(pid: int, bounds: Bounds, ceiling: Ceiling) -> None:
    """CPU for when we are killed ourselves. Memory where the kernel does not hold it: a watchdog, which
    looks every 10 ms, is too slow for one allocation of gigabytes."""
    most = {resource.RLIMIT_CPU: int(bounds.time_s) + 1, resource.RLIMIT_CORE: 0}
    held_bytes = ceiling.enforced.memory_bytes
    watched = ceiling.mechanism is Mechanism.WATCHDOG
    if watched or held_bytes is None or held_bytes > bounds.memory_bytes:
        most[resource.RLIMIT_DATA] = bounds.memory_bytes
    with contextlib.suppress(ProcessLookupError):
        for kind, limit in most.items():
            resource.prlimit(pid, kind, (limit, limit))


def _listen(running: Sequence[_Running], deadline_s: float) -> None:
    """Until all have closed their pipes, or are out of time."""
    with selectors.DefaultSelector() as waiting:
        for each in running:
            for pipe in (each.process.stdout, each.process.stderr):
                assert pipe is not None  # noqa: S101 (for the type checker)
                waiting.register(pipe.fileno(), selectors.EVENT_READ, each)
        while waiting.get_map():
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                return
            for key, _ in waiting.select(left_s):
                if chunk := os.read(key.fd, _CHUNK_BYTES):
                    key.data.hear(key.fd, chunk)
                else:
                    waiting.unregister(key.fd)


def _await(each: _Running, deadline_s: float) -> None:
    try:
        each.process.wait(max(0.0, deadline_s - time.monotonic()))
    except subprocess.TimeoutExpired:
        if each.too_much is None:
            each.end(TIME)
