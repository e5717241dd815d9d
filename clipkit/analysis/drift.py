"""What lies between two sessions besides what is compared: how fast the machine was in each. Pure."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass

import pandas as pd

from clipkit import format as fmt
from clipkit.analysis.quiet import around_of, canaries_s
from clipkit.analysis.statistics import Estimate
from clipkit.records.campaign import Campaign
from clipkit.records.evidence import evidence, finished_rows
from clipkit.records.noise import t_quantile

# The median of normal values is less sure than their mean by this factor, the root of pi / 2.
_OF_A_MEDIAN = math.sqrt(math.pi / 2)


@dataclass(frozen=True, slots=True)
class Drift:
    """`canary`: how many times as long the same piece of work took in B as in A; None where it is not
    known or there is nothing to know. `words`: what the ratios have to do with it; None: nothing."""

    canary: Estimate | None = None
    words: str | None = None

    def widened(self, ratio: Estimate) -> Estimate:
        """With the machine's change in its interval: how much of it the job took part in, from none to
        all, nobody knows."""
        if self.canary is None or None in (ratio.log_half_width, self.canary.log_half_width):
            return ratio
        half = math.hypot(ratio.log_half_width or 0.0, self.canary.log_half_width or 0.0)
        all_of_it = ratio.value / self.canary.value
        low, high = sorted((ratio.value, all_of_it))
        return Estimate(ratio.value, low * math.exp(-half), high * math.exp(half), ratio.n)


def drift_between(a: Campaign, b: Campaign) -> Drift:
    """From A's session to B's."""
    ours, theirs = (evidence(side.table) for side in (a, b))
    ours, theirs = ours[finished_rows(ours)], theirs[finished_rows(theirs)]
    if ours.empty or theirs.empty or _is_one_session(ours, theirs):
        return Drift()
    if set(ours["host_id"]) != set(theirs["host_id"]):
        return Drift(words="measured on other machines, whose speeds are in it")
    canary = _over(canaries_s(around_of(theirs)), canaries_s(around_of(ours)))
    if canary is None:
        return Drift(
            words="not separable from the machine's day, since no canary tells how fast it was in "
            "both sessions"
        )
    told = f"the same piece of work took {fmt.ratio(canary.value)} the time in B's session"
    return Drift(canary, f"{told}, which the interval includes")


def _is_one_session(ours: pd.DataFrame, theirs: pd.DataFrame) -> bool:
    """Whether they hold the same runs, or were measured on one machine at the same time."""
    if set(zip(ours["run_id"], ours["started_utc"], strict=True)) & set(
        zip(theirs["run_id"], theirs["started_utc"], strict=True)
    ):
        return True
    times = (ours["started_utc"], theirs["started_utc"])
    overlap = max(own.min() for own in times) <= min(own.max() for own in times)
    return bool(overlap) and set(ours["host_id"]) == set(theirs["host_id"])


def _over(over_s: list[float], under_s: list[float]) -> Estimate | None:
    """The ratio of two medians with its interval; None where either has too few to know."""
    if min(len(over_s), len(under_s)) < 2:
        return None
    value = statistics.median(over_s) / statistics.median(under_s)
    half = math.hypot(*(_half_width(side) for side in (over_s, under_s)))
    n = min(len(over_s), len(under_s))
    return Estimate(value, value * math.exp(-half), value * math.exp(half), n)


def _half_width(times_s: list[float]) -> float:
    """Of the 95 % interval of their median, on logarithms."""
    spread = statistics.stdev(math.log(time_s) for time_s in times_s)
    return t_quantile(len(times_s)) * _OF_A_MEDIAN * spread / math.sqrt(len(times_s))
