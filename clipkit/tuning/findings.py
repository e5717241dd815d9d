"""From a finished tuning's trials to figures: times of the whole job, intervals, peaks. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from clipkit.analysis.statistics import (
    Estimate,
    log_spread,
    mean,
    paired_ratio,
    pooled_log_sd,
    quotient,
    total,
    total_by_ratio,
    with_noise,
)
from clipkit.campaign.strategy import Cell
from clipkit.plan.clips import Clip, Job
from clipkit.plan.subjects import Subject
from clipkit.settings import Settings
from clipkit.trial.record import Record, Status
from clipkit.tuning.question import Question
from clipkit.tuning.screening import Screened, cpu_s, repeat_noise

Results = Sequence[tuple[Cell, Record]]

# How much single clips differ where only one was run: a guess on the wide side, with few degrees of
# freedom, so that the interval says how little is known.
_UNKNOWN_SPREAD = (0.15, 4)


@dataclass(frozen=True, slots=True)
class Timed:
    """One subject under the full ceiling. `wall` is the whole job's time; None: it did not finish.

    `clips_run` counts the clips that were really run, each once.
    """

    subject: Subject
    status: Status
    error: str | None
    wall: Estimate | None
    cpu_s: float | None
    peak_anon_bytes: int | None
    clips_run: int
    pairs: int
    speedup: Estimate | None


@dataclass(frozen=True, slots=True)
class Findings:
    """Everything that the recommendation's figures and sentences are made of."""

    question: Question
    winner: Screened
    confirmed: Timed
    baselines: tuple[Timed, ...]
    screened: tuple[Screened, ...]
    results: Results

    @property
    def clips_asked(self) -> int:
        return self.question.clips * len(self.question.jobs)

    def baseline(self, name: str) -> Timed | None:
        return next((b for b in self.baselines if b.subject.name == name), None)


def gather(
    question: Question, screened: Sequence[Screened], winner: Settings, results: Results
) -> Findings:
    """Figures for the winner and each baseline from all trials under the full ceiling."""
    known = _Known(question, repeat_noise(question, results) or _UNKNOWN_SPREAD)
    engine_runs = _of(results, Subject(), {"confirm"}, winner)
    confirmed = _timed(known, Subject(), engine_runs)
    baselines = []
    for subject in question.baselines:
        timed = _timed(known, subject, _of(results, subject, {"baseline", "confirm"}))
        rivals = _of(results, subject, {"confirm"})
        speedup = _paired_speedup(rivals, engine_runs) or _unpaired_speedup(timed, confirmed)
        baselines.append(replace(timed, speedup=speedup))
    return Findings(
        question=question,
        winner=next(entry for entry in screened if entry.settings == winner),
        confirmed=confirmed,
        baselines=tuple(baselines),
        screened=tuple(screened),
        results=results,
    )


def _paired_speedup(baseline: Results, winner: Results) -> Estimate | None:
    """Pair by pair, where at least two pairs were run to their end."""
    ours, theirs = _pair_clip_s(winner), _pair_clip_s(baseline)
    both = sorted(ours.keys() & theirs.keys())
    if len(both) < 2:
        return None
    return paired_ratio([theirs[block] for block in both], [ours[block] for block in both])


def _unpaired_speedup(baseline: Timed, winner: Timed) -> Estimate | None:
    if baseline.wall is None or winner.wall is None:
        return None
    return quotient(baseline.wall, winner.wall)


def _of(
    results: Results, subject: Subject, phases: set[str], settings: Settings | None = None
) -> list[tuple[Cell, Record]]:
    return [
        (cell, record)
        for cell, record in results
        if cell.subject == subject and cell.phase in phases
        if settings is None or cell.settings == settings
    ]


@dataclass(frozen=True, slots=True)
class _Known:
    """What every figure is reckoned with: `noise` is what repeats differ by (log scale, degrees of
    freedom)."""

    question: Question
    noise: tuple[float, int]


def _timed(known: _Known, subject: Subject, runs: Results) -> Timed:
    finished = [(cell, record) for cell, record in runs if record.status is Status.OK]
    failed = [record for _, record in runs if record.status is not Status.OK]
    pairs = {cell.block for cell, _ in finished if cell.phase == "confirm"}
    peaks = [record.peak_anon_bytes for _, record in finished if record.peak_anon_bytes is not None]
    return Timed(
        subject=subject,
        status=Status.OK if finished else failed[0].status if failed else Status.CANCELLED,
        error=None if finished else failed[0].error if failed else "not run: no time was left",
        wall=_whole_job(known, finished) if finished else None,
        cpu_s=_whole_cpu_s(known, finished) if finished else None,
        peak_anon_bytes=max(peaks, default=None),
        clips_run=_clips_run(finished),
        pairs=len(pairs),
        speedup=None,
    )


def _clips_run(runs: Results) -> int:
    return len({(record.upload_sha256, at) for _, record in runs for at in record.clip_starts_s})


def _whole_job(known: _Known, runs: Results) -> Estimate:
    """Time of the whole job: from the confirming pairs where there are any, else clip by clip."""
    confirming = [(cell, record) for cell, record in runs if cell.phase == "confirm"]
    if len({cell.block for cell, _ in confirming}) >= 2:
        return mean(list(_pair_clip_s(confirming).values())).times(known.question.clips)
    jobs = known.question.jobs
    return total([_by_clip(known, runs, job, lambda r: r.wall_s or 0.0) for job in jobs])


def _whole_cpu_s(known: _Known, runs: Results) -> float:
    return total([_by_clip(known, runs, job, cpu_s) for job in known.question.jobs]).value


def _pair_clip_s(runs: Results) -> dict[int, float]:
    """Block -> wall seconds a clip, summed over the uploads; only blocks that ended well."""
    blocks: dict[int, float] = {}
    for cell, record in runs:
        if record.status is Status.OK and record.wall_s:
            blocks[cell.block] = blocks.get(cell.block, 0.0) + record.wall_s / record.clips
    return blocks


def _by_clip(
    known: _Known, runs: Results, job: Job, measure: Callable[[Record], float]
) -> Estimate:
    """From the clips that were run to all, in proportion to the frames that each must decode."""
    own = [(c, r) for c, r in runs if r.upload_sha256 == job.upload.sha256]
    cell = own[0][0]
    grows = cell.subject.seek(cell.settings) == "output"

    def size(clip: Clip) -> float:
        decoded = cell.subject.frames_decoded(job, clip, cell.settings)
        return float(decoded or 1) if grows else 1.0

    estimate = total_by_ratio(
        [measure(record) for _, record in own],
        [sum(map(size, cell.job.clips)) for cell, _ in own],
        [size(clip) for clip in job.clips],
    )
    if estimate.interval is None:
        return log_spread(estimate, *_clip_spread(runs))
    return with_noise(estimate, *known.noise)


def _clip_spread(runs: Results) -> tuple[float, int]:
    """How much single clips of one run differ, on logarithms, and the degrees of freedom."""
    walls = [record.clip_wall_s for _, record in runs if len(record.clip_wall_s) > 1]
    return pooled_log_sd(walls) or _UNKNOWN_SPREAD
