"""What the winner's job is expected to take on the host before it is confirmed, and how sure that is. Pure."""

from __future__ import annotations

import math
from statistics import fmean, stdev

from scipy import stats

from clipkit.analysis.statistics import Estimate
from clipkit.records.noise import Noise
from clipkit.records.record import Record
from clipkit.records.status import is_finished
from clipkit.tuning.question import Question
from clipkit.tuning.screening import Results, Screening

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
    firsts = [
        (cell.settings, record)
        for cell, record in results
        if cell.phase == "first" and is_finished(record)
    ]
    confirms = [
        record
        for cell, record in results
        if cell.phase == "confirm" and cell.subject.tunable and cell.settings == best.settings
    ]
    is_first = any(settings == best.settings for settings, _ in firsts)
    repeats = 1.0 if is_first else 1.0 + 2 * best.error**2
    repeats += 1 / max(1, len(confirms)) + _DRIFT**2
    spread = _spread([record for _, record in firsts])
    seen = sum(record.clips for _, record in firsts) or 1
    confirmed = sum(record.clips for record in confirms) or seen
    clips = question.clips * len(question.jobs)
    unlike = sum(max(0.0, 1 / n - 1 / clips) for n in (seen, confirmed))
    half = _quantile(noise) * math.sqrt(noise.log_sd**2 * repeats + spread**2 * unlike)
    value = screening.predicted_wall_s
    return Estimate(value, value / math.exp(half), value * math.exp(half), len(firsts))


def _spread(records: list[Record]) -> float:
    """How much whole clips of a film differ; the larger of what one run shows and half the guess, since two
    clips say little."""
    seen = [
        stdev(list(map(math.log, record.clip_wall_s)))
        for record in records
        if len(record.clip_wall_s) > 1 and min(record.clip_wall_s) > 0
    ]
    return max(fmean(seen), _USUAL_SPREAD / 2) if seen else _USUAL_SPREAD


def _quantile(noise: Noise) -> float:
    return float(stats.t.ppf((1 + _SURE) / 2, max(1, noise.freedom)))
