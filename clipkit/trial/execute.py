"""Run tasks through the engine, inside a ceiling, watched from outside."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clipkit.ceiling.base import Ceiling, Usage
from clipkit.errors import CeilingError, EngineError, OutputError
from clipkit.plan.task import Task
from clipkit.records.outcome import Sample
from clipkit.trial.sampler import Sampler

Watch = Callable[[dict[str, Any]], None]

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
_START_PATIENCE_S = 60
_CANCEL_PATIENCE_S = 10
# Of what one process says, the end: a talkative one must not fill the disk.
_KEPT_BYTES = 1 << 20
_WORK_PREFIX = ".clipkit-work-"
# Out of memory, the kernel's victim is to be the engine rather than the reserve, which stands for
# the user's server; an ffmpeg comes before both. Raising this needs no privilege, lowering it does.
_OOM_SCORE_ADJUST = "998"


@dataclass(frozen=True, slots=True)
class Run:
    """How to run tasks: the engine's orders, and the memory to reserve beside it."""

    out_dir: Path
    concurrency: int
    timeout_s: float
    stop_on_failure: bool
    reserve_bytes: int = 0
    memory_budget_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class ClipOutcome:
    """What became of one task. Bytes and seconds; `frames` None: could not be read."""

    number: int
    status: str
    error: str | None
    change: str | None
    argv: tuple[str, ...]
    wall_s: float
    cpu_s: float
    peak_rss_bytes: int
    frames: int | None
    file: str | None
    bytes: int | None


@dataclass(frozen=True, slots=True)
class Execution:
    """All that was measured of one run. `wall_s` None: no clip was finished."""

    clips: tuple[ClipOutcome, ...]
    wall_s: float | None
    first_clip_s: float | None
    stopped_s: float | None
    engine_cpu_s: float | None
    engine_peak_rss_bytes: int | None
    usage: Usage
    cpu_s: float | None
    throttled_s: float | None
    samples: list[Sample]
    logs: dict[str, bytes]
    cancelled: bool


def execute(tasks: Sequence[Task], run: Run, ceiling: Ceiling, watch: Watch) -> Execution:
    """Run every task inside `ceiling`; finished clips appear in `run.out_dir`, nothing else does.

    `watch` is called with each of the engine's events. An interrupt (Ctrl-C) cancels cleanly and
    is told by `cancelled`. Whatever happens, no process is left inside the ceiling.

    Raises CeilingError where the engine itself does not fit, OutputError for an unusable folder.
    """
    with _work_folder(run.out_dir) as work_dir:
        log_dir = work_dir / "logs"
        log_dir.mkdir()
        try:
            with _reserve(ceiling, run.reserve_bytes) as (reserve_pids, reserve_bytes):
                before = ceiling.usage()
                with (
                    Sampler(ceiling, reserve_bytes, reserve_pids) as sampler,
                    _engine(ceiling, work_dir, log_dir) as process,
                ):
                    told = _converse(process, tasks, _orders(run, work_dir, log_dir), watch)
                    # Before the engine is reaped: without a group its CPU goes with it.
                    after = ceiling.usage()
        finally:
            ceiling.kill()
        logs = {path.name: path.read_bytes()[-_KEPT_BYTES:] for path in sorted(log_dir.iterdir())}
    return _gather(told, tasks, sampler.samples, (before, after), logs)


@dataclass(slots=True)
class _Told:
    """What the engine said."""

    clips: list[dict[str, Any]]
    done: dict[str, Any] | None = None
    cancelled: bool = False


def _orders(run: Run, work_dir: Path, log_dir: Path) -> dict[str, Any]:
    return {
        "op": "orders",
        "out_dir": str(run.out_dir),
        "work_dir": str(work_dir),
        "log_dir": str(log_dir),
        "concurrency": run.concurrency,
        "timeout_s": run.timeout_s,
        "stop_on_failure": run.stop_on_failure,
        "memory_budget_bytes": run.memory_budget_bytes,
    }


@contextlib.contextmanager
def _work_folder(out_dir: Path) -> Iterator[Path]:
    """Where unfinished clips live: beside the finished, so that moving one is one act.

    Folders made for it that hold nothing in the end are removed again.
    """
    made: list[Path] = []
    try:
        made += [folder for folder in (out_dir, *out_dir.parents) if not folder.exists()]
        out_dir.mkdir(parents=True, exist_ok=True)
        for left in out_dir.glob(f"{_WORK_PREFIX}*"):
            _remove_orphan(left)
        folder = Path(tempfile.mkdtemp(prefix=f"{_WORK_PREFIX}{os.getpid()}-", dir=out_dir))
    except OSError as error:
        _remove_empty(made)
        raise OutputError(f"cannot write into {out_dir}: {error.strerror}") from None
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        _remove_empty(made)


def _remove_empty(folders: Sequence[Path]) -> None:
    """The deepest first, up to one that holds something."""
    with contextlib.suppress(OSError):
        for folder in folders:
            folder.rmdir()


