"""Whether the machine gave less as the tuning went on, or swapped, and what the job takes then. Pure.

Hosts with credits are fast for minutes and slow afterwards; small ones hang rather than die when they swap. A
user who cuts all day has the slow figure.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

from clipkit import format as fmt
from clipkit.campaign.strategy import WARMUP, Cell
from clipkit.plan.clip_work import job_work
from clipkit.plan.clips import Job
from clipkit.records.falling import fall_in
from clipkit.records.record import Record
from clipkit.records.status import is_finished
from clipkit.tuning.findings import Findings
from clipkit.tuning.screening import Results

SWAPPED_BYTES = 4 << 20
"""Less is what a system swaps out at its leisure."""


@dataclass(frozen=True, slots=True)
class Slowing:
    """`kind`: cores (it was given fewer), speed (of the cores themselves), rate (it came to fewer CPU seconds a
    second, why is not known) or swap. `before` and `after`: cores, the speed or rate of the beginning as 1, or
    seconds of the job without and with swapping. `wall_s`: of the whole job at the slow pace; `measured`: by its
    own trials, else estimated from `before` and `after`."""

    kind: str
    before: float | None
    after: float
    wall_s: float
    measured: bool
    words: str

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def slowing(findings: Findings) -> Slowing | None:
    """The one that costs the most; None: the machine gave the same to the end, as far as is known."""
    ran = [
        (cell, record)
        for cell, record in findings.results
        if cell.phase != WARMUP and is_finished(record)
    ]
    found = [each for each in (*_falls(findings, ran), _swapping(findings)) if each]
    return max(found, key=lambda each: each.wall_s, default=None)


@dataclass(frozen=True, slots=True)
class _Reading:
    """`place`: of the trial among those that finished. `like`: what trials have in common whose readings compare:
    a narrower one, or one whose clips end one by one, uses less where as much is given."""

    place: int
    like: Any
    log: float


def _falls(findings: Findings, ran: Results) -> Iterator[Slowing | None]:
    cores = [
        _Reading(place, _kind(cell), math.log(value))
        for place, (cell, record) in enumerate(ran)
        for value in (record.supplied_cores, record.supplied_cores_end)
        if value
    ]
    given = _fallen(findings, ran, "cores", cores)
    yield given
    speeds = [
        _Reading(place, None, -math.log(value))
        for place, (_, record) in enumerate(ran)
        for value in (record.canary_before_s, record.canary_after_s)
        if value
    ]
    slower = _fallen(findings, ran, "speed", speeds)
    yield slower
    if given is None and slower is None:
        rates = [
            _Reading(place, _kind(cell), math.log(record.cpu_s / record.wall_s))
            for place, (cell, record) in enumerate(ran)
            if record.cpu_s and record.wall_s
        ]
        yield _fallen(findings, ran, "rate", rates)


def _kind(cell: Cell) -> tuple[Any, ...]:
    return cell.subject, cell.settings, cell.host, len(cell.job.clips), cell.job.upload.sha256


def _logs_by_like(readings: Sequence[_Reading]) -> dict[Any, list[float]]:
    found: dict[Any, list[float]] = {}
    for each in readings:
        found.setdefault(each.like, []).append(each.log)
    return found


def _sides(before: Sequence[_Reading], after: Sequence[_Reading]) -> tuple[float, float] | None:
    """Geometric means of both, of what has its like on the other side; None: nothing has."""
    first, second = _logs_by_like(before), _logs_by_like(after)
    both = [like for like in first if like in second]
    if not both:
        return None
    means = (fmean(fmean(side[like]) for like in both) for side in (first, second))
    return math.exp(next(means)), math.exp(next(means))


def _fallen(
    findings: Findings, ran: Results, kind: str, readings: Sequence[_Reading]
) -> Slowing | None:
    fall = fall_in([math.exp(each.log) for each in readings], [each.like for each in readings])
    sides = _sides(readings[: fall.at], readings[fall.at :]) if fall else None
    wall = findings.confirmed.wall
    if fall is None or sides is None or wall is None:
        return None
    first = readings[fall.at].place
    first += readings[fall.at - 1].place == first  # of a trial in which it fell the time is both
    own, own_before = (_job_s(findings, part) for part in (ran[first:], ran[:first]))
    before, after = sides if kind == "cores" else (1.0, sides[1] / sides[0])
    fast_s, cpu_s = own_before or wall.value, findings.confirmed.cpu_s
    if own is not None:
        wall_s = own
    elif kind == "cores" and cpu_s is not None:
        wall_s = max(fast_s, cpu_s / after)  # it may have left some of the CPU unused
    else:
        wall_s = fast_s * before / after
    return Slowing(
        kind=kind,
        before=before,
        after=after,
        wall_s=wall_s,
        measured=own is not None,
        words=f"{_HOW[kind](before, after)} from trial {min(first + 1, len(ran))} of {len(ran)} on "
        f"({_WHY[kind]}): at the slow pace {_takes(findings, wall_s, own is not None)}",
    )


_HOW: dict[str, Callable[[float, float], str]] = {
    "cores": lambda before, after: (
        f"the CPU that is given fell from {before:.2f} to {after:.2f} cores"
    ),
    "speed": lambda _, after: (
        f"the machine's cores became slower, to {fmt.percent(after)} of their speed,"
    ),
    "rate": lambda _, after: (
        f"the same work got less of the CPU, {fmt.percent(after)} of what it had,"
    ),
}

_WHY = {
    "cores": "so it is where credits run out or a limit is lowered",
    "speed": "the same piece of work took more CPU time, which a lower limit does not do; why is not known",
    "rate": "why is not known",
}


def _swapping(findings: Findings) -> Slowing | None:
    own = _own(findings, findings.results)
    grown = [record.swap_growth_bytes or 0 for record in own if _swapped(record)]
    if not grown:
        return None
    with_swap = _job_s(findings, findings.results, _swapped)
    without = _job_s(findings, findings.results, lambda record: not _swapped(record))
    if with_swap is None:
        return None
    others = f", those without {fmt.seconds(without)}" if without is not None else ""
    return Slowing(
        kind="swap",
        before=without,
        after=with_swap,
        wall_s=with_swap,
        measured=True,
        words=f"memory was swapped out in {len(grown)} of {len(own)} runs, up to {fmt.size(max(grown))}: with it "
        f"{_takes(findings, with_swap, True)}{others}",
    )


def _swapped(record: Record) -> bool:
    return (record.swap_growth_bytes or 0) >= SWAPPED_BYTES


def _takes(findings: Findings, wall_s: float, measured: bool) -> str:
    job = fmt.counted(findings.clips_asked, "clip")
    return f"{job} take {fmt.seconds(wall_s)}{'' if measured else ' (estimated)'}"


def _own(findings: Findings, results: Results) -> list[Record]:
    return [record for _, record in _own_trials(findings, results)]


def _own_trials(findings: Findings, results: Results) -> list[tuple[Cell, Record]]:
    """The confirming trials of what is recommended."""
    return [
        (cell, record)
        for cell, record in results
        if cell.phase == "confirm" and cell.subject == findings.confirmed.subject
        if cell.settings == findings.settings and is_finished(record)
    ]


def _job_s(
    findings: Findings, results: Results, wanted: Callable[[Record], bool] = lambda _: True
) -> float | None:
    """Of the whole job, by those of the recommended settings' own trials and by what their clips are to do; None: of
    one of the uploads there are none."""
    own = [(c, r) for c, r in _own_trials(findings, results) if wanted(r) and r.wall_s]
    job_s = 0.0
    for job in findings.question.jobs:
        runs = [(c, r) for c, r in own if r.upload_sha256 == job.upload.sha256]
        if not runs:
            return None
        work = sum(_work(findings, cell.job) for cell, _ in runs)
        job_s += sum(r.wall_s or 0.0 for _, r in runs) / work * _work(findings, job)
    return job_s


def _work(findings: Findings, job: Job) -> float:
    return job_work(findings.confirmed.subject, job, findings.settings)
