"""One trial: a job cut once by one subject with one settings on one host; what it measured."""

from __future__ import annotations

import dataclasses
import datetime
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from clipkit.ceiling.base import Ceiling, Limits
from clipkit.plan.subject import Serves
from clipkit.records.disturbance import disturbance
from clipkit.records.outcome import CLIPS_PREFIX, Outcome
from clipkit.records.record import Record
from clipkit.records.served import Served
from clipkit.records.status import Status
from clipkit.trial import machine
from clipkit.trial.asked import Trial
from clipkit.trial.canary import canary_s
from clipkit.trial.drive import Drive, drive
from clipkit.trial.execute import Run, execute, with_manners
from clipkit.trial.figures import measured_columns, way_columns
from clipkit.trial.judge import judge_execution, machine_failure
from clipkit.trial.measure import Execution
from clipkit.trial.recorded import (
    clip_rows,
    identity_columns,
    job_columns,
    planned_mode,
    served_of,
)
from clipkit.trial.sampler import growth
from clipkit.trial.talk import Watch
from clipkit.trial.unchanged import change_since, held_before


def run_trial(
    trial: Trial, open_ceiling: Callable[[Limits], Ceiling], folder: Path, watch: Watch
) -> Outcome:
    """Run it inside a fresh ceiling; its clips lie below `folder` meanwhile, and are removed.

    An interrupt ends it with the status `cancelled`, unless memory had run out before; it is `interrupted` in either case. Raises CeilingError where no ceiling stands,
    OutputError where the folder cannot be written, UploadError and FfmpegError where the upload is
    gone or another one (`trial.unchanged`), or the build is gone.
    """
    held = held_before(trial.job.upload, trial.build)
    out_dir = folder / f"{CLIPS_PREFIX}{trial.identity.run_id}"
    cut = _way_to_cut(trial, out_dir, watch)
    cached_fraction = machine.warm(trial.job.upload.path)
    started_utc, canary_before_s = _now(), canary_s()
    ceiling = open_ceiling(Limits.of(trial.host))
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
    status, error = judge_execution(
        execution, None if trial.accept_noise else disturbed, machine_failure(execution)
    )
    change = change_since(held, trial.job.upload, trial.build)
    if change and status is not Status.CANCELLED:
        status, error = Status.INVALID_MACHINE, change.words
    record = Record(
        **identity_columns(trial),
        **job_columns(trial),
        **measured_columns(execution),
        **way_columns(execution, planned_mode(trial)),
        **dataclasses.asdict(held.footing),
        ffmpeg_sha256=held.ffmpeg_sha256,
        enforced_memory_bytes=ceiling.enforced.memory_bytes,
        enforced_cpus=ceiling.enforced.cpus,
        status=status,
        error=error,
        ceiling=str(ceiling.mechanism),
        started_utc=started_utc,
        upload_cached_fraction=cached_fraction,
        served=served_of(trial.subject, execution.served),
        **dataclasses.asdict(noise),
    )
    clips = clip_rows(trial, execution)
    stop = change.stop if change else _full_words(execution, folder)
    return Outcome(
        record, clips, execution.samples, execution.logs, stop, interrupted=execution.cancelled
    )


def _full_words(execution: Execution, folder: Path) -> str | None:
    if not any(clip.no_space for clip in execution.clips):
        return None
    return f"no space is left in {folder}, where clips are written: make room and start it again"


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
    run = with_manners(run, subject.used(trial.settings), trial.host)
    return lambda ceiling: execute(tasks, run, ceiling, watch)


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")


def inferred(trial: Trial, because: Record) -> Outcome:
    """The record of a trial that was not run: it needs as much memory as that of `because`, on the machine of that one."""
    error = f"not run: {because.cell} needs no more memory and ran out ({because.run_id})"
    told = unmeasured_outcome(trial, Status.OOM_INFERRED, error, because.ceiling)
    return replace(told, record=replace(told.record, host_id=because.host_id))


def unmeasured_outcome(trial: Trial, status: Status, error: str, ceiling: str) -> Outcome:
    """The record of a trial of which nothing is known but how it ended."""
    record = Record(
        **identity_columns(trial),
        **job_columns(trial),
        clip_wall_s=(),
        clip_cpu_s=(),
        status=status,
        error=error,
        ceiling=ceiling,
        started_utc=_now(),
        served=served_of(trial.subject, Served()),
    )
    return Outcome(record, [], [], {})
