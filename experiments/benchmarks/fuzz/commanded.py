"""One clipkit command in a process of its own, watched from outside: how it ended, what it took, what it left."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_EVERY_S = 0.03
_MARK = "CLIPKIT_FUZZ_RUN"
# A group's or a process' end is the kernel's to carry out, after the command's own.
_GRACE_S = 3.0


@dataclass(frozen=True, slots=True)
class Ran:
    """`code` None: it had to be ended at the time limit. `cpu_s`: of all that it started, where one command
    is run at a time; `python_peak_bytes`: of its largest Python process."""

    code: int | None
    out: str
    err: str
    wall_s: float
    cpu_s: float
    python_peak_bytes: int
    left: tuple[str, ...]

    @property
    def manifest(self) -> dict[str, Any] | None:
        return json.loads(self.out) if self.out else None

    @property
    def told(self) -> str:
        """What it said in the end; progress may stand before it."""
        return self.err.strip()


def clipkit(
    words: Sequence[str], folder: Path, limit_s: float = 60, cwd: Path | None = None
) -> Ran:
    """Run it; `folder` is for its temporary files, and has to be empty afterwards."""
    temporary = folder / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    mark = secrets.token_hex(8)
    started, cpu_s = time.monotonic(), _cpu_s()
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "clipkit", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        cwd=cwd,
        env={
            **os.environ,
            "TMPDIR": os.fspath(temporary),
            _MARK: mark,
            "CLIPKIT_ACCEPT_NOISE": "1",
        },
    )
    watch = _Watch(process.pid)
    watch.start()
    try:
        out, err = process.communicate(timeout=limit_s)
        code: int | None = process.returncode
    except subprocess.TimeoutExpired:
        code = None
        _end(process.pid, watch.seen)
        out, err = process.communicate()
    wall_s = time.monotonic() - started
    watch.stop()
    left = _left(mark, watch.seen, temporary)
    return Ran(
        code=code,
        out=out.decode("utf-8", "surrogateescape"),
        err=err.decode("utf-8", "surrogateescape"),
        wall_s=wall_s,
        cpu_s=_cpu_s() - cpu_s,
        python_peak_bytes=max(watch.peaks.values(), default=0),
        left=tuple(left),
    )


def _cpu_s() -> float:
    """Of all processes that this one has waited for, and those for which they have."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


@dataclass
class _Watch(threading.Thread):
    """Looks at all that the command starts, often enough to see what each process took at most."""

    pid: int
    peaks: dict[int, int] = field(default_factory=dict)
    seen: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__(daemon=True)
        self._over = threading.Event()

    def __hash__(self) -> int:
        return id(self)

    def run(self) -> None:
        while not self._over.wait(_EVERY_S):
            for pid in _family(self.pid):
                self.seen.add(pid)
                peak = _python_peak_bytes(pid)
                if peak:
                    self.peaks[pid] = max(peak, self.peaks.get(pid, 0))

    def stop(self) -> None:
        self._over.set()
        self.join()


def _family(pid: int) -> Iterator[int]:
    yield pid
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield from _family(int(child))


def _python_peak_bytes(pid: int) -> int:
    """The most that it held resident; 0 for another program."""
    with contextlib.suppress(OSError, IndexError, ValueError):
        if not Path(f"/proc/{pid}/exe").readlink().name.startswith("python"):
            return 0
        status = Path(f"/proc/{pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024
    return 0


def _end(pid: int, seen: set[int]) -> None:
    for one in {pid, *seen, *_family(pid)}:
        with contextlib.suppress(OSError):
            os.kill(one, signal.SIGKILL)


def _left(mark: str, pids: set[int], temporary: Path) -> list[str]:
    """Processes, control groups and temporary files that outlived the command."""
    deadline_s = time.monotonic() + _GRACE_S
    while (left := _found(mark, pids, temporary)) and time.monotonic() < deadline_s:
        time.sleep(0.1)
    for pid in _marked(mark):
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)
    return left


def _found(mark: str, pids: set[int], temporary: Path) -> list[str]:
    found = [f"process {pid} {words}" for pid, words in _marked(mark).items()]
    found += [f"temporary file {path.name}" for path in temporary.iterdir()]
    owners = tuple(f"clipkit-{pid}-" for pid in pids)
    for root, names, _ in os.walk("/sys/fs/cgroup"):
        found += [f"control group {Path(root, name)}" for name in names if name.startswith(owners)]
    return found


def _marked(mark: str) -> dict[int, str]:
    """Every process that was started with the mark in its environment, and lives."""
    wanted = f"{_MARK}={mark}".encode()
    found = {}
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if folder.name.isdigit() and wanted in (folder / "environ").read_bytes():
                found[int(folder.name)] = (folder / "comm").read_text().strip()
    return found


def left_in(out: Path, ran: Ran) -> list[str]:
    """What lies in the output folder that is no clip told of as right, nor their manifest."""
    if not out.exists():
        return []
    manifest = ran.manifest
    right = [c for c in manifest["clips"] if c["status"] == "ok"] if manifest else []
    expected = {Path(clip["file"]).name for clip in right} | ({"manifest.json"} if right else set())
    found = {path.name for path in out.iterdir()}
    surplus = [f"{name} in the output folder" for name in sorted(found - expected)]
    missing = [f"{name} is missing" for name in sorted(expected - found)]
    empty = [] if right else ["the output folder"]
    return surplus + missing + (empty if not surplus else [])
