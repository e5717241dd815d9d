"""How much of a run was really watched, and what is unknown where it was not. Pure.

A harness that is stopped (Ctrl-Z) or gets no CPU takes no samples, and what is stopped takes no time of
its own: neither is a result.
"""

from __future__ import annotations

from dataclasses import dataclass

from clipkit import format as fmt

GAP_S = 0.25
"""Between two looks. They are 20 ms apart; on a machine that is busy with others a thread waits for some of
these."""

_LONGEST_GAP_S, _MOST_UNSEEN = 1.0, 0.2
"""More at once, or a larger share of the run, and its figures are not those of the run."""

SAMPLED = (
    *(
        "throttled_s",
        "supplied_cores",
        "supplied_cores_end",
        "swap_growth_bytes",
        "peak_anon_bytes",
        "peak_shmem_bytes",
        "peak_kernel_bytes",
        "peak_cache_bytes",
    ),
    *("peak_rss_sum_bytes", "peak_pss_sum_bytes"),
)
"""The columns that come of samples alone: where these are missing they are unknown. The kernel's own marks
hold (`peak_cgroup_bytes`, `peak_bound_bytes`), as do times, which the orchestrator takes."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """Of the time for which a run was to be watched: how much of it lay in gaps between two looks, the
    longest of these, and for how long some process of the job was seen to be stopped."""

    watched_s: float = 0.0
    unseen_s: float = 0.0
    longest_gap_s: float = 0.0
    stopped_s: float = 0.0

    @property
    def is_enough(self) -> bool:
        if self.longest_gap_s > _LONGEST_GAP_S:
            return False
        return self.unseen_s <= _MOST_UNSEEN * self.watched_s


def lacking_words(seen: Coverage, has_marks: bool) -> str | None:
    """What is wrong with what was seen, and which figures are unknown for it; None: nothing. `has_marks`:
    the kernel kept its own."""
    if seen.stopped_s:
        return (
            f"processes of the job were stopped for {fmt.seconds(seen.stopped_s)}, by others than "
            "clipkit: its times are not its own"
        )
    if seen.is_enough:
        return None
    holds = "; the kernel's own marks hold (peak_cgroup_bytes, peak_bound_bytes)"
    return (
        f"clipkit itself was stopped, or got no CPU: for {fmt.seconds(seen.unseen_s)} of "
        f"{fmt.seconds(seen.watched_s)} nothing was seen, so that its peaks of memory and the time for "
        f"which it was held back are unknown{holds if has_marks else ''}"
    )
