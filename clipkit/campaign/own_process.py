"""clipkit in a process of its own, started from a notebook: the kernel must not take part.

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
from collections.abc import Callable, Sequence
from typing import IO, Any

from clipkit.errors import Cancelled, ClipkitError, UsageError

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_LAST_LINES = 8
_COMPLAINT = "clipkit: "


def clipkit_argv(words: Sequence[str]) -> list[str]:
    """The argv of `clipkit WORDS`, by this process' own Python."""
    # -P: a file beside the notebook must not be taken for a module of Python or clipkit.
    return [sys.executable, "-P", "-m", "clipkit", *words]


def answer(words: Sequence[str]) -> dict[str, Any]:
    """Run `clipkit WORDS` to its end; what it prints on stdout, which must be `--json`.

    Its progress is passed through to this process' stdout as it comes. An interrupt stops it
    orderly, and so does the death of this process. Where only a part succeeded, it has said what did
    not. Raises UsageError where what is asked is wrong,
    Cancelled where it was cancelled, ClipkitError where it fails.
    """
    with tempfile.TemporaryFile("w+", encoding="utf-8") as printed:
        code, last_lines = _run(clipkit_argv(words), printed.fileno())
        printed.seek(0)
        text = printed.read()
        if code not in (0, ClipkitError.exit_code) or not text:
            raise failure(code, last_lines)
        document: dict[str, Any] = json.loads(text)
    return document


def failure(code: int, last_lines: Sequence[str]) -> ClipkitError:
    """The error that a process told on stderr: its own complaint, or else its last lines."""
    complaints = [line for line in last_lines if line.startswith(_COMPLAINT)]
    lines = [complaints[-1].removeprefix(_COMPLAINT)] if complaints else last_lines[-_LAST_LINES:]
    said = "\n".join(lines) or f"no word on why, exit code {code}"
    kinds = {Cancelled.exit_code: Cancelled, UsageError.exit_code: UsageError}
    return kinds.get(code, ClipkitError)(said)


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
