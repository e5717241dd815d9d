"""One process, an ffmpeg or a fork of the engine: started, limited, reaped by wait4. Stdlib only: it lives inside
the host."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NoReturn

from clipkit.confinement import Confinement, kernel_version
from clipkit.engine.lifeline import drop_all_but_the_tie

# The kernel's choice of victim: an ffmpeg, before the engine or the user's server beside it.
_OOM_SCORE_ADJUST = "1000"
_IGNORED = [signal.SIGPIPE, signal.SIGXFSZ]
_APPEND = os.O_WRONLY | os.O_CREAT | os.O_APPEND

NOT_NOW = frozenset({errno.EAGAIN, errno.ENOMEM})
"""With these the system refuses a process that it may grant a moment later: too many run, or no memory is free."""

FROM_OUTSIDE = frozenset(
    {signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGKILL, signal.SIGTERM}
)
"""By these the kernel or somebody else ends a process; by others it ends through its own fault."""


@dataclass(frozen=True, slots=True)
class Exit:
    """How a child ended. CPU is user + system; `peak_rss_bytes` is ru_maxrss of this child alone."""

    code: int | None
    signal: int | None
    cpu_s: float
    peak_rss_bytes: int

    @property
    def is_kill(self) -> bool:
        """Whether it was killed as the kernel does it where memory runs out: a shell tells of its child."""
        return self.signal == signal.SIGKILL or self.code == 128 + signal.SIGKILL

    @property
    def is_from_outside(self) -> bool:
        """Whether a signal ended it that it did not bring upon itself: also that of a child of a shell,
        which tells it as 128 and the signal."""
        if self.signal is not None:
            return self.signal in FROM_OUTSIDE
        return self.code in (128 + signal.SIGKILL, 128 + signal.SIGTERM)


def end_in_words(ended: Exit) -> str:
    if ended.signal is None:
        return f"exit code {ended.code}"
    try:
        return f"signal {ended.signal} ({signal.Signals(ended.signal).name})"
    except ValueError:  # of a number that has no name
        return f"signal {ended.signal}"


Start = Callable[[int], tuple[int, bool]]
"""Starts a process whose stdout is a descriptor; returns its PID, and whether it is confined. Raises OSError."""


def spawned(argv: Sequence[str], log: Path, confinement: Confinement | None = None) -> Start:
    """Stdin closed, stderr behind what is in `log`, held to `confinement` where the kernel can."""

    def spawn(stdout: int) -> int:
        return os.posix_spawnp(
            argv[0],
            list(argv),
            os.environ,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_DUP2, stdout, 1),
                (os.POSIX_SPAWN_OPEN, 2, log, _APPEND, 0o644),
            ],
            # Python ignores these; an ffmpeg whose reader died must die of SIGPIPE.
            setsigdef=_IGNORED,
        )

    def start(stdout: int) -> tuple[int, bool]:
        return confinement.start(partial(spawn, stdout)) if confinement else (spawn(stdout), False)

    return start


def fork(act: Callable[[], None], log: Path, confinement: Confinement | None = None) -> Start:
    """A copy of this process, which has all modules loaded: `act`, then it ends; what is raised stands in `log`."""

    def start(stdout: int) -> tuple[int, bool]:
        held = confinement if kernel_version() else None
        pid = os.fork()
        if pid == 0:
            _act_and_end(partial(_confined, act, held) if held else act, log, stdout)
        return pid, held is not None

    return start


def _confined(act: Callable[[], None], confinement: Confinement) -> None:
    if not confinement.hold_us():
        raise PermissionError("the kernel does not confine a process just now")
    act()


def _act_and_end(act: Callable[[], None], log: Path, stdout: int) -> NoReturn:
    code = 1
    try:
        for number in _IGNORED:
            signal.signal(number, signal.SIG_DFL)
        said = os.open(log, _APPEND, 0o644)
        for descriptor, wanted in ((os.open(os.devnull, os.O_RDONLY), 0), (stdout, 1), (said, 2)):
            os.dup2(descriptor, wanted)
        drop_all_but_the_tie()
        act()
        code = 0
    except BaseException as error:  # noqa: BLE001 (nothing of the engine's goes on here)
        os.write(2, f"{error or type(error).__name__}\n".encode("utf-8", "surrogateescape"))
    finally:
        os._exit(code)


class Child:
    """A running process. `pidfd` turns readable when it ended, `stdout` carries its progress."""

    def __init__(self, start: Start, max_file_bytes: int) -> None:
        """Start it: no file of it larger than `max_file_bytes`. Raises OSError where it cannot be started."""
        reading, writing = os.pipe()
        try:
            self.pid, self.confined = start(writing)
        except BaseException:
            os.close(reading)
            raise
        finally:
            os.close(writing)
        self.stdout = reading
        try:
            self.pidfd = os.pidfd_open(self.pid)
        except OSError:  # then nobody could tell when it ends
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            os.close(reading)
            raise
        self.started_s = time.monotonic()
        os.set_blocking(reading, False)
        with contextlib.suppress(OSError):  # it may have ended already
            resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (max_file_bytes, max_file_bytes))
            resource.prlimit(self.pid, resource.RLIMIT_CORE, (0, 0))
            Path(f"/proc/{self.pid}/oom_score_adj").write_text(_OOM_SCORE_ADJUST)

    def kill(self) -> None:
        signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)

    def read_progress(self) -> bytes:
        """What it printed since the last call; empty at its end or when there is nothing."""
        try:
            return os.read(self.stdout, 65536)
        except BlockingIOError:
            return b""

    def reap(self) -> Exit:
        """Collect it after `pidfd` turned readable; closes both file descriptors."""
        _, status, usage = os.wait4(self.pid, 0)
        os.close(self.pidfd)
        os.close(self.stdout)
        return Exit(
            code=os.WEXITSTATUS(status) if os.WIFEXITED(status) else None,
            signal=os.WTERMSIG(status) if os.WIFSIGNALED(status) else None,
            cpu_s=usage.ru_utime + usage.ru_stime,
            peak_rss_bytes=usage.ru_maxrss * 1024,
        )
