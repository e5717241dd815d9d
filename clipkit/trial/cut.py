"""Cut a job for keeps: the clips, and a manifest that tells what became of each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clipkit.ceiling.base import Ceiling
from clipkit.errors import OutputError
from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.hosts import Host
from clipkit.plan import modes
from clipkit.plan.clips import Clip, Job
from clipkit.plan.task import Task
from clipkit.settings import Settings, to_table
from clipkit.trial.execute import Run, execute
from clipkit.trial.judge import judge_execution
from clipkit.trial.measure import ClipOutcome, Execution
from clipkit.trial.run import peaks
from clipkit.trial.talk import Watch

MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class Order:
    """What to cut and how. `timeout_s` bounds the whole job."""

    job: Job
    settings: Settings
    build: FfmpegBuild
    host: Host
    reserve_bytes: int
    out_dir: Path
    timeout_s: float

    @property
    def frames_shown(self) -> int:
        """In all clips, were each right: what progress counts up to. Raises ClipRangeError."""
        job = self.job
        spans = (modes.frames_shown(job.upload, clip, self.settings) for clip in job.clips)
        return sum(span.frames for span in spans)


def cut_order(order: Order, ceiling: Ceiling, watch: Watch) -> dict[str, Any]:
    """Cut the job and write the manifest, which is returned; `status` tells how it went.

    Some clips right: those, and the manifest. None right: no file at all.
    Raises CeilingError, ClipRangeError, FfmpegError, OutputError.
    """
    tasks = modes.tasks(order.job, order.settings, order.build)
    _spare_the_upload(order, tasks)
    run = Run(
        out_dir=order.out_dir,
        concurrency=order.settings.concurrency,
        timeout_s=order.timeout_s,
        stop_on_failure=False,
        reserve_bytes=order.reserve_bytes,
        memory_budget_bytes=_budget(order),
    )
    execution = execute(tasks, run, ceiling, watch)
    manifest = _manifest(order, ceiling, execution)
    if any(clip["status"] == "ok" for clip in manifest["clips"]):
        _write(order.out_dir / MANIFEST, manifest)
    return manifest


def _spare_the_upload(order: Order, tasks: Sequence[Task]) -> None:
    """A finished clip replaces what has its name: that must not be what it is cut from."""
    upload = order.job.upload.path
    for name in (MANIFEST, *(task.output for task in tasks)):
        target = order.out_dir / name
        if _same_file(target, upload):
            raise OutputError(f"{target} is the upload itself: choose another --out")


def _same_file(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:  # there is none, or it cannot be reached: writing it will tell
        return False


def _budget(order: Order) -> int | None:
    """Bytes for clips at the same time: what the ceiling leaves beside reserve and engine."""
    if order.host.memory_bytes is None:
        return None
    return order.host.memory_bytes - order.reserve_bytes


def _write(path: Path, manifest: dict[str, Any]) -> None:
    unfinished = path.with_name(f".{path.name}.part")
    try:
        unfinished.write_text(json.dumps(manifest, indent=1) + "\n", "utf-8")
        unfinished.replace(path)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise OutputError(f"cannot write {path}: {error.strerror}") from None


def _manifest(order: Order, ceiling: Ceiling, execution: Execution) -> dict[str, Any]:
    status, error = judge_execution(execution)
    return {
        "upload": str(order.job.upload.path),
        "settings": to_table(order.settings),
        "host": order.host.name,
        "ceiling": str(ceiling.mechanism),
        "ffmpeg_version": order.build.version,
        "status": str(status),
        "error": error,
        "wall_s": execution.wall_s,
        "cpu_s": execution.cpu_s,
        **peaks(execution),
        "orchestrator_peak_rss_bytes": execution.orchestrator_peak_rss_bytes,
        "orchestrator_cpu_s": execution.orchestrator_cpu_s,
        "oom_kills": execution.usage.oom_kills,
        "clips": [
            _clip_entry(order, order.job.clips[outcome.number - 1], outcome, execution)
            for outcome in execution.clips
        ],
    }


def _clip_entry(
    order: Order, clip: Clip, outcome: ClipOutcome, execution: Execution
) -> dict[str, Any]:
    shown = modes.frames_shown(order.job.upload, clip, order.settings)
    right = outcome.status == "ok"
    killed = outcome.status == "killed" and execution.usage.oom_kills
    return {
        "file": outcome.file,
        "start_s": clip.start_s,
        "duration_s": clip.duration_s,
        "mode": order.settings.mode,
        "changes": [outcome.change] if outcome.change else [],
        "hidden_preroll_s": 0.0,
        "first_pts_s": shown.first_s if right else None,
        "last_pts_s": shown.last_s if right else None,
        "frames": outcome.frames,
        "bytes": outcome.bytes,
        "argv": list(outcome.argv),
        "wall_s": outcome.wall_s,
        "cpu_s": outcome.cpu_s,
        "peak_rss_bytes": outcome.peak_rss_bytes,
        "status": "oom" if killed else outcome.status,
        "error": outcome.error,
    }
