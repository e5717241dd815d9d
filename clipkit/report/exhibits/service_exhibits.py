"""What services need over a long life, what their users get under load, and clips in a row without a kill, as
tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from statistics import fmean, median
from typing import TypeVar

from clipkit import format as fmt
from clipkit.model.waiting import waiting
from clipkit.records.record import Record
from clipkit.records.service_lives import Arrival, ServiceLife, ServiceLoad
from clipkit.records.status import COUNTS, Status
from clipkit.tables import Table

Start = TypeVar("Start", ServiceLife, ServiceLoad)

_RULE_OF_THREE = 3.0
"""Of n without a kill, the chance of one is under 3 / n (95 %): Hanley and Lippman-Hand, If nothing goes
wrong, is everything all right?, JAMA 249, 1983."""


def lives_table(lives: Sequence[ServiceLife]) -> Table:
    """One row a service, medians of its starts; of lives with the same jobs and uploads."""
    first = lives[0]
    arrive = [fmt.size(arrival.upload_bytes) for arrival in first.arrivals]
    heads = (
        *("who", "starts", f"{first.soon_s:g} s after it is ready", f"{first.later_s:g} s"),
        *("after job 1", f"after job {first.jobs}", *(f"while {size} arrive" for size in arrive)),
    )
    rows = []
    for who, own in _by_who(lives).items():
        at_rest: tuple[Callable[[ServiceLife], int | None], ...] = (
            lambda life: life.soon_bytes,
            lambda life: life.later_bytes,
            lambda life: life.after_first_bytes,
            lambda life: life.after_last_bytes,
        )
        known = [_sizes([read(life) for life in own]) for read in at_rest]
        peaks = [_arrived([life.arrivals[n : n + 1] for life in own]) for n in range(len(arrive))]
        rows.append((who, str(len(own)), *known, *peaks))
    return Table(heads, tuple(rows), "the service's own memory, its ffmpegs apart", whole=True)


def loads_table(loads: Sequence[ServiceLoad]) -> Table:
    """One row a start. Arrivals at random are compared with what the queue M/G/1 foretells for jobs as long as
    they were at this service's highest capacity."""
    full = {
        who: max(load.done_per_hour or 0.0 for load in own if load.users)
        for who, own in _by_who(loads).items()
    }
    rows = tuple(_load_row(load, full[load.who]) for load in loads)
    heads = (
        *("who", "load", "jobs done", "an hour", "ready after, mean", "foretold", "95 % within"),
        *("longest", "failed", "its own memory, peak"),
    )
    return Table(heads, rows, "from a job's arrival to its last clip with the user", whole=True)


def in_a_row_table(records: Iterable[Record]) -> Table:
    """One row a service and setting: clips that were cut one after the other, and the processes killed."""
    cells: dict[str, list[Record]] = {}
    for record in records:
        if record.status in COUNTS:
            cells.setdefault(record.cell, []).append(record)
    rows = tuple(_in_a_row(own) for own in cells.values())
    heads = (
        "film",
        "who",
        "at once",
        "clips",
        "kills",
        "chance of one a clip (95 %)",
        "needed at most",
    )
    return Table(heads, rows, "clips in a row", whole=True)


def _in_a_row(own: Sequence[Record]) -> tuple[str, ...]:
    first = own[0]
    clips = sum(record.clips for record in own if record.status is Status.OK)
    kills = sum(record.oom_kills or 0 for record in own)
    failed = sum(record.status is not Status.OK for record in own)
    needs = [need for record in own if (need := record.peak_need_bytes) is not None]
    bound = f"under {fmt.percent(_RULE_OF_THREE / clips)}" if clips and not failed else "not told"
    return (
        f"{min(first.width, first.height)}p",
        first.who,
        str(first.settings.concurrency),
        f"{clips}{f', {failed} jobs failed' if failed else ''}",
        str(kills),
        bound,
        f"{fmt.size(max(needs, default=None))} of {fmt.memory(first.memory_limit_bytes)}",
    )


def _load_row(load: ServiceLoad, capacity_per_hour: float) -> tuple[str, ...]:
    took_s = sorted(job.took_s for job in load.done)
    words, foretold = f"{fmt.counted(load.users or 0, 'user')}, one job after the other", "–"
    if load.jobs_per_hour is not None and capacity_per_hour:
        words = f"at random, {fmt.percent(load.jobs_per_hour / capacity_per_hour)} of capacity"
        foretold = fmt.seconds(waiting(load.jobs_per_hour / 3600, 3600 / capacity_per_hour).mean_s)
    nearly_all = took_s[min(len(took_s) - 1, int(0.95 * len(took_s)))] if took_s else None
    return (
        load.who,
        words,
        str(len(took_s)),
        f"{load.done_per_hour or 0:.0f}",
        fmt.seconds(fmean(took_s) if took_s else None),
        foretold,
        fmt.seconds(nearly_all),
        fmt.seconds(max(took_s, default=None)),
        str(len(load.jobs) - len(took_s)),
        fmt.size(load.peak_bytes),
    )


def _by_who(starts: Sequence[Start]) -> dict[str, list[Start]]:
    found: dict[str, list[Start]] = {}
    for start in starts:
        found.setdefault(start.who, []).append(start)
    return found


def _sizes(values: Sequence[int | None]) -> str:
    """`56 MB`, the median; with its range where starts differ in the words."""
    known = [value for value in values if value is not None]
    if not known:
        return "unknown"
    low, middle, high = (fmt.size(value) for value in (min(known), median(known), max(known)))
    return middle if low == high else f"{middle} ({low} – {high})"


def _arrived(arrivals: Sequence[tuple[Arrival, ...]]) -> str:
    """The peaks, and how many starts of them all did not take it: of one that died before, none arrived."""
    came = [arrival for each in arrivals for arrival in each]
    if not came:
        return "dead by then"
    told = _sizes([arrival.peak_bytes for arrival in came])
    refused = [arrival for arrival in came if arrival.told]
    if not refused:
        return told
    died = sum(arrival.died for arrival in refused)
    of = f" in {len(refused)} of {len(came)}" if len(refused) < len(came) or len(came) > 1 else ""
    what = "the service is killed" if died else "refused"
    return f"{told}: {what}{of}, the client is told: {refused[0].told}"
