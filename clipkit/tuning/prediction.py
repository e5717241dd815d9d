"""What the winner's job is expected to take on the host before it is confirmed, and how sure that is. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, variance

from scipy import stats

from clipkit.analysis.statistics import Estimate
from clipkit.campaign.strategy import Cell
from clipkit.model.cpu import ENCODED_FRAME
from clipkit.records.noise import Noise
from clipkit.records.record import Record
from clipkit.records.status import is_finished
from clipkit.tuning.question import Question
from clipkit.tuning.screening import Results, Screening
from clipkit.tuning.whole_clips import whole_clips

_SURE = 0.9
_USUAL_SPREAD = 0.2
"""By how much clips of one film differ where no run says it (a standard deviation of logarithms): a guess
on the wide side."""
_DRIFT = 0.6
"""What the machine's speed drifts between screening and confirming, in deviations of a repeat: on 0.5 CPU
runs within 45 s differ by 0.083, beyond 5 minutes by 0.134 (quick-wins campaign)."""


def predict(question: Question, screening: Screening, results: Results) -> Estimate | None:
    """Wall seconds of the whole job, with the interval in which the mean of the confirming runs lies
    nine times in ten. None where nothing is recommended."""
    best, noise = screening.best, screening.noise
    if best is None or noise is None:
        return None
    rounds = [
        (cell, record)
        for cell, record in results
        if cell.phase == "screen" and cell.subject.tunable and is_finished(record)
    ]
    confirms = [
        cell
        for cell, record in results
        if cell.phase == "confirm" and cell.subject.tunable and is_finished(record)
        if cell.settings == best.settings
    ]
    short = [cell for cell, _ in rounds]
    repeats = best.error**2 + 1 / max(1, len(confirms)) + _DRIFT**2
    unlike = _unlike(question, short) + _unlike(question, confirms or short)
    spread = _spread([record for cell, record in rounds if cell.settings.concurrency == 1])
    longer = _longer_log_sd(question, results)
    elsewhere = question.host.as_measured_log_sd or 0.0  # how well its core is known beside ours
    squares = noise.log_sd**2 * repeats + spread**2 * unlike + longer**2 + elsewhere**2
    half = _quantile(noise) * math.sqrt(squares)
    value = screening.predicted_wall_s
    return Estimate(value, value / math.exp(half), value * math.exp(half), len(rounds))


def _longer_log_sd(question: Question, results: Results) -> float:
    """How well it is known by how much whole clips take longer than short ones, on logarithms: what an
    encoded frame costs is right within a factor of two (taken for nine times in ten)."""
    less, more = (whole_clips(question, results, factor * ENCODED_FRAME) for factor in (0.5, 2.0))
    apart = [more[upload] - less[upload] for upload in more]
    return fmean(apart) / 2 / float(stats.norm.ppf((1 + _SURE) / 2)) if apart else 0.0


def _unlike(question: Question, cells: Sequence[Cell]) -> float:
    """The variance of the mean over the clips, or their parts, that were run about the mean of the job's,
    where clips differ by 1: less, the more of the job's seconds were run (finite population)."""
    seen: dict[tuple[str, float], float] = {}
    for cell in cells:
        for clip in cell.job.clips:
            name = (cell.job.upload.sha256, clip.start_s)
            seen[name] = max(clip.duration_s, seen.get(name, 0.0))
    whole_s = sum(clip.duration_s for job in question.jobs for clip in job.clips)
    return max(0.0, 1 - sum(seen.values()) / whole_s) / len(seen)


def _spread(records: Sequence[Record]) -> float:
    """How much clips of the film differ, by trials that ran several one at a time."""
    squares = [
        variance(map(math.log, record.clip_wall_s))
        for record in records
        if len(record.clip_wall_s) > 1 and min(record.clip_wall_s) > 0
    ]
    return math.sqrt(fmean(squares)) if squares else _USUAL_SPREAD


def _quantile(noise: Noise) -> float:
    return float(stats.t.ppf((1 + _SURE) / 2, max(1, noise.freedom)))
