"""Running the `clipkit` command as a user does: in a process of its own."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any, NoReturn

import psutil

COMMAND = (sys.executable, "-m", "clipkit")

# A shell starts its background jobs with Ctrl-C ignored, and so would ours be.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
# And `nohup` what it starts with hangups ignored.
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
_PATIENCE_S = 300  # a sweep of sixteen trials beside others' load
# What the commands load when they are run, and what takes seconds of CPU to load.
_LOADED = ("clipkit.tuning.tune", "clipkit.campaign.sweep", "clipkit.report.pages.report")


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str
    pid: int

    @cached_property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def complaint(self) -> str:
        """The one line on stderr that says what is wrong."""
        lines = self.err.strip().splitlines()
        assert len(lines) == 1, self.err
        assert lines[0].startswith("clipkit: "), self.err
        return lines[0]


def clipkit(*words: str | Path | float, cwd: Path | None = None, **environment: str) -> Ran:
    with start(*words, cwd=cwd, **environment) as process:
        return finish(process)


def forked(*words: str | Path | float, cwd: Path) -> Ran:
    """As `clipkit`, in a process of its own that is forked of this one, which has loaded what it needs: for
    commands that are refused, whose start-up is nearly all that they take. What this process remembers of
    its environment the command remembers too."""
    for name in (*_LOADED, "clipkit.cli"):
        importlib.import_module(name)
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        pid = os.fork()
        if not pid:
            _become([os.fspath(_text(word)) for word in words], cwd, out.fileno(), err.fileno())
        _, status = os.waitpid(pid, 0)
        said = [_all_of(file) for file in (out, err)]
    return Ran(os.waitstatus_to_exitcode(status), *said, pid)


def _become(words: list[str], cwd: Path, out: int, err: int) -> NoReturn:
    """What a Python that was just started does with these words; the process ends with it."""
    code: object = 70
    try:
        os.chdir(cwd)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for ours, number in ((nothing, 0), (out, 1), (err, 2)):
            os.dup2(ours, number)
        sys.stdin, sys.stdout = os.fdopen(0), os.fdopen(1, "w")
        sys.stderr = os.fdopen(2, "w", errors="backslashreplace")
        sys.modules["clipkit.cli"].main(words)
    except SystemExit as ended:
        code = ended.code or 0
    except BaseException:  # noqa: BLE001 (nothing may run on in here as a second pytest)
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(code if isinstance(code, int) else 1)


def _all_of(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8", "surrogateescape")


@contextlib.contextmanager
def start(
    *words: str | Path | float, cwd: Path | None = None, **environment: str
) -> Iterator[subprocess.Popen[str]]:
    """A running command; killed, should it still run at the end."""
    process = subprocess.Popen(
        [*COMMAND, *map(os.fspath, map(_text, words))],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="surrogateescape",
        cwd=cwd,
        env={**os.environ, **environment},
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def _text(word: str | Path | float) -> str | Path:
    return word if isinstance(word, str | Path) else str(word)


def finish(process: subprocess.Popen[str]) -> Ran:
    out, err = process.communicate(timeout=_PATIENCE_S)
    return Ran(process.returncode, out, err, process.pid)


def until(true: Callable[[], Any], patience_s: float = 90) -> Any:
    """Wait until it is true, and return what it is."""
    deadline_s = time.monotonic() + patience_s
    while not (found := true()):
        assert time.monotonic() < deadline_s, f"waited {patience_s} s in vain"
        time.sleep(0.02)
    return found


def processes_with(text: str) -> list[int]:
    """Processes, no zombies, whose command line holds `text`: a path that only one test uses."""
    found = []
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if folder.name.isdigit() and int(folder.name) != os.getpid():
                words = (folder / "cmdline").read_bytes()  # empty for a zombie
                if text.encode("utf-8", "surrogateescape") in words:
                    found.append(int(folder.name))
    return found


def engine_of(clipkit_pid: int) -> int:
    """The engine's process of a running clipkit."""
    with_engine = set(processes_with("clipkit.engine"))
    (found,) = with_engine & {child.pid for child in psutil.Process(clipkit_pid).children()}
    return int(found)


def ffmpegs_in(folder: Path) -> list[int]:
    """The running ffmpeg processes that write below `folder`."""
    return [pid for pid in processes_with(str(folder)) if _is_ffmpeg(pid)]


def _is_ffmpeg(pid: int) -> bool:
    try:
        return b"ffmpeg" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0]
    except OSError:
        return False


def groups_of(owner: int) -> list[Path]:
    """Control groups that the clipkit of that PID made and that still exist."""
    return [
        Path(parent, name)
        for parent, names, _ in os.walk("/sys/fs/cgroup")
        for name in names
        if name.startswith(f"clipkit-{owner}-")
    ]


def favour_our_groups() -> None:
    """Let no others take the CPUs from this process' groups: their turns would look like holds."""
    for folder in groups_of(os.getpid()):
        for name, most in (("cpu.shares", "262144"), ("cpu.weight", "10000")):
            if (folder / name).exists():
                (folder / name).write_text(most, "ascii")
