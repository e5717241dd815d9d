"""How long a job was held back for its CPU quota: wall time, of counters that are sums over CPUs. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise

from clipkit.records.outcome import Sample

WINDOW_S = 0.5
"""Five of the kernel's periods: it adds a hold to its counter when it ends, so a hold that lies across
an edge counts in one window alone."""


def held_back_s(samples: Iterable[Sample], start_s: float, end_s: float) -> float | None:
    """Seconds between two times of the samples' clock in which the job stood still for its quota; at
    most the time between them. None where nothing counts that, or under two samples lie there.

    The kernel adds up the holds of all CPUs (`throttled_time`, `throttled_usec`): two busy processes
    at half a CPU stand still for 0.75 s a second and it says 1.5. Meanwhile each CPU that the job
    wants is either used by it or withheld from it, so it wants (used + withheld) / elapsed of them,
    one at least while it is held; that many are withheld at once. Summed over windows of half a
    second, in which their number is taken as constant.

    Error: within 2 % against busy loops that note their own standstills (1, 2 and 4 of them at 0.25
    to 1 CPU on 2 cores; `tests/trial/test_held.py`). Where others take the CPUs, what the job waits
    for them is neither used nor withheld, and the result is too high, by at most that share.
    """
    inside = (sample for sample in samples if start_s <= sample.t_s <= end_s)
    held_s: float | None = 0.0
    first = last = None
    for before, after in pairwise(_edges(inside)):
        first, last = first or before, after
        window_s = _held_in(before, after)
        held_s = None if held_s is None or window_s is None else held_s + window_s
    if first is None or last is None:
        return None
    if first.held_s is not None and last.held_s is not None:
        return min(last.held_s - first.held_s, last.t_s - first.t_s)
    return held_s


def _edges(samples: Iterable[Sample]) -> Iterator[Sample]:
    """The first, one a window behind it, and the last."""
    edge = last = None
    for last in samples:
        if edge is None or last.t_s - edge.t_s >= WINDOW_S:
            edge = last
            yield edge
    if last is not None and last is not edge:
        yield last


def _held_in(before: Sample, after: Sample) -> float | None:
    if before.cpu_s is None or after.cpu_s is None:
        return None
    if before.throttled_cpu_s is None or after.throttled_cpu_s is None:
        return None
    elapsed_s = after.t_s - before.t_s
    withheld_s = after.throttled_cpu_s - before.throttled_cpu_s
    wanted = (after.cpu_s - before.cpu_s + withheld_s) / elapsed_s
    return min(elapsed_s, withheld_s / max(1.0, wanted))
