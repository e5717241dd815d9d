"""Cut a job for keeps: the clips, and a manifest that tells what became of each."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from clipkit.ceiling.base import Ceiling
from clipkit.ceiling.process_tree import read_process
from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.hosts import Host
from clipkit.model.memory import ENGINE_BYTES
from clipkit.plan import modes
from clipkit.plan.auto import AUTO, SMART, encoded_for_auto
from clipkit.plan.clips import Job
from clipkit.plan.ladder import Ladder, Room, Rung, rungs, tasks_that_fit
from clipkit.plan.task import Task
from clipkit.plan.threads import with_threads
from clipkit.plan.together import in_groups
from clipkit.records.status import Status
from clipkit.settings import Settings, to_table
from clipkit.trial.execute import Run, cpus_for, execute, with_manners
from clipkit.trial.inside import Ready, too_large_a_reserve
from clipkit.trial.interrupts import only_the_first
from clipkit.trial.judge import judge_cut
from clipkit.trial.measure import ClipOutcome, Execution
from clipkit.trial.out_folder import Claim, claimed
from clipkit.trial.talk import Watch


@dataclass(frozen=True, slots=True)
class Order:
    """What to cut and how. `timeout_s` bounds the whole job. `overwrite`: another cut in the folder is replaced.
    `posters`: each clip gets its own."""

    job: Job
    settings: Settings
    build: FfmpegBuild
    host: Host
    reserve_bytes: int
    out_dir: Path
    timeout_s: float
    overwrite: bool = False
    posters: bool = False

    @property
    def frames_shown(self) -> int:
        """In all clips, were each right: what progress counts up to. Raises ClipRangeError."""
        job = self.job
        spans = (modes.frames_shown(job.upload, clip, self.settings) for clip in job.clips)
        return sum(span.frames for span in spans)


def cut_order(
    order: Order, ceiling: Ceiling, watch: Watch, ready: Ready | None = None
) -> dict[str, Any]:
    """Cut the job and write the manifest, which is returned; `status` tells how it went. `ready`: see
    `execute`.

    Some clips right: those, and the manifest. None right: no file at all, and what `overwrite` would have
    replaced is left. Raises CeilingError, ClipRangeError, FfmpegError, OutputError.
    """
    order = _with_threads(order)
    room = _room(order, ceiling)
    tasks = _tasks(order, room)
    with (
        claimed(order.out_dir, order.job.upload.path, order.overwrite) as claim,
        only_the_first() as no_more_interrupts,
    ):
        run = Run(
            out_dir=claim.target,
            concurrency=order.settings.concurrency,
            timeout_s=order.timeout_s,
            stop_on_failure=False,
            reserve_bytes=order.reserve_bytes,
            memory_budget_bytes=room.for_clips_bytes if room else None,
        )
        run = with_manners(run, modes.settings_followed(order.settings), order.host)
        execution = _settled(execute(tasks, run, ceiling, watch, ready, no_more_interrupts), claim)
        manifest = _manifest(order, ceiling, execution)
        if any(clip["status"] == "ok" for clip in manifest["clips"]):
            claim.settle(manifest)
    return manifest


def _settled(execution: Execution, claim: Claim) -> Execution:
    """With the clips' files where they will be, and not where they wait."""
    clips = [
        replace(
            clip,
            file=clip.file and claim.settled(clip.file),
            poster=clip.poster and claim.settled(clip.poster),
            argv=tuple(map(claim.settled, clip.argv)),
        )
        for clip in execution.clips
    ]
    return replace(execution, clips=tuple(clips))


def _with_threads(order: Order) -> Order:
    cpus = cpus_for(order.host, order.settings.used)
    return replace(order, settings=with_threads(order.settings, cpus, len(order.job.clips)))


