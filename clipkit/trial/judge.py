"""How an execution ended, as a status and in words. Pure."""

from __future__ import annotations

from clipkit.records.status import Status
from clipkit.trial.measure import Execution


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
        return Status.FAILED, "the orchestrator ended without finishing the job"
    if disturbed:
        return Status.INVALID_NOISE, disturbed
    return Status.OK, None