def _remove_orphan(folder: Path) -> None:
    """A folder whose process was killed before it could clean up."""
    owner = folder.name.removeprefix(_WORK_PREFIX).partition("-")[0]
    if owner.isdigit() and not Path(f"/proc/{owner}").exists():
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _reserve(ceiling: Ceiling, size_bytes: int) -> Iterator[tuple[frozenset[int], int]]:
    """Memory that the user's server needs, really occupied; yields who holds it and how much."""
    if not size_bytes:
        yield frozenset(), 0
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
            raise CeilingError(
                f"a reserve of {size_bytes} bytes does not fit into the ceiling of "
                f"{ceiling.enforced.memory_bytes} bytes: lower --reserve or raise --memory"
            )
        yield frozenset({process.pid}), int(said)
    finally:
        process.kill()
        process.communicate()


@contextlib.contextmanager
def _engine(ceiling: Ceiling, work_dir: Path, log_dir: Path) -> Iterator[subprocess.Popen[bytes]]:
    try:
        log_dir.mkdir(parents=True, exist_ok=True)
        log = (log_dir / "engine.log").open("wb")
    except OSError as error:
        raise OutputError(f"cannot write into {log_dir}: {error.strerror}") from None
    with log:
        process = subprocess.Popen(
            ceiling.wrap(_ENGINE),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=work_dir,
            # Its own session: Ctrl-C reaches us alone, and we cancel in order.
            start_new_session=True,
        )
    with contextlib.suppress(OSError):  # it may have ended already
        Path(f"/proc/{process.pid}/oom_score_adj").write_text(_OOM_SCORE_ADJUST)
    try:
        ceiling.adopt(process.pid)
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        with contextlib.suppress(OSError):  # its stdin may be broken
            process.communicate()


def _converse(
    process: subprocess.Popen[bytes], tasks: Sequence[Task], orders: dict[str, Any], watch: Watch
) -> _Told:
    told = _Told(clips=[])
    engine = _Events(process)
    if next(engine.within(_START_PATIENCE_S), None) is None:
        raise CeilingError(
            "the engine itself does not start inside this ceiling: it is too small "
            "(the engine needs some 20 MB besides --reserve); raise --memory"
        )
    lines = [orders, *({"op": "task", **task.to_json()} for task in tasks), {"op": "end"}]
    _tell(process, lines)
    try:
        _listen(engine.within(orders["timeout_s"] + _CANCEL_PATIENCE_S), told, watch)
    except KeyboardInterrupt:
        told.cancelled = True
        _tell(process, [{"op": "cancel"}])
        _listen(engine.within(_CANCEL_PATIENCE_S), told, watch)
    return told


def _tell(process: subprocess.Popen[bytes], messages: Sequence[dict[str, Any]]) -> None:
    if process.stdin:
        with contextlib.suppress(BrokenPipeError):  # it died: reading its events will tell
            for message in messages:
                process.stdin.write(json.dumps(message).encode() + b"\n")
            process.stdin.flush()


def _listen(events: Iterator[dict[str, Any]], told: _Told, watch: Watch) -> None:
    for event in events:
        if event["event"] == "clip":
            told.clips.append(event)
        elif event["event"] == "done":
            told.done = event
            return
        watch(event)


class _Events:
    """The engine's stdout as events."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        if process.stdout is None:
            raise EngineError("the engine has no stdout")
        self._descriptor = process.stdout.fileno()
        self._unread = b""

    def within(self, patience_s: float) -> Iterator[dict[str, Any]]:
        """Events until the engine closes its stdout or the time is over."""
        deadline_s = time.monotonic() + patience_s
        with selectors.DefaultSelector() as selector:
            selector.register(self._descriptor, selectors.EVENT_READ)
            while (left_s := deadline_s - time.monotonic()) > 0 and selector.select(left_s):
                heard = os.read(self._descriptor, 1 << 16)
                if not heard:
                    return
                *lines, self._unread = (self._unread + heard).split(b"\n")
                yield from map(json.loads, lines)


def _gather(
    told: _Told,
    tasks: Sequence[Task],
    samples: list[Sample],
    usage: tuple[Usage, Usage],
    logs: dict[str, bytes],
) -> Execution:
    done, (before, after) = told.done or {}, usage
    outcomes = {event["number"]: _outcome(event) for event in told.clips}
    return Execution(
        clips=tuple(outcomes.get(task.number) or _unheard_of(task) for task in tasks),
        wall_s=done.get("wall_s"),
        first_clip_s=done.get("first_clip_s"),
        stopped_s=done.get("stopped_s"),
        engine_cpu_s=done.get("cpu_s"),
        engine_peak_rss_bytes=done.get("peak_rss_bytes"),
        usage=after,
        cpu_s=_growth(before.cpu_s, after.cpu_s),
        throttled_s=_growth(before.throttled_s, after.throttled_s),
        samples=samples,
        logs=logs,
        cancelled=told.cancelled,
    )


def _outcome(event: dict[str, Any]) -> ClipOutcome:
    names = {declared.name for declared in dataclasses.fields(ClipOutcome)}
    values = {key: value for key, value in event.items() if key in names}
    return ClipOutcome(**values | {"argv": tuple(event["argv"])})


def _unheard_of(task: Task) -> ClipOutcome:
    """A task of which the engine told nothing: it was killed before it could."""
    return ClipOutcome(
        number=task.number,
        status="killed",
        error="the engine was killed before this clip was finished",
        change=None,
        argv=(),
        wall_s=0.0,
        cpu_s=0.0,
        peak_rss_bytes=0,
        frames=None,
        file=None,
        bytes=None,
    )


def _growth(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else after - before
