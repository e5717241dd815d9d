"""A sweep in a session of its own, which outlives whoever started it: start it, find it, stop it."""

from __future__ import annotations

import contextlib
import datetime
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

from clipkit.campaign import own_process, standing
from clipkit.errors import CampaignError, OutputError
from clipkit.records.store import Store

LOG = Path("logs", "sweep.log")
"""In the campaign's folder: what the process that swept last printed."""

_LOOK_S = 0.1
_TOLD_TO_S = 1  # a standing tells its time in whole seconds


def start(words: Sequence[str], folder: Path) -> None:
    """Start `clipkit WORDS`, which sweeps into `folder`; returns once it says there how it stands.

    Returns also where it ended well before: a finished campaign has nothing left to do. The process
    has a session of its own and no terminal, and goes on when this one ends. Raises its error where
    it ends before it measures, as the class that its exit code stands for, and CampaignError where
    another one holds the folder.
    """
    refuse_held(folder)
    descriptor, log = _new_log(folder)
    try:
        process = subprocess.Popen(
            own_process.clipkit_argv(words),
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
            start_new_session=True,
        )
        _await(process, folder, log)
        (folder / LOG).parent.mkdir(exist_ok=True)
        log.replace(folder / LOG)  # it goes on writing there: the file is the same
    finally:
        os.close(descriptor)
        log.unlink(missing_ok=True)
    # Somebody has to take note of its end, or it stays a zombie for as long as the kernel lives.
    threading.Thread(target=process.wait, daemon=True).start()


def _new_log(folder: Path) -> tuple[int, Path]:
    """Beside the campaign's folder, which is the sweep's own to make."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=f".{folder.name}-", dir=folder.parent)
    except OSError as error:
        raise OutputError(f"cannot write into {folder.parent}: {error.strerror}") from None
    return descriptor, Path(name)


def _await(process: subprocess.Popen[bytes], folder: Path, log: Path) -> None:
    """Until it has begun to measure or has ended. An interrupt meanwhile ends it.

    That it holds the folder is not enough: it may still refuse what it finds there.
    """
    try:
        while (code := process.poll()) is None and not _has_begun(process.pid, folder):
            time.sleep(_LOOK_S)
    except KeyboardInterrupt:
        process.terminate()
        process.wait()
        raise
    if code and not _has_begun(process.pid, folder):  # else it has said in the folder how it ended
        raise own_process.failure(code, log.read_text("utf-8", "replace").splitlines())


def _has_begun(pid: int, folder: Path) -> bool:
    """By its own word: what another one left in the folder bears another number."""
    with contextlib.suppress(CampaignError):
        return standing.read_standing(folder).pid == pid
    return False


def is_held(folder: Path) -> bool:
    """Whether a process measures into the campaign right now."""
    return folder.is_dir() and Store(folder).busy


def refuse_held(folder: Path) -> None:
    """Raise CampaignError where a process measures into the campaign."""
    if is_held(folder):
        raise CampaignError(
            f"{folder} is being measured already: attach to it, or give another name"
        )


def cancel(folder: Path, patience_s: float = 60) -> None:
    """Stop the sweep that holds the campaign, orderly: its trial is cancelled and cleaned up.

    Returns when it has let go; at once where nothing holds the campaign. Raises CampaignError where
    what holds it is no sweep of it that can be reached from here, or does not end.
    """
    if not is_held(folder):
        return
    pid = _holder(folder)
    if pid is None:
        raise CampaignError(
            f"{folder} is held by a process that is not known to be its sweep: "
            "stop it where it was started"
        )
    # clipkit takes it as it takes Ctrl-C; but a shell's background job would ignore SIGINT.
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    wait(folder, patience_s)


def wait(folder: Path, timeout_s: float | None = None) -> None:
    """Until no process holds the campaign, and the one that did has said how it ended. Raises
    TimeoutError."""
    deadline_s = None if timeout_s is None else time.monotonic() + timeout_s
    while is_held(folder) or _is_ending(folder):
        if deadline_s is not None and time.monotonic() > deadline_s:
            raise TimeoutError(f"{folder} is still being measured after {timeout_s:g} s")
        time.sleep(_LOOK_S)


def _holder(folder: Path) -> int | None:
    """The process that holds the campaign, by what it really is and has open: a PID that was noted
    down may be anybody's by now."""
    pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    found = {pid: _parent(pid) for pid in pids if _sweeps(pid, folder)}
    # What it is about to start is a copy of it for a moment.
    return next((pid for pid, parent in found.items() if parent not in found), None)


def _parent(pid: int) -> int:
    """Of one that has ended: itself."""
    try:
        return psutil.Process(pid).ppid()
    except psutil.Error:
        return pid


def _is_ending(folder: Path) -> bool:
    """Whether the process that swept it last is still there: it lets go before its last words."""
    try:
        last = standing.read_standing(folder)
        began_s = psutil.Process(last.pid).create_time()
    except (CampaignError, psutil.Error):
        return False
    # The number may belong to another campaign's sweep by now, which began after those words.
    said_s = datetime.datetime.fromisoformat(last.updated_utc).timestamp()
    return _is_sweep(last.pid) and began_s < said_s + _TOLD_TO_S


def _sweeps(pid: int, folder: Path) -> bool:
    """Whether that process is a `clipkit sweep` that has the folder open."""
    if not _is_sweep(pid):
        return False
    try:
        return any(_is_same(link, folder) for link in Path("/proc", str(pid), "fd").iterdir())
    except OSError:  # it has ended, or is somebody else's
        return False


def _is_sweep(pid: int) -> bool:
    """By its command line, which a zombie has lost."""
    try:
        words = Path("/proc", str(pid), "cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return b"sweep" in words and any(b"clipkit" in word for word in words)


def _is_same(link: Path, folder: Path) -> bool:
    with contextlib.suppress(OSError):  # closed meanwhile
        return link.samefile(folder)
    return False
