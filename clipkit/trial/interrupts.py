"""What must be done whole: an interrupt comes behind it."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

_INTERRUPTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Ctrl-C and the like are kept back from this thread by the kernel until it is over."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _INTERRUPTS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def only_the_first() -> Iterator[Callable[[], None]]:
    """Until it is over the first interrupt is heard, and what follows it changes nothing: whoever presses Ctrl-C twice,
    or closes the terminal behind it, is no reason to lose what was finished. After a call of what this yields none is
    heard any more. In another thread than the main one, which hears none, nothing changes."""
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    before = {number: signal.getsignal(number) for number in _INTERRUPTS}
    heard = {number: how for number, how in before.items() if callable(how)}

    def deaf() -> None:
        for number in heard:
            # No SIG_IGN: what is started meanwhile would keep that.
            signal.signal(number, lambda _number, _frame: None)

    def first(number: int, frame: FrameType | None) -> None:
        deaf()
        heard[signal.Signals(number)](number, frame)

    for number in heard:
        signal.signal(number, first)
    try:
        yield deaf
    finally:
        for number in heard:
            signal.signal(number, before[number])
