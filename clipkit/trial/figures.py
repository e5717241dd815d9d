"""From what was measured of a run to columns of its record and of its clips' rows. Pure, stdlib only."""

from __future__ import annotations

from typing import Any

from clipkit.trial.coverage import SAMPLED
from clipkit.trial.measure import ClipOutcome, Execution
from clipkit.trial.sampler import peak, swap_growth


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
        "supplied_cores": execution.supply.cores,
        "supplied_cores_end": execution.supply.cores_end,
        "swap_growth_bytes": swap_growth(execution.samples),
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


def way_columns(execution: Execution, planned_mode: str | None) -> dict[str, Any]:
    """In which mode each clip was cut in the end, and what was encoded for it: where clipkit planned it.
    `planned_mode`: the one that it was planned in; None: it was not."""
    clips = execution.clips
    if planned_mode is None or not clips:
        return {}
    encoded = [clip.encoded_frames for clip in clips]
    known = [frames for frames in encoded if frames is not None]
    return {
        "clip_modes": ",".join(clip.mode or planned_mode for clip in clips),
        "encoded_frames": sum(known) if len(known) == len(encoded) else None,
    }


def clip_columns(outcome: ClipOutcome, planned_mode: str | None) -> dict[str, Any]:
    """What came of a clip, as `clips.jsonl` holds it."""
    return {
        "status": outcome.status,
        "error": outcome.error,
        "change": outcome.change,
        "wall_s": outcome.wall_s,
        "cpu_s": outcome.cpu_s,
        "peak_rss_bytes": outcome.peak_rss_bytes,
        "frames_kept": outcome.frames,
        "encoded_frames": outcome.encoded_frames,
        "mode": None if planned_mode is None else outcome.mode or planned_mode,
        "bytes": outcome.bytes,
        "argv": list(outcome.argv),
        "by_engine": outcome.by_engine,
    }