def _room(order: Order, ceiling: Ceiling) -> Room | None:
    """What host, or a group around, leaves for clips beside reserve and engine; None: all that they need."""
    limit_bytes, others_bytes = order.host.memory_bytes, order.reserve_bytes + ENGINE_BYTES
    if ceiling.surrounding_bytes is not None:  # we are in there too
        us = read_process(os.getpid())
        limit_bytes, others_bytes = (
            ceiling.surrounding_bytes,
            others_bytes + (us.anon_bytes if us else 0),
        )
    if limit_bytes is None:
        return None
    if order.reserve_bytes >= limit_bytes:
        raise too_large_a_reserve(order.reserve_bytes, limit_bytes)
    return Room(limit_bytes, limit_bytes - others_bytes)


def _tasks(order: Order, room: Room | None) -> list[Task]:
    plan = modes.tasks_with_posters if order.posters else modes.tasks
    job, build = order.job, order.build
    if not modes.follows(order.settings, "lookahead"):
        steps = [Rung(order.settings)]
    else:
        steps = rungs(order.settings, os.cpu_count() or 1, job.upload.avc)

    @cache
    def whole() -> Ladder:
        """A head that is to go with a copy may need more memory than all of a clip that goes with nothing."""
        why = ["encoded whole, which needs less memory"]
        return [
            (rung, encoded_for_auto(job, rung.settings, build, order.posters, why))
            for rung in steps
        ]

    ladder = [(rung, plan(job, rung.settings, build)) for rung in steps]
    found = tasks_that_fit(ladder, room, whole if order.settings.mode in (AUTO, SMART) else None)
    if order.posters:  # which one process makes for one clip
        return found
    return in_groups(job, order.settings, build, found, room.for_clips_bytes if room else None)


def _manifest(order: Order, ceiling: Ceiling, execution: Execution) -> dict[str, Any]:
    status, error = judge_cut(execution)
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
        **execution.peaks(),
        "orchestrator_peak_rss_bytes": execution.orchestrator_peak_rss_bytes,
        "orchestrator_cpu_s": execution.orchestrator_cpu_s,
        "oom_kills": execution.usage.oom_kills,
        "confined": all(clip.confined for clip in execution.clips if clip.status == "ok"),
        "notes": _notes(execution) if status is Status.OK else [],
        "clips": [
            _clip_entry(order, outcome, error if status is Status.OOM else None)
            for outcome in execution.clips
        ],
    }


def _notes(execution: Execution) -> list[str]:
    found = [execution.broken] if execution.broken else []
    if kills := execution.usage.oom_kills:
        times = "once" if kills == 1 else f"{kills} times"
        found.append(
            f"memory ran out {times}: what was killed was cut again with less, see `changes`"
        )
    return found


def _clip_entry(order: Order, outcome: ClipOutcome, ran_out: str | None) -> dict[str, Any]:
    """`ran_out`: that memory ran out, in words."""
    clip = order.job.clips[outcome.number - 1]
    shown = modes.frames_shown(order.job.upload, clip, order.settings)
    mode = outcome.mode or order.settings.mode
    hidden = modes.hidden_in(order.job.upload, clip, mode)
    right = outcome.status == "ok"
    killed = outcome.status == "killed" and ran_out is not None
    return {
        "file": outcome.file,
        "poster": outcome.poster,
        "start_s": clip.start_s,
        "duration_s": clip.duration_s,
        "mode": mode,
        "cut_with": [f"clip-{number:03d}.mp4" for number in outcome.cut_with],
        "changes": [outcome.change] if outcome.change else [],
        "hidden_preroll_s": hidden.preroll_s,
        "hidden_preroll_bytes": outcome.hidden_preroll_bytes,
        "hidden_tail_s": hidden.tail_s,
        "hidden_tail_bytes": outcome.hidden_tail_bytes,
        "first_pts_s": shown.first_s if right else None,
        "last_pts_s": shown.last_s if right else None,
        "frames": outcome.frames,
        "encoded_frames": outcome.encoded_frames if right else None,
        "bytes": outcome.bytes,
        "argv": list(outcome.argv),
        "by_engine": outcome.by_engine,
        "wall_s": outcome.wall_s,
        "cpu_s": outcome.cpu_s,
        "peak_rss_bytes": outcome.peak_rss_bytes,
        "status": "oom" if killed else outcome.status,
        "error": ran_out if killed else outcome.error,
    }
