"""One ffmpeg process: spawned, limited, reaped by wait4. Stdlib only: it lives inside the host."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from clipkit.confinement import Confinement

# The kernel's choice of victim: an ffmpeg, before the engine or the user's server beside it.
_OOM_SCORE_ADJUST = "1000"


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


def _spawn(argv: Sequence[str], log: Path, stdout: int) -> int:
    return os.posix_spawnp(
        argv[0],
        list(argv),
        os.environ,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_DUP2, stdout, 1),
            (os.POSIX_SPAWN_OPEN, 2, log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644),
        ],
        # Python ignores these; an ffmpeg whose reader died must die of SIGPIPE.
        setsigdef=[signal.SIGPIPE, signal.SIGXFSZ],
    )


class Child:
    """A running process. `pidfd` turns readable when it ended, `stdout` carries its progress."""

    def __init__(
        self,
        argv: Sequence[str],
        log: Path,
        max_file_bytes: int,
        confinement: Confinement | None = None,
    ) -> None:
        """Start it: stdin closed, stderr behind what is in `log`, no file of it larger than `max_file_bytes`. Where the
        kernel can, it is held to `confinement`, which `confined` tells.

        Raises OSError where the program cannot be started.
        """
        reading, writing = os.pipe()
        start = partial(_spawn, argv, log, writing)
        try:
            self.pid, self.confined = confinement.start(start) if confinement else (start(), False)
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
