"""What a worker of the user's cluster runs. It travels as text, so that clipkit need not be installed there and the
worker's Python may be another one: the standard library and the worker's own `distributed` alone, and nothing of clipkit's."""

from __future__ import annotations

import contextlib
import fcntl
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_KEPT = (
    *("PATH", "HOME", "LANG", "TZ", "TMPDIR", "USER", "LOGNAME", "CLIPKIT_MACHINE"),
    # Without one of these `systemd-run --user` finds no bus (sd_bus_open_user(3)), and no ceiling stands.
    *("XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS"),
    # A Python or an ffmpeg that `module load` brought does not start without its libraries.
    "LD_LIBRARY_PATH",
)
"""Of the worker's environment: what its nanny sets for its own sake would reach ffmpeg."""
_ALIVE_S, _SAID_S = 1.0, 5.0
_HELD = "held"
"""The file in a block's folder that is locked while anybody uses that."""


def identify(_asked: str) -> dict[str, Any]:
    """Which machine this is, and by which name this life of the worker knows itself."""
    from distributed import get_worker  # noqa: PLC0415 (there alone)

    boot = ""
    with contextlib.suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    return {"machine": os.environ.get("CLIPKIT_MACHINE") or boot, "life": get_worker().id}


def run_parcel(order: dict[str, Any], content: bytes) -> dict[str, Any]:
    """Start what travelled as a process of its own; each line that it prints goes home as an event. Returns how it ended.

    `order`: `lease`, `topic`, `life` (of the worker that it is for), `words`, `guard` (its text), `silence_s`,
    `grace_s`.
    """
    from distributed import get_worker  # noqa: PLC0415 (there alone)

    worker = get_worker()
    # The scheduler runs again by itself what a worker took with it: who asked decides that, nobody else.
    taken = worker.__dict__.setdefault("_clipkit_leases", set())
    if worker.id != order["life"] or order["lease"] in taken:
        return {"code": None, "stderr": "another worker, or another life of it"}
    taken.add(order["lease"])
    key = worker.get_current_task()

    def say(**told: Any) -> None:
        worker.log_event(order["topic"], {"lease": order["lease"], **told})

    def is_wanted() -> bool:
        task = worker.state.tasks.get(key)
        return worker.status.name == "running" and task is not None and task.state == "executing"

    with _own_folder() as (folder, held):
        parcel, guard = folder / "block.pyz", folder / "guard.py"
        parcel.write_bytes(content)
        guard.write_text(order["guard"], "utf-8")
        argv = [sys.executable, "-I", str(guard), str(folder / _HELD), _lock()]
        argv += [str(order["silence_s"]), str(order["grace_s"]), "--"]
        argv += [sys.executable, "-I", str(parcel), *order["words"]]
        with tempfile.TemporaryFile() as errors:
            process = subprocess.Popen(
                argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                cwd=folder,
                env={name: os.environ[name] for name in _KEPT if name in os.environ},
                start_new_session=True,
                pass_fds=(held,),
            )
            _relay(process, say, is_wanted)
            errors.seek(0)
            told = errors.read()[-2000:].decode("utf-8", "replace")
    return {"code": process.returncode, "stderr": told}


@contextlib.contextmanager
def _own_folder() -> Iterator[tuple[Path, int]]:
    """One in TMPDIR, and a descriptor that holds it while it is open here or in a guard: what nobody holds any more the
    next guard removes."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix="clipkit-block-"))
        held = os.open(folder / _HELD, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with contextlib.suppress(
            OSError
        ):  # of a disk that knows no locks, where nothing is removed
            fcntl.flock(held, fcntl.LOCK_EX)
        if (folder / _HELD).exists():
            break
        os.close(held)  # a guard took it for left behind, in between
    try:
        yield folder, held
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(held)


def _lock() -> str:
    """One file for all users and jobs of a machine: TMPDIR is often a job's own."""
    places = ("/dev/shm", "/tmp")  # noqa: S108 (whoever opens it trusts nothing of it)
    place = next((each for each in places if os.access(each, os.W_OK | os.X_OK)), places[-1])
    return f"{place}/clipkit-machine.lock"


def _relay(process: Any, say: Any, is_wanted: Any) -> None:
    """Its lines, until it has ended; what nobody waits for any more is ended."""
    lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
    out = process.stdout

    def read() -> None:
        for line in out:
            lines.put(line)
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    beat_s, said_s = 0.0, 0.0
    while True:
        now_s = time.monotonic()
        if now_s - beat_s >= _ALIVE_S:  # however often lines arrive
            beat_s = now_s
            _keep(process.stdin, is_wanted)
        if now_s - said_s >= _SAID_S:
            said_s = now_s
            say(alive=True)
        try:
            line = lines.get(timeout=max(0.0, beat_s + _ALIVE_S - now_s))
        except queue.Empty:
            continue
        if line is None:
            break
        say(line=line.decode("utf-8", "replace"))
    process.wait()
    with contextlib.suppress(OSError):
        process.stdin.close()


def _keep(stdin: Any, is_wanted: Any) -> None:
    """Tell the guard that somebody waits, or that nobody does any more."""
    if stdin.closed:
        return
    with contextlib.suppress(OSError):
        stdin.write(b"\n")
        stdin.flush()
        if not is_wanted():
            stdin.close()
