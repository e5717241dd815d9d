"""From a trial and what came of it to the columns of its record and the rows of its clips. Pure."""

from __future__ import annotations

import dataclasses
from dataclasses import replace
from typing import Any

from clipkit import __version__
from clipkit.plan.subject import Cuts, Serves
from clipkit.plan.subjects import ENGINE
from clipkit.records.served import Served
from clipkit.trial import machine
from clipkit.trial.asked import Trial
from clipkit.trial.figures import clip_columns
from clipkit.trial.measure import Execution


def identity_columns(trial: Trial) -> dict[str, Any]:
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
        "timeout_s": trial.timeout_s,
        "settings": trial.subject.used(trial.settings),
        **dataclasses.asdict(trial.subject.encoding(trial.settings)),
        "clipkit_version": __version__,
        "ffmpeg_version": trial.build.version,
        "host_id": machine.host_id(),
    }


def served_of(subject: Cuts | Serves, figures: Served) -> Served:
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


def job_columns(trial: Trial) -> dict[str, Any]:
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


def clip_rows(trial: Trial, execution: Execution) -> list[dict[str, Any]]:
    """One flat object a clip: a line of `clips.jsonl`."""
    known = clip_identities(trial)
    return [
        {
            "run_id": trial.identity.run_id,
            **known[outcome.number - 1],
            **clip_columns(outcome, planned_mode(trial)),
        }
        for outcome in execution.clips
    ]


def planned_mode(trial: Trial) -> str | None:
    """In which mode clipkit planned its clips; None: another one cuts them."""
    return trial.settings.mode if trial.subject.name == ENGINE else None


def clip_identities(trial: Trial) -> list[dict[str, Any]]:
    """What is known of each clip before it is cut."""
    job, settings = trial.job, trial.settings
    return [
        {
            "number": number,
            "start_s": clip.start_s,
            "duration_s": clip.duration_s,
            "frames_decoded": trial.subject.frames_decoded(job, clip, settings),
        }
        for number, clip in enumerate(job.clips, start=1)
    ]
