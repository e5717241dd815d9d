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
from clipkit.plan.subject import Cuts, Serves
from clipkit.records.disturbance import disturbance
from clipkit.records.outcome import CLIPS_PREFIX, Outcome
from clipkit.records.record import Record
from clipkit.records.served import Served
from clipkit.records.status import Status
from clipkit.settings import Settings
from clipkit.trial import machine
from clipkit.trial.canary import canary_s
from clipkit.trial.drive import Drive, drive
from clipkit.trial.execute import Run, execute
from clipkit.trial.judge import judge_execution
from clipkit.trial.measure import Execution
from clipkit.trial.sampler import growth, peak
from clipkit.trial.talk import Watch
from clipkit.trial.visit import Manner


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
    """All that decides one trial. `host` is what it is held to; `manner`: how a service is visited. With
    `accept_noise` it counts also where others disturbed it, which its record tells all the same."""

    identity: Identity
    job: Job
    subject: Cuts | Serves
    settings: Settings
    build: FfmpegBuild
    host: Host
    reserve_bytes: int
    timeout_s: float
    accept_noise: bool = False
    manner: Manner = field(default_factory=Manner)


def limits(host: Host) -> Limits:
    return Limits(host.memory_bytes, host.cpus, host.swap_bytes)


def run_trial(
    trial: Trial, open_ceiling: Callable[[Limits], Ceiling], folder: Path, watch: Watch
) -> Outcome:
    """Run it inside a fresh ceiling; its clips lie below `folder` meanwhile, and are removed.

    An interrupt ends it with the status `cancelled`. Raises CeilingError where no ceiling stands,
    OutputError where the folder cannot be written.
    """
    out_dir = folder / f"{CLIPS_PREFIX}{trial.identity.run_id}"
    cut = _way_to_cut(trial, out_dir, watch)
    cached_fraction = machine.warm(trial.job.upload.path)
    started_utc, canary_before_s = _now(), canary_s()
    ceiling = open_ceiling(limits(trial.host))
    try:
        used_s, before = ceiling.usage().cpu_s, machine.read_machine()
        execution = cut(ceiling)
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
        served=_served(trial.subject, execution.served),
        **dataclasses.asdict(noise),
    )
    return Outcome(record, _clip_rows(trial, execution), execution.samples, execution.logs)


def _way_to_cut(trial: Trial, out_dir: Path, watch: Watch) -> Callable[[Ceiling], Execution]:
    """Tasks for the engine, or a service that is driven."""
    subject = trial.subject
    if isinstance(subject, Serves):
        order = Drive(
            job=trial.job,
            service=subject.service(trial.settings, trial.build),
            ffmpeg=trial.build.path,
            out_dir=out_dir,
            timeout_s=trial.timeout_s,
            cpus=trial.host.cpus,
            manner=replace(trial.manner, at_once=trial.settings.concurrency),
        )
        return lambda ceiling: drive(order, ceiling, watch)
    tasks = subject.tasks(trial.job, trial.settings, trial.build)
    run = Run(
        out_dir=out_dir,
        concurrency=trial.settings.concurrency,
        timeout_s=trial.timeout_s,
        stop_on_failure=True,
        reserve_bytes=trial.reserve_bytes,
    )
    return lambda ceiling: execute(tasks, run, ceiling, watch)


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
        served=_served(trial.subject, Served()),
    )
    return Outcome(record, [], [], {})


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


def _served(subject: Cuts | Serves, figures: Served) -> Served:
    """The figures with whose they are; of another subject nothing."""
    if not isinstance(subject, Serves):
        return figures
    which = subject.which
    return replace(
        figures,
        service=which["service"],
        service_argv=which["service_argv"],
        service_environment=which.get("service_environment"),
        service_versions=subject.versions,
    )


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
        "clip_cpu_s": tuple(clip.cpu_s for clip in clips if clip.cpu_s is not None),
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
        "ffmpeg_peak_rss_bytes": max(
            (clip.peak_rss_bytes for clip in clips if clip.peak_rss_bytes is not None), default=None
        ),
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
