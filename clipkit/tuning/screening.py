"""What screening says of each candidate: predicted time on the host, memory, ties. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from clipkit.analysis.statistics import geometric_mean, pooled_log_sd, t_quantile
from clipkit.campaign.strategy import Cell
from clipkit.hosts import Host
from clipkit.settings import Settings
from clipkit.trial.record import Record, Status
from clipkit.tuning.candidates import USABLE_FRACTION, available_bytes
from clipkit.tuning.question import Question

# Slower than the best by more than this after one run, and a repeat will not turn it round.
_HOPELESS = 1.25
# What repeats of the same cell differ by where nothing was repeated yet (log scale).
_UNKNOWN_NOISE = 0.04


@dataclass(frozen=True, slots=True)
class Screened:
    """A candidate after screening. `predicted_wall_s` is for the whole job on the host asked for;
    None where it failed. `tied`: within the noise of the best. `fits`: peak memory leaves a margin."""

    settings: Settings
    status: Status
    predicted_wall_s: float
    cpu_s: float
    peak_bytes: int | None
    runs: int
    tied: bool
    contends: bool
    fits: bool


def predict_wall_s(record: Record, host: Host) -> float:
    """Wall time of the record's job under the host's CPU quota, in seconds.

    Under a quota a job can be no faster than its CPU seconds allow; where it was measured under
    that quota already, the measurement stands.
    """
    wall_s = record.wall_s or math.inf
    if host.cpus is None or record.cpu_quota == host.cpus:
        return wall_s
    return max(wall_s, cpu_s(record) / host.cpus)


def cpu_s(record: Record) -> float:
    return (record.ffmpeg_cpu_s or 0.0) + (record.orchestrator_cpu_s or 0.0)


def peak_need_bytes(record: Record) -> int | None:
    """What the kernel cannot drop: anonymous, shared and its own memory, at their peaks."""
    if record.peak_anon_bytes is None:
        return None
    return record.peak_anon_bytes + (record.peak_shmem_bytes or 0) + (record.peak_kernel_bytes or 0)


def score(question: Question, results: Sequence[tuple[Cell, Record]]) -> list[Screened]:
    """Every candidate, best first; the failed ones last."""
    runs: dict[Settings, list[Record]] = {settings: [] for settings in question.candidates}
    for cell, record in results:
        if cell.phase == "screen":
            runs[cell.settings].append(record)
    times = {
        settings: _per_clip_s(records, question.host)
        for settings, records in runs.items()
        if records and all(record.status is Status.OK for record in records)
    }
    middles = {settings: geometric_mean(values).value for settings, values in times.items()}
    best_s = min(middles.values(), default=math.inf)
    entries = [
        _entry(question, settings, records, middles.get(settings, math.inf))
        for settings, records in runs.items()
        if records
    ]
    margins = _tie_margins(times)
    return sorted(
        (
            _marked(entry, middles.get(entry.settings, math.inf) / best_s, margins)
            for entry in entries
        ),
        key=lambda entry: entry.predicted_wall_s,
    )


def repeat_noise(
    question: Question, results: Sequence[tuple[Cell, Record]]
) -> tuple[float, int] | None:
    """By how much repeats of the same settings differ, on logarithms, and the degrees of freedom;
    None where nothing was repeated."""
    runs: dict[Settings, list[Record]] = {}
    for cell, record in results:
        if cell.phase == "screen" and record.status is Status.OK:
            runs.setdefault(cell.settings, []).append(record)
    return pooled_log_sd([_per_clip_s(r, question.host) for r in runs.values() if len(r) > 1])


def best_of(screened: Sequence[Screened]) -> Settings | None:
    """Of those that tie with the fastest that fits, the one with the most headroom."""
    fitting = [entry for entry in screened if entry.fits and entry.status is Status.OK]
    if not fitting:
        return None
    fastest = fitting[0]
    ties = [entry for entry in fitting if entry.tied] or [fastest]
    return min(ties, key=lambda entry: (entry.peak_bytes or 0, entry.predicted_wall_s)).settings


def _per_clip_s(records: Sequence[Record], host: Host) -> list[float]:
    return [predict_wall_s(record, host) / record.clips for record in records]


def _entry(
    question: Question, settings: Settings, records: Sequence[Record], per_clip_s: float
) -> Screened:
    failed = [record.status for record in records if record.status is not Status.OK]
    needs = [need for record in records if (need := peak_need_bytes(record)) is not None]
    peak_bytes = max(needs, default=None)
    room = available_bytes(question.host, question.reserve_bytes)
    clips = question.clips * len(question.jobs)
    per_clip_cpu_s = sum(map(cpu_s, records)) / sum(record.clips for record in records)
    return Screened(
        settings=settings,
        status=failed[0] if failed else Status.OK,
        predicted_wall_s=per_clip_s * clips,
        cpu_s=per_clip_cpu_s * clips,
        peak_bytes=peak_bytes,
        runs=len(records),
        tied=False,
        contends=False,
        fits=room is None or peak_bytes is None or peak_bytes <= USABLE_FRACTION * room,
    )


def _tie_margins(times: dict[Settings, list[float]]) -> dict[Settings, float]:
    """By how much each candidate may be slower than the best and still not be told from it.

    The half width of the 95 % interval of a difference of two means, on logarithms, with the noise
    pooled over all candidates' repeats.
    """
    pooled = pooled_log_sd([values for values in times.values() if len(values) > 1])
    noise, freedom = pooled if pooled else (_UNKNOWN_NOISE, 10)
    best = min(times, key=lambda s: geometric_mean(times[s]).value, default=None)
    if best is None:
        return {}
    return {
        settings: t_quantile(freedom + 1)
        * noise
        * math.sqrt(1 / len(values) + 1 / len(times[best]))
        for settings, values in times.items()
    }


def _marked(entry: Screened, slower: float, margins: dict[Settings, float]) -> Screened:
    ok = entry.status is Status.OK
    margin = math.exp(margins.get(entry.settings, 0.0))
    return replace(entry, tied=ok and slower <= margin, contends=ok and slower <= _HOPELESS)
