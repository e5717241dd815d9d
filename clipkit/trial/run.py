"""One trial: a job cut once by one subject with one settings on one host; what it measured."""

from __future__ import annotations

import dataclasses
import datetime
import os
import secrets
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from clipkit import __version__
from clipkit.ceiling.base import Ceiling, Limits
from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.hosts import Host
from clipkit.plan.clips import Job
from clipkit.plan.subjects import Cuts
from clipkit.records.disturbance import disturbance
from clipkit.records.outcome import CLIPS_PREFIX, Outcome
from clipkit.records.record import Record
from clipkit.records.status import Status
from clipkit.settings import Settings
from clipkit.trial import machine
from clipkit.trial.canary import canary_s
from clipkit.trial.execute import Run, execute
from clipkit.trial.measure import Execution
from clipkit.trial.sampler import growth, peak
from clipkit.trial.talk import Watch


@dataclass(frozen=True, slots=True)
class Identity:
    """Which trial of which campaign this is."""

    campaign: str
    cell: str
    block: int
    order: int
    attempt: int
    phase: str
    token: str = field(default_factory=lambda: secrets.token_hex(3))
    """So that no two attempts have one name, also in campaigns of several machines."""

    @property
    def run_id(self) -> str:
        return f"{self.order:04d}-{self.cell}-b{self.block}-a{self.attempt}-{self.token}"


@dataclass(frozen=True, slots=True)
class Trial:
    """All that decides one trial. `host` is what it is held to. With `accept_noise` it counts also where
    others disturbed it, which its record tells all the same."""

    identity: Identity
    job: Job
    subject: Cuts
    settings: Settings
    build: FfmpegBuild
    host: Host
    reserve_bytes: int
    timeout_s: float
    accept_noise: bool = False


def limits(host: Host) -> Limits:
    return Limits(host.memory_bytes, host.cpus, host.swap_bytes)


def run_trial(
    trial: Trial, open_ceiling: Callable[[Limits], Ceiling], folder: Path, watch: Watch
) -> Outcome:
    """Run it inside a fresh ceiling; its clips lie below `folder` meanwhile, and are removed.

    An interrupt ends it with the status `cancelled`. Raises CeilingError where no ceiling stands,
    OutputError where the folder cannot be written.
    """
    tasks = trial.subject.tasks(trial.job, trial.settings, trial.build)
    cached_fraction = machine.warm(trial.job.upload.path)
    out_dir = folder / f"{CLIPS_PREFIX}{trial.identity.run_id}"
    run = Run(
        out_dir=out_dir,
        concurrency=trial.settings.concurrency,
        timeout_s=trial.timeout_s,
        stop_on_failure=True,
        reserve_bytes=trial.reserve_bytes,
    )
    started_utc, canary_before_s = _now(), canary_s()
    ceiling = open_ceiling(limits(trial.host))
    try:
        used_s, before = ceiling.usage().cpu_s, machine.read_machine()
        execution = execute(tasks, run, ceiling, watch)
        # With what the reserve took, which is no part of the job and none of the others either.
        inside_s = growth(used_s, execution.usage.cpu_s)
        noise = machine.between(before, machine.read_machine(), inside_s)
    finally:
        ceiling.close()
        shutil.rmtree(out_dir, ignore_errors=True)
    noise = replace(noise, canary_before_s=canary_before_s, canary_after_s=canary_s())
    disturbed = disturbance(noise, trial.host.cpus, os.cpu_count() or 1)
    status, error = judge_execution(execution, None if trial.accept_noise else disturbed)
    record = Record(
        **_identity_columns(trial),
        **_job_columns(trial),
        **_measured_columns(execution),
        status=status,
        error=error,
        ceiling=str(ceiling.mechanism),
        started_utc=started_utc,
        upload_cached_fraction=cached_fraction,
        **dataclasses.asdict(noise),
    )
    return Outcome(record, _clip_rows(trial, execution), execution.samples, execution.logs)


def inferred(trial: Trial, because: Record) -> Outcome:
    """The record of a trial that was not run: it needs as much memory as that of `because`."""
    record = Record(
        **_identity_columns(trial),
        **_job_columns(trial),
        clip_wall_s=(),
        clip_cpu_s=(),
        status=Status.OOM_INFERRED,
        error=f"not run: {because.cell} needs no more memory and ran out ({because.run_id})",
        ceiling=because.ceiling,
        started_utc=_now(),
    )
    return Outcome(record, [], [], {})


