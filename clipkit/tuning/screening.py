"""What screening says of each candidate: predicted time on the host, memory, ties. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from clipkit.analysis.statistics import geometric_mean, noise_of, pool
from clipkit.campaign.strategy import Cell
from clipkit.hosts import Host
from clipkit.records.best import leaves_margin, need_first
from clipkit.records.noise import Noise
from clipkit.records.record import Record
from clipkit.records.status import COUNTS, Status, is_finished, status_of_all
from clipkit.settings import Settings
from clipkit.tuning.candidates import available_bytes
from clipkit.tuning.question import Question

# Slower than the best by more than this after one run, and a repeat will not turn it round.
_HOPELESS = 1.25
# What repeats of the same cell differ by, as far as is known before: worth three repeats.
_USUAL_NOISE = Noise(0.04, 3)

Results = Sequence[tuple[Cell, Record]]
# Settings -> upload -> seconds a clip on the host, one for each round.
Times = dict[Settings, dict[str, list[float]]]


@dataclass(frozen=True, slots=True)
class Screened:
    """A candidate after screening. `predicted_wall_s` is for the whole job on the host asked for,
    infinite where it failed or was not measured. `fits`: its peak memory leaves a margin. `tied`: its time is within
    the noise of the best that fits. `contends`: a repeat may show it to be the best."""

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
    return max(wall_s, record.cpu_s / host.cpus)


def score(question: Question, results: Results) -> list[Screened]:
    """Every candidate that was run, best first, the failed ones last. One that failed later, when
    it was confirmed, has failed."""
    runs: dict[Settings, list[Record]] = {}
    for cell, record in results:
        if cell.phase == "screen" or (cell.phase == "confirm" and cell.subject.tunable):
            runs.setdefault(cell.settings, []).append(record)
    times, noise = _times(question, results)
    entries = [_entry(question, s, own, times.get(s, {})) for s, own in runs.items()]
    ok = [entry for entry in entries if entry.status is Status.OK]
    best = min((e for e in ok if e.fits), key=lambda e: e.predicted_wall_s, default=None)
    for place, entry in enumerate(entries):
        if best is not None and entry.status is Status.OK:
            error = math.hypot(_error(times[entry.settings]), _error(times[best.settings]))
            entries[place] = _marked(entry, best, noise.half_width * error)
    return sorted(entries, key=lambda entry: entry.predicted_wall_s)


def best_of(screened: Sequence[Screened]) -> Settings | None:
    """Of those that fit and tie with the fastest that fits, the one with the most headroom."""
    ties = [entry for entry in screened if entry.tied and entry.fits]
    return (
        min(ties, key=lambda e: need_first(e.peak_bytes, e.predicted_wall_s)).settings
        if ties
        else None
    )


def repeat_noise(question: Question, results: Results) -> Noise:
    """By how much repeats of the same settings differ."""
    return _times(question, results)[1]


def _times(question: Question, results: Results) -> tuple[Times, Noise]:
    """Each candidate's seconds a clip, and the noise in them.

    A round's clips may be harder than another's, or the machine slower while it ran; not every
    candidate is in every round. So what a round adds to all alike is taken out of it.
    """
    rounds: dict[tuple[str, int], dict[Settings, float]] = {}
    for cell, record in results:
        if cell.phase == "screen" and is_finished(record):
            walls = rounds.setdefault((record.upload_sha256, cell.block), {})
            walls[cell.settings] = predict_wall_s(record, question.host) / record.clips
    harder: dict[str, dict[int, float]] = {}
    for (upload, block), walls in rounds.items():
        first = rounds.get((upload, 0), {})
        logs = [math.log(wall_s / first[s]) for s, wall_s in walls.items() if s in first]
        harder.setdefault(upload, {})[block] = fmean(logs) if logs else 0.0
    times: Times = {}
    for (upload, block), walls in rounds.items():
        usual = fmean(harder[upload].values())
        for settings, wall_s in walls.items():
            own = times.setdefault(settings, {}).setdefault(upload, [])
            own.append(wall_s / math.exp(harder[upload][block] - usual))
    groups = [values for own in times.values() for values in own.values()]
    seen = noise_of(groups, fitted=len(rounds) - len(harder))
    return times, pool(_USUAL_NOISE, seen) if seen else _USUAL_NOISE


def _error(own: dict[str, list[float]]) -> float:
    """Standard error of a candidate's time, where a single measurement's is 1."""
    parts = [(geometric_mean(values).value, len(values)) for values in own.values()]
    return math.hypot(*(s / math.sqrt(n) for s, n in parts)) / sum(s for s, _ in parts)


def _entry(
    question: Question, settings: Settings, runs: Sequence[Record], times: dict[str, list[float]]
) -> Screened:
    end = status_of_all(record.status for record in runs) or Status.CANCELLED
    counted = [record for record in runs if record.status in COUNTS]
    needs = [need for record in counted if (need := record.peak_need_bytes) is not None]
    peak_bytes = max(needs, default=None)
    room = available_bytes(question.host, question.reserve_bytes)
    used: dict[str, list[float]] = {}
    for record in counted:
        used.setdefault(record.upload_sha256, []).append(record.cpu_s / record.clips)
    uploads = [job.upload.sha256 for job in question.jobs]
    whole = end is Status.OK and all(upload in times for upload in uploads)
    clip_s = sum(geometric_mean(times[upload]).value for upload in uploads) if whole else math.inf
    return Screened(
        settings=settings,
        status=end if end is not Status.OK or whole else _lacking(runs),
        predicted_wall_s=clip_s * question.clips,
        cpu_s=sum(fmean(used[upload]) for upload in uploads if upload in used) * question.clips,
        peak_bytes=peak_bytes,
        runs=len(runs),
        tied=False,
        contends=False,
        fits=leaves_margin(peak_bytes, room),
    )


def _marked(entry: Screened, best: Screened, margin: float) -> Screened:
    slower = math.log(entry.predicted_wall_s / best.predicted_wall_s)
    return replace(
        entry, tied=abs(slower) <= margin, contends=entry.fits and slower <= math.log(_HOPELESS)
    )


def _lacking(runs: Sequence[Record]) -> Status:
    """Of settings that ended well as far as they were measured, on some of the uploads."""
    disturbed = any(record.status is Status.INVALID_NOISE for record in runs)
    return Status.INVALID_NOISE if disturbed else Status.CANCELLED
