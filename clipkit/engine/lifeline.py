"""Has the kernel end the engine's children with it, at whatever moment. Stdlib only."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal

_ends: tuple[int, int] | None = None
"""Of the pipe, once it is there: where it is read, and where it is written to."""


def tie_children_to_us() -> None:
    """What this process starts from now on is killed when it ends, however it ends.

    The children inherit the reading end of a pipe of which we have the only writing end. When that
    closes, the kernel signals the reading end's owner: our process group, in which they are born. So
    there is no moment without it. One that is between fork and exec when we are killed still has a copy
    of the writing end, and dies as its exec closes it.

    (An owner by its PID can be named only when the child is there already; PR_SET_PDEATHSIG can be set
    by the child only; and ffmpeg ignores SIGPIPE, so a broken stdout does not stop it.)
    """
    if os.getpgrp() != os.getpid():  # the group must be ours alone: all of it is killed
        os.setpgid(0, 0)
    global _ends  # noqa: PLW0603 (of a process, as what it is tied to)
    _ends = reading, _ = os.pipe()  # both stay open as long as we live
    os.set_inheritable(reading, True)
    fcntl.fcntl(reading, fcntl.F_SETOWN, -os.getpgrp())
    fcntl.fcntl(reading, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(reading, fcntl.F_SETFL, fcntl.fcntl(reading, fcntl.F_GETFL) | os.O_ASYNC)


def drop_all_but_the_tie() -> None:
    """In a fork of the engine, which no exec relieves of what that has open: else the pipe had two writing ends, and
    would stay open when the engine ends."""
    kept = {0, 1, 2, _ends[0] if _ends else 0}
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 (the names alone)
        if int(name) not in kept:
            with contextlib.suppress(OSError):  # that of the list itself
                os.close(int(name))
