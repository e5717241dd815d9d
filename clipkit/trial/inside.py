"""What stands inside the ceiling: the reserve, the orchestrator's process, and the folder it works in."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from clipkit import format as fmt
from clipkit.ceiling.base import Ceiling, Usage
from clipkit.engine.child import FROM_OUTSIDE
from clipkit.errors import CeilingError, OutputError

WORK_PREFIX = ".clipkit-work-"
"""Of all that is unfinished: who has an output folder to himself may remove what begins so."""
_LOGS = "logs"
ORCHESTRATOR_LOG = "engine.log"
_PACKAGES = Path(__file__).resolve().parents[2]
# Isolated and without site-packages: the engine's memory is part of what is measured.
_ENGINE = (
    sys.executable,
    "-I",
    "-S",
    "-c",
    f"import sys; sys.path.insert(0, {str(_PACKAGES)!r}); "
    "from clipkit.engine.__main__ import main; main()",
)
# Of what one process says, the end: a talkative one must not fill the disk.
_KEPT_BYTES = 1 << 20
# Out of memory, the kernel's victim is to be the engine rather than the reserve, which stands for
# the user's server; an ffmpeg comes before both. Raising this needs no privilege, lowering it does.
_OOM_SCORE_ADJUST = "998"
# One whose stdout is closed is about to end.
_DYING_S = 2.0


@contextlib.contextmanager
def work_folder(out_dir: Path) -> Iterator[Path]:
    """Where unfinished clips live: beside the finished, so that moving one is one act; logs in it.

    Folders made for it that hold nothing in the end are removed again. Raises OutputError.
    """
    with made_folder(out_dir):
        folder = _make_work_folder(out_dir)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _make_work_folder(out_dir: Path) -> Path:
    try:
        folder = Path(tempfile.mkdtemp(prefix=WORK_PREFIX, dir=out_dir))
        try:
            log_folder(folder).mkdir()
        except OSError:
            folder.rmdir()
            raise
    except OSError as error:
        raise OutputError(f"cannot write into {out_dir}: {error.strerror}") from None
    return folder


@contextlib.contextmanager
def made_folder(folder: Path) -> Iterator[list[Path]]:
    """A folder that is there; what of its path was made for it, the yielded list, and holds nothing in the
    end is removed again. Raises OutputError."""
    made: list[Path] = []
    try:
        try:
            made += [each for each in (folder, *folder.parents) if not each.exists()]
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"cannot write into {folder}: {error.strerror}") from None
        yield made
    finally:
        _remove_empty(made)


def _remove_empty(folders: Sequence[Path]) -> None:
    """The deepest first, up to one that holds something."""
    with contextlib.suppress(OSError):
        for folder in folders:
            with contextlib.suppress(FileNotFoundError):  # somebody else has removed it
                folder.rmdir()


def log_folder(work_dir: Path) -> Path:
    """Where those inside write what they say."""
    return work_dir / _LOGS


def read_logs(work_dir: Path) -> dict[str, bytes]:
    """File's name -> the end of its content; nothing where they are gone."""
    try:
        paths = sorted(log_folder(work_dir).iterdir())
        return {path.name: path.read_bytes()[-_KEPT_BYTES:] for path in paths}
    except FileNotFoundError:  # somebody removed the folder, which each clip's error tells
        return {}


@dataclass(frozen=True, slots=True)
class Reserve:
    """Who holds the memory that is kept for the user's server, and how much it is."""

    process: subprocess.Popen[bytes] | None = None
    size_bytes: int = 0

    @property
    def pids(self) -> frozenset[int]:
        return frozenset({self.process.pid}) if self.process else frozenset()

    @property
    def end(self) -> str | None:
        """How it ended, which is not for it to do while the job runs; None: it holds its memory."""
        code = self.process.poll() if self.process else None
        if code is None:
            return None
        return f"signal {-code}" if code < 0 else f"exit code {code}"


def too_large_a_reserve(size_bytes: int, limit_bytes: int | None) -> CeilingError:
    return CeilingError(
        f"a reserve of {fmt.size(size_bytes)} does not fit into the ceiling of {fmt.size(limit_bytes)}: "
        "lower --reserve or raise --memory"
    )


@contextlib.contextmanager
def reserved(ceiling: Ceiling, size_bytes: int) -> Iterator[Reserve]:
    """Memory that the user's server needs, really occupied. Raises CeilingError where it does not fit."""
    if not size_bytes:
        yield Reserve()
        return
    script = str(Path(__file__).with_name("reserve.py"))
    argv = ceiling.wrap([sys.executable, "-I", "-S", script, str(size_bytes)])
    process = subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    )
    try:
        ceiling.adopt(process.pid)
        said = process.stdout.readline() if process.stdout else b""
        if not said.strip().isdigit():
            raise too_large_a_reserve(size_bytes, ceiling.enforced.memory_bytes)
        yield Reserve(process, int(said))
    finally:
        process.kill()
        process.communicate()


@dataclass(frozen=True, slots=True)
class Ready:
    """The orchestrator, which waits to be told what to do; `before`: what the ceiling read without it; `log`:
    where it writes what it says."""

    process: subprocess.Popen[bytes]
    before: Usage
    log: BinaryIO

    def logs(self) -> dict[str, bytes]:
        """As `read_logs`."""
        self.log.seek(0)
        return {ORCHESTRATOR_LOG: self.log.read()[-_KEPT_BYTES:]}


@contextlib.contextmanager
def engine_ready(ceiling: Ceiling) -> Iterator[Ready]:
    """A process inside the ceiling, killed with its whole session in the end.

    Its stdin and stdout are ours to talk by. Where it works, its orders say: there need be no folder yet,
    so its log is in none.
    """
    before = ceiling.usage()
    with os.fdopen(os.memfd_create(ORCHESTRATOR_LOG), "w+b") as log:
        process = subprocess.Popen(
            ceiling.wrap(_ENGINE),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd="/",
            # Its own session: Ctrl-C reaches us alone, and we cancel in order.
            start_new_session=True,
        )
        with contextlib.suppress(OSError):  # it may have ended already
            Path(f"/proc/{process.pid}/oom_score_adj").write_text(_OOM_SCORE_ADJUST)
        try:
            ceiling.adopt(process.pid)
            yield Ready(process, before, log)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            with contextlib.suppress(OSError):  # its stdin may be broken
                process.communicate()


def killed_by(process: subprocess.Popen[bytes]) -> str | None:
    """The signal, not of its own doing, that has ended the orchestrator, in words; None: it lives, or ended
    otherwise. It is not reaped: what it used can still be read."""
    deadline_s = time.monotonic() + _DYING_S
    while time.monotonic() < deadline_s:
        ended = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG)
        if ended is None:
            time.sleep(_DYING_S / 100)
        elif ended.si_code != os.CLD_EXITED and ended.si_status in FROM_OUTSIDE:
            return f"signal {ended.si_status}"
        else:
            return None
    return None
