"""How long a job was held back for its CPU quota: wall time, of counters that are sums over CPUs. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from clipkit.records.outcome import Sample

WINDOW_S = 0.5
"""Five of the kernel's periods: it adds a hold to its counter when it ends, so a hold that lies across
an edge counts in one window alone."""


def held_back_s(samples: Sequence[Sample], start_s: float, end_s: float) -> float | None:
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
    inside = [sample for sample in samples if start_s <= sample.t_s <= end_s]
    if len(inside) < 2:
        return None
    first, last = inside[0], inside[-1]
    if first.held_s is not None and last.held_s is not None:
        return min(last.held_s - first.held_s, last.t_s - first.t_s)
    held_s, opened = 0.0, first
    for sample in inside[1:]:
        if sample.t_s - opened.t_s >= WINDOW_S or sample is last:
            window_s = _held_in(opened, sample)
            if window_s is None:
                return None
            held_s, opened = held_s + window_s, sample
    return held_s


def _held_in(before: Sample, after: Sample) -> float | None:
    if before.cpu_s is None or after.cpu_s is None:
        return None
    if before.throttled_cpu_s is None or after.throttled_cpu_s is None:
        return None
    elapsed_s = after.t_s - before.t_s
    withheld_s = after.throttled_cpu_s - before.throttled_cpu_s
    wanted = (after.cpu_s - before.cpu_s + withheld_s) / elapsed_s
    return min(elapsed_s, withheld_s / max(1.0, wanted))
