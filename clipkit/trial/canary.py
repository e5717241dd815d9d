"""How fast this machine is right now: the same piece of work, timed again and again."""

from __future__ import annotations

import functools
import random
import time
import zlib

# Of three pieces the quickest tells the speed: what interrupts one only ever makes it longer.
_PIECES = 3
_BYTES = 400_000
_LETTERS = b"etaoin shrdlu,cm"


def canary_s() -> float:
    """CPU seconds of this thread for a fixed piece of work, about 0.01: the least of three.

    Time on the CPU, not on the clock: whoever else wants the CPU does not count, but a core that is
    slower, shared with a busy twin, or kept waiting for memory does. Compression, as in an encoder:
    search, tables, and branches that nobody can foresee.
    """
    text = _text()
    return min(_piece_s(text) for _ in range(_PIECES))


def _piece_s(text: bytes) -> float:
    began_s = time.thread_time()
    zlib.compress(text, 6)
    return time.thread_time() - began_s


@functools.cache
def _text() -> bytes:
    """The same on every machine."""
    return bytes(random.Random(1).choices(_LETTERS, k=_BYTES))  # noqa: S311 (no secret)