def judge_execution(
    execution: Execution, disturbed: str | None = None
) -> tuple[Status, str | None]:
    """How the run ended, and why in words. `disturbed`: what others did to it, if they did
    (`records.disturbance`); they make a job slow, so a time limit that struck then says nothing.

    Out of memory is told by the kernel's own count of kills, not by a peak at the limit: page
    cache fills a group to its limit in every long run.
    """
    wrong = [clip for clip in execution.clips if clip.status not in {"ok", "cancelled"}]
    if execution.cancelled:
        return Status.CANCELLED, "interrupted"
    if execution.usage.oom_kills:
        return Status.OOM, "the kernel killed a process at the memory ceiling"
    if any(clip.status == "timeout" for clip in wrong):
        if disturbed:
            return Status.INVALID_NOISE, f"the time limit struck while {disturbed}"
        return Status.TIMEOUT, "the time limit struck"
    if wrong:
        return Status.FAILED, f"clip {wrong[0].number}: {wrong[0].error}"
    if execution.wall_s is None:
        return Status.FAILED, "the engine ended without finishing the job"
    if disturbed:
        return Status.INVALID_NOISE, disturbed
    return Status.OK, None


def _identity_columns(trial: Trial) -> dict[str, Any]:
    identity = trial.identity
    return {
        "run_id": identity.run_id,
        "campaign": identity.campaign,
        "cell": identity.cell,
        "block": identity.block,
        "order": identity.order,
        "attempt": identity.attempt,
        "phase": identity.phase,
        "subject": trial.subject.name,
        "command": trial.subject.command,
        "host": trial.host.name,
        "memory_limit_bytes": trial.host.memory_bytes,
        "cpu_quota": trial.host.cpus,
        "reserve_bytes": trial.reserve_bytes,
        "usd_per_month": trial.host.usd_per_month,
        "settings": trial.subject.used(trial.settings),
        **dataclasses.asdict(trial.subject.encoding(trial.settings)),
        "clipkit_version": __version__,
        "ffmpeg_version": trial.build.version,
        "host_id": machine.host_id(),
    }


def _job_columns(trial: Trial) -> dict[str, Any]:
    upload, clips = trial.job.upload, trial.job.clips
    return {
        "upload_sha256": upload.sha256,
        "width": upload.width,
        "height": upload.height,
        "fps": upload.fps,
        "codec": upload.codec,
        "bit_depth": upload.bit_depth,
        "gop_s": upload.gop_s,
        "upload_s": upload.duration_s,
        "clips": len(clips),
        "clip_s": sum(clip.duration_s for clip in clips) / len(clips),
        "clips_seed": trial.job.seed,
        "clip_starts_s": tuple(clip.start_s for clip in clips),
    }


def _measured_columns(execution: Execution) -> dict[str, Any]:
    clips, wall_s = execution.clips, execution.wall_s
    finished = [clip for clip in clips if clip.status == "ok"]
    return {
        "clip_wall_s": tuple(clip.wall_s for clip in clips),
        "clip_cpu_s": tuple(clip.cpu_s for clip in clips),
        "wall_s": wall_s,
        "first_clip_s": execution.first_clip_s,
        "orchestrator_cpu_s": execution.orchestrator_cpu_s,
        "ffmpeg_cpu_s": execution.ffmpeg_cpu_s,
        "throttled_s": execution.held_s,
        "clips_per_min": len(finished) / wall_s * 60 if wall_s else None,
        **peaks(execution),
        "peak_rss_sum_bytes": peak(execution.samples, "rss_sum_bytes"),
        "peak_pss_sum_bytes": peak(execution.samples, "pss_sum_bytes"),
        "orchestrator_peak_rss_bytes": execution.orchestrator_peak_rss_bytes,
        "ffmpeg_peak_rss_bytes": max((clip.peak_rss_bytes for clip in clips), default=None),
        "oom_kills": execution.usage.oom_kills,
        "output_bytes": sum(clip.bytes or 0 for clip in finished) if finished else None,
    }


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")


def peaks(execution: Execution) -> dict[str, int | None]:
    """The peaks of memory inside the ceiling, in bytes, by column name."""
    return {
        "peak_anon_bytes": peak(execution.samples, "anon_bytes"),
        "peak_shmem_bytes": peak(execution.samples, "shmem_bytes"),
        "peak_kernel_bytes": peak(execution.samples, "kernel_bytes"),
        "peak_cache_bytes": peak(execution.samples, "cache_bytes"),
        "peak_cgroup_bytes": execution.usage.peak_total_bytes,
        "peak_bound_bytes": execution.need_bound_bytes,
    }


def _clip_rows(trial: Trial, execution: Execution) -> list[dict[str, Any]]:
    """One flat object a clip: a line of `clips.jsonl`."""
    job, settings = trial.job, trial.settings
    return [
        {
            "run_id": trial.identity.run_id,
            "number": outcome.number,
            "start_s": (clip := job.clips[outcome.number - 1]).start_s,
            "duration_s": clip.duration_s,
            "status": outcome.status,
            "error": outcome.error,
            "change": outcome.change,
            "wall_s": outcome.wall_s,
            "cpu_s": outcome.cpu_s,
            "peak_rss_bytes": outcome.peak_rss_bytes,
            "frames_decoded": trial.subject.frames_decoded(job, clip, settings),
            "frames_kept": outcome.frames,
            "bytes": outcome.bytes,
            "argv": list(outcome.argv),
        }
        for outcome in execution.clips
    ]
