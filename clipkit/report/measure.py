"""A measurement started from a notebook, in a process of its own: the kernel must not take part.

The kernel's memory would leak into what ffmpeg reports as its peak, and a kernel that dies would
take the campaign with it.
"""

from __future__ import annotations

import ctypes
import json
import signal
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from clipkit.errors import Cancelled, ClipkitError, NotebookError

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_LAST_LINES = 8


@dataclass(frozen=True, slots=True)
class Asked:
    """The parameters of `notebooks/1-measure.ipynb`: either a finished campaign, or what to measure.

    An empty `memory` and `cpus` of 0 mean: as the host has it.
    """

    campaign: str
    video: str
    host: str
    memory: str
    cpus: float
    reserve: str
    budget_minutes: float
    results: str


def measure(asked: Asked) -> Path:
    """The campaign's folder: the one that was given, or that of a new `clipkit tune`.

    Its progress is passed through to this process' stdout as it comes. An interrupt stops it
    orderly, and so does the death of the kernel. Raises NotebookError where what is asked is
    wrong, Cancelled after an interrupt, ClipkitError where the measurement fails; what it had
    finished is kept in its campaign.
    """
    if asked.campaign:
        return Path(asked.campaign).resolve()
    with tempfile.TemporaryFile("w+", encoding="utf-8") as printed:
        code, last_lines = _run(_argv(asked), printed.fileno())
        printed.seek(0)
        answer = printed.read()
    if code:
        raise _error(code, last_lines)
    return Path(json.loads(answer)["campaign"])


def _argv(asked: Asked) -> list[str]:
    # -P: a file beside the notebook must not be taken for a module of Python or clipkit.
    argv = [sys.executable, "-P", "-m", "clipkit", "tune", "--json", "--no-report"]
    argv += ["--host", asked.host, "--reserve", asked.reserve]
    argv += ["--budget", f"{asked.budget_minutes:g}", "--results", asked.results]
    if asked.memory:
        argv += ["--memory", asked.memory]
    if asked.cpus:
        argv += ["--cpus", f"{asked.cpus:g}"]
    return argv if asked.video == "sample" else [*argv, "--", asked.video]


def _run(argv: list[str], stdout: int) -> tuple[int, list[str]]:
    """Run to the end, showing stderr line by line: the exit code, and its last lines."""
    # A session of its own: whoever kills the kernel kills its whole process group.
    with subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
        preexec_fn=_interrupted_with_parent(),  # noqa: PLW1509 (makes one system call)
    ) as process:
        assert process.stderr is not None  # noqa: S101 (PIPE, above)
        try:
            last_lines = _pass_on(process.stderr)
        except KeyboardInterrupt:
            process.send_signal(signal.SIGINT)
            _pass_on(process.stderr)
            process.wait()
            raise
    return process.returncode, last_lines


def _pass_on(stderr: IO[str]) -> list[str]:
    """Show every line as it comes; the last ones. Progress is no error, so it goes to stdout."""
    last_lines: deque[str] = deque(maxlen=_LAST_LINES)
    for line in stderr:
        sys.stdout.write(line)
        sys.stdout.flush()
        last_lines.append(line.rstrip())
    return list(last_lines)


def _interrupted_with_parent() -> Callable[[], None]:
    """For `preexec_fn`: the kernel sends the child SIGINT when its parent dies."""
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    return lambda: prctl(_PR_SET_PDEATHSIG, signal.SIGINT)


def _error(code: int, last_lines: list[str]) -> ClipkitError:
    said = "\n".join(last_lines) or f"no word on why, exit code {code}"
    if code == Cancelled.exit_code:
        return Cancelled(said)
    if code == NotebookError.exit_code:
        return NotebookError(f"the measurement was refused: {said}")
    return ClipkitError(f"the measurement failed: {said}")
