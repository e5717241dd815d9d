"""How an execution ended, as a status and in words. Pure."""

from __future__ import annotations

from dataclasses import replace

from clipkit import format as fmt
from clipkit.records.status import Status
from clipkit.trial.blame import at_the_ceiling
from clipkit.trial.coverage import lacking_words
from clipkit.trial.measure import Execution


def judge_execution(
    execution: Execution, disturbed: str | None = None, broken: str | None = None
) -> tuple[Status, str | None]:
    """How the run ended, and why in words. `disturbed`: what others did to it, if they did
    (`records.disturbance`); they make a job slow, so a time limit that struck then says nothing.
    `broken`: what of the machine or the harness failed (`machine_failure`).

    Out of memory is told by the kernel's own count of kills, not by a peak at the limit: page
    cache fills a group to its limit in every long run. An interrupt that follows takes nothing of it back: it may
    be the same want of memory that ends the harness too (systemd's OOMPolicy=stop). It is told apart
    (`Execution.cancelled`): whoever interrupted wants no other trial either.
    """
    wrong = [clip for clip in execution.clips if clip.status not in {"ok", "cancelled"}]
    if execution.usage.oom_kills:
        return Status.OOM, _ran_out_words(execution)
    if execution.cancelled:
        return Status.CANCELLED, "interrupted"
    if broken:
        return Status.INVALID_MACHINE, broken
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


def judge_cut(execution: Execution) -> tuple[Status, str | None]:
    """The same of clips for keeps: a kill is no failure there where what it hit was made all the same, or could be were
    it not interrupted."""
    if execution.clips and all(clip.status == "ok" for clip in execution.clips):
        return Status.OK, None
    if execution.cancelled or not any(clip.status == "killed" for clip in execution.clips):
        execution = replace(execution, usage=replace(execution.usage, oom_kills=0))
    return judge_execution(execution)


def _ran_out_words(execution: Execution) -> str:
    if execution.surrounding_bytes is None:
        return f"{at_the_ceiling(execution.mechanism)} killed a process at the memory ceiling"
    limit = fmt.size(execution.surrounding_bytes)
    return f"memory ran out in the surrounding group (limit {limit}): a process was killed"


def machine_failure(execution: Execution) -> str | None:
    """What of the machine or the harness failed, so that the run tells nothing of what was run, in words;
    None: nothing. Of a kill it is nothing where the kernel ran out of memory, which is asked first."""
    if full := next((clip for clip in execution.clips if clip.no_space), None):
        return f"clip {full.number}: {full.error}"
    if execution.broken:
        return execution.broken
    if killed := next((clip for clip in execution.clips if clip.status == "killed"), None):
        return f"clip {killed.number}: {killed.error}"
    return lacking_words(execution.coverage, execution.need_bound_bytes is not None)
