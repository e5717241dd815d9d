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
from clipkit.trial.coverage import SAMPLED
from clipkit.trial.measure import ClipOutcome, Execution
from clipkit.trial.sampler import peak


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


def measured_columns(execution: Execution) -> dict[str, Any]:
    """What was not watched is unknown."""
    known = _figures(execution)
    return known if execution.coverage.is_enough else known | dict.fromkeys(SAMPLED)


def _figures(execution: Execution) -> dict[str, Any]:
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
        **execution.peaks(),
        "peak_rss_sum_bytes": peak(execution.samples, "rss_sum_bytes"),
        "peak_pss_sum_bytes": peak(execution.samples, "pss_sum_bytes"),
        "orchestrator_peak_rss_bytes": execution.orchestrator_peak_rss_bytes,
        "ffmpeg_peak_rss_bytes": max(
            (clip.peak_rss_bytes for clip in clips if clip.peak_rss_bytes is not None), default=None
        ),
        "oom_kills": execution.usage.oom_kills,
        "output_bytes": sum(clip.bytes or 0 for clip in finished) if finished else None,
    }


def way_columns(trial: Trial, execution: Execution) -> dict[str, Any]:
    """In which mode each clip was cut in the end, and what was encoded for it: where clipkit planned it."""
    clips = execution.clips
    if trial.subject.name != ENGINE or not clips:
        return {}
    encoded = [clip.encoded_frames for clip in clips]
    known = [frames for frames in encoded if frames is not None]
    return {
        "clip_modes": ",".join(_mode(trial, clip) for clip in clips),
        "encoded_frames": sum(known) if len(known) == len(encoded) else None,
    }


def _mode(trial: Trial, clip: ClipOutcome) -> str:
    return clip.mode or trial.settings.mode


def clip_rows(trial: Trial, execution: Execution) -> list[dict[str, Any]]:
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
            "encoded_frames": outcome.encoded_frames,
            "mode": _mode(trial, outcome) if trial.subject.name == ENGINE else None,
            "bytes": outcome.bytes,
            "argv": list(outcome.argv),
        }
        for outcome in execution.clips
    ]
