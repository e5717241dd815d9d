"""Stands between a worker of the user's cluster and the process that measures there. It travels as text and is run
by a worker's Python: the standard library alone, and nothing of clipkit's.

    python -I guard.py HELD LOCK SILENCE_S GRACE_S -- COMMAND...

It holds the machine's lock, passes the command's stdout on line by line, and ends with its exit code. Whoever
started it writes a line to its stdin now and then, as long as somebody waits for what is measured: where that stays
silent or ends, all that the command started is ended. HELD is a file in the command's folder, which whoever started it
holds locked and hands on open: a worker that is killed removes nothing, so the folder is removed here, at the end.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import select
import shutil
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

BUSY = 75
"""The exit code where another measurement holds the machine (`EX_TEMPFAIL`)."""
FORSAKEN = 76
"""The exit code where nobody waits any more."""
_WAIT_FOR_LOCK_S = 10.0
_BLOCKS = "clipkit-block-*"
"""The folders of blocks, as workers name them."""
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_CHUNK = 1 << 16


def main(words: list[str]) -> int:
    held, lock, silence_s, grace_s, _, *command = words
    try:
        if _hold(lock, _WAIT_FOR_LOCK_S) is None:
            return BUSY
        _sweep_beside(Path(held))
        return _guarded(command, float(silence_s), float(grace_s))
    finally:
        _remove(Path(held))


def _guarded(command: list[str], silence_s: float, grace_s: float) -> int:
    # Whoever is left behind by the command becomes our child, so that it is found.
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, _interrupt)
    owner = os.getpid()
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=lambda: _ended_with_us(owner),  # noqa: PLW1509 (no thread runs here)
    )
    try:
        is_whole = _pass_on(process, silence_s)
    except (KeyboardInterrupt, BrokenPipeError):
        is_whole = False
    finally:
        _end_all(process, grace_s)
    return process.returncode if is_whole else FORSAKEN


def _sweep_beside(held: Path) -> None:
    """Folders of this user's blocks whose worker and guard were killed: nobody holds them any more."""
    for other in held.parent.parent.glob(f"{_BLOCKS}/{held.name}"):
        with contextlib.suppress(OSError):
            found = other.parent.lstat()
            is_own = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
            if is_own and other != held:
                descriptor = os.open(other, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    _remove(other)
                finally:
                    os.close(descriptor)


def _remove(held: Path) -> None:
    """Its folder; itself last, since by that a folder is known for left behind."""
    with contextlib.suppress(OSError):
        for each in held.parent.iterdir():
            if each.is_dir() and not each.is_symlink():
                shutil.rmtree(each, ignore_errors=True)
            elif each != held:
                each.unlink(missing_ok=True)
        held.unlink(missing_ok=True)
        held.parent.rmdir()


def _interrupt(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _hold(path: str, most_s: float) -> int | None:
    """A descriptor that holds the lock; None where another one has it for so long."""
    descriptor = _opened(path)
    until_s = time.monotonic() + most_s
    while True:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return descriptor
        if time.monotonic() > until_s:
            os.close(descriptor)
            return None
        time.sleep(0.2)


def _opened(path: str) -> int:
    """For every user of the machine, so nothing is read from it. One that is there is not made again: in a folder
    that all may write to, the kernel lets nobody do that with another's (`fs.protected_regular`)."""
    plain = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    with contextlib.suppress(FileExistsError):
        descriptor = os.open(path, plain | os.O_CREAT | os.O_EXCL, 0o666)
        os.fchmod(descriptor, 0o666)  # whatever the umask
        return descriptor
    return os.open(path, plain)


def _ended_with_us(owner: int) -> None:
    """In the child: a guard that is killed takes along what it started, where the kernel lets it."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != owner:
        os.kill(os.getpid(), signal.SIGTERM)


def _prctl(option: int, value: int) -> None:
    ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _pass_on(process: Any, silence_s: float) -> bool:
    """Until its stdout ends. False where whoever waits for it is gone, or takes nothing and says nothing."""
    out, heard_s, left = process.stdout.fileno(), time.monotonic(), b""
    os.set_blocking(1, False)
    while time.monotonic() - heard_s <= silence_s:
        # No more is read than was passed on: who hangs would have it pile up here.
        awaited, able = ([0], [1]) if left else ([0, out], [])
        ready, writable, _ = select.select(awaited, able, [], 1.0)
        if 0 in ready:
            if not os.read(0, _CHUNK):
                return False
            heard_s = time.monotonic()
        if out in ready and not (left := os.read(out, _CHUNK)):
            return True
        if writable:
            with contextlib.suppress(BlockingIOError):
                left = left[os.write(1, left) :]
    return False


def _end_all(process: Any, grace_s: float) -> None:
    """It may clear up behind itself; what is left then is killed."""
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(grace_s)
    process.kill()
    process.wait()
    until_s = time.monotonic() + grace_s
    while (left := _children()) and time.monotonic() < until_s:
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(-1, os.WNOHANG)
        time.sleep(0.02)


def _children() -> list[int]:
    own = os.getpid()
    told = Path(f"/proc/{own}/task/{own}/children").read_text("ascii")
    return [int(word) for word in told.split()]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
