"""A real engine in a process of its own, spoken to as `clipkit.trial.talk` does: JSON by lines."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import clipkit
from clipkit.ceiling.base import Ceiling
from clipkit.plan.task import OUTPUT, Attempt, Run, Step, Task

_PACKAGES = Path(clipkit.__file__).parents[1]
_PATIENCE_S = 60
# After the end, the engine's process prints which modules it has needed.
_PROGRAM = f"""
import sys
sys.path.insert(0, {str(_PACKAGES)!r})
from clipkit.engine.__main__ import main
main()
print(*sorted(sys.modules), file=sys.stderr)
"""


@dataclass
class Engine:
    """A running engine and the folders that it works in."""

    process: subprocess.Popen[bytes]
    folder: Path
    events: list[dict[str, Any]] = field(default_factory=list)

    @property
    def out(self) -> Path:
        return self.folder / "out"

    @property
    def work(self) -> Path:
        return self.folder / "work"

    @property
    def log(self) -> Path:
        return self.folder / "log"

    def tell(self, *messages: dict[str, Any]) -> None:
        assert self.process.stdin
        for message in messages:
            self.process.stdin.write(json.dumps(message).encode() + b"\n")
        self.process.stdin.flush()

    def order(self, **orders: Any) -> None:
        for folder in (self.out, self.work, self.log):
            folder.mkdir(exist_ok=True)
        folders = {"out_dir": self.out, "work_dir": self.work, "log_dir": self.log}
        limits = {"concurrency": 1, "timeout_s": 60.0, "stop_on_failure": False}
        words = {name: str(folder) for name, folder in folders.items()}
        self.tell({"op": "orders", "memory_budget_bytes": None} | words | limits | orders)

    def hear(self) -> Iterator[dict[str, Any]]:
        """Events as they come, until the engine closes its stdout; each is kept too."""
        assert self.process.stdout
        for line in self.process.stdout:
            self.events.append(json.loads(line))
            yield self.events[-1]

    def hear_until(self, kind: str) -> dict[str, Any]:
        return next(event for event in self.hear() if event["event"] == kind)

    def clips(self) -> list[dict[str, Any]]:
        """What became of each task, in their order, once the engine has ended."""
        for _ in self.hear():
            pass
        told = [event for event in self.events if event["event"] == "clip"]
        return sorted(told, key=lambda event: event["number"])

    def run(self, tasks: list[Task], **orders: Any) -> list[dict[str, Any]]:
        """The tasks from the first to the last; returns what became of each."""
        self.order(**orders)
        self.tell(*({"op": "task", **task.to_json()} for task in tasks), {"op": "end"})
        return self.clips()

    def close_stdin(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()


@contextlib.contextmanager
def engine(folder: Path, inside: Ceiling | None = None) -> Iterator[Engine]:
    argv = [sys.executable, "-I", "-S", "-c", _PROGRAM]
    process = subprocess.Popen(
        inside.wrap(argv) if inside else argv,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        yield Engine(process, folder)
    finally:
        process.kill()
        with contextlib.suppress(OSError, ValueError):  # its stdin may be closed
            process.communicate(timeout=_PATIENCE_S)


def task(
    number: int, *attempts: list[str], frames: int | None = None, **others: int | None
) -> Task:
    """A task whose attempts are single commands; the word `OUTPUT` is the file to write."""
    chains = ((Run(tuple(argv)),) for argv in attempts)
    return chain(number, *chains, stored=frames, shown=frames, **others)


def chain(
    number: int,
    *attempts: tuple[Step, ...],
    stored: int | None = None,
    shown: int | None = None,
    **others: int | None,
) -> Task:
    """A task whose attempts are chains of steps."""
    bounds: dict[str, Any] = {"predicted_bytes": None, "max_output_bytes": 1 << 30} | others
    return Task(
        number=number,
        output=f"clip-{number:03d}.mp4",
        attempts=tuple(
            Attempt(steps, change=None if rank == 0 else f"attempt {rank + 1}")
            for rank, steps in enumerate(attempts)
        ),
        frames_stored=stored,
        frames_shown=shown,
        **bounds,
    )


def encoding(ffmpeg: str, upload: Path, *options: str) -> list[str]:
    """An ffmpeg that encodes the upload."""
    head = [ffmpeg, "-nostdin", "-v", "error", "-y", "-progress", "pipe:1", "-stats_period", "0.1"]
    coding = ["-an", "-c:v", "libx264", "-preset", "ultrafast", "-threads", "1"]
    return [*head, "-i", f"file:{upload}", *coding, *options, "-f", "mp4", OUTPUT]


def never_ending(ffmpeg: str) -> list[str]:
    """An ffmpeg that is busy until it is stopped, and writes all the while."""
    source = ["-re", "-f", "lavfi", "-i", "testsrc2=size=64x64:rate=25"]
    head = [ffmpeg, "-nostdin", "-v", "error", "-y", "-progress", "pipe:1", "-stats_period", "0.1"]
    coding = ["-c:v", "libx264", "-preset", "ultrafast", "-threads", "1"]
    return [*head, *source, *coding, "-f", "mp4", OUTPUT]


def by_ffmpeg(task: Task) -> Task:
    """The same without the attempts that the engine makes by itself."""
    ways = tuple(attempt for attempt in task.attempts if not attempt.facts["by_engine"])
    return replace(task, attempts=ways)
