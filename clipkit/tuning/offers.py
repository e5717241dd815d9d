"""Which plan carries a load, and what a clip costs there: every plan of the catalogue, the original and the
tuned settings, idle and busy apart. Pure.

A plan's own time is the measured one where its CPU was; else, up to one CPU, its CPU seconds over its
quota, which is what the wall time was on every such host that was measured; else nothing is known. How fast
the provider's core is beside the one that measured is not known either: it is a range.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Required, TypedDict

from clipkit.errors import UsageError
from clipkit.hosts import Host
from clipkit.model.prices import DAY_S, usd_at_load, usd_when_busy
from clipkit.model.waiting import Waiting, waiting
from clipkit.records.best import leaves_margin
from clipkit.tuning.timings import Timing


class Known(StrEnum):
    """How a plan's time is known."""

    MEASURED = "measured"
    SAME_CPU = "measured with other memory"
    BY_CPU_SECONDS = "estimated from CPU seconds"


class AskedLoad(TypedDict, total=False):
    """The keywords of `Load`."""

    clips_per_day: Required[float]
    longest_wait_s: Required[float]
    clips_per_job: int
    hours: float
    cores: tuple[float, float]
    reserve_bytes: int
    lines: int | None
    clip_s: float | None


@dataclass(frozen=True, slots=True)
class Load:
    """`longest_wait_s`: within it nearly all jobs are to be ready, from the order on. `hours`: so many of
    a day are those in which the clips come. `cores`: how fast a core of the provider's is beside one of
    the machine that measured, from and to. `lines` and `clip_s` single out one job of several that were
    measured."""

    clips_per_day: float
    longest_wait_s: float
    clips_per_job: int = 12
    hours: float = 24
    cores: tuple[float, float] = (0.67, 1.5)
    reserve_bytes: int = 0
    lines: int | None = None
    clip_s: float | None = None

    def __post_init__(self) -> None:
        positive = (self.clips_per_day, self.longest_wait_s, self.clips_per_job, *self.cores)
        if not all(value > 0 and math.isfinite(value) for value in positive):
            raise UsageError("clips a day, longest wait, clips per job and cores must be above 0")
        if not 0 < self.hours <= 24:
            raise UsageError(f"--hours must be above 0 and at most 24, not {self.hours:g}")
        if self.cores[0] > self.cores[1]:
            raise UsageError("--core is a range from the slower to the faster, such as 0.67:1.5")

    @property
    def jobs_per_s(self) -> float:
        """While they come."""
        return self.clips_per_day / self.clips_per_job / (self.hours / 24 * DAY_S)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One plan with one way to cut. `slow`, `same` and `fast`: with the slowest core of the range, with one
    like that which measured, with the fastest. `fits`: its memory leaves the usual margin. `usd_at_load` None: no price is known, or
    it cannot cut so many."""

    plan: Host
    timing: Timing
    known: Known
    s_per_clip: float
    slow: Waiting
    same: Waiting
    fast: Waiting
    fits: bool
    usd_busy: float | None
    usd_at_load: float | None
    longest_wait_s: float

    @property
    def carries(self) -> bool:
        """With a core like the one that measured."""
        return self.fits and self._in_time(self.same)

    @property
    def carries_surely(self) -> bool:
        """Also with the slowest core of the range."""
        return self.fits and self._in_time(self.slow)

    def _in_time(self, of: Waiting) -> bool:
        return of.nearly_all_s is not None and of.nearly_all_s <= self.longest_wait_s


def make_offers(plans: Iterable[Host], timings: Sequence[Timing], load: Load) -> tuple[Offer, ...]:
    """Each plan that is limited, with each way that is known there."""
    hows = list(dict.fromkeys(timing.how for timing in timings))
    made = (
        _offer(plan, [timing for timing in timings if timing.how == how], load)
        for plan in plans
        if not plan.unlimited
        for how in hows
    )
    return tuple(offer for offer in made if offer)


def cheapest(offers: Sequence[Offer], how: str, surely: bool = False) -> Offer | None:
    """Of those that carry the load by this way, and whose price is known; of two the faster."""
    good = [
        offer
        for offer in offers
        if offer.timing.how == how
        and offer.plan.usd_per_month is not None
        and (offer.carries_surely if surely else offer.carries)
    ]
    return min(
        good, key=lambda offer: (offer.plan.usd_per_month or 0.0, offer.s_per_clip), default=None
    )


def _offer(plan: Host, timings: Sequence[Timing], load: Load) -> Offer | None:
    found = _known(plan, timings)
    if found is None:
        return None
    timing, known, s_per_clip = found
    job_s = s_per_clip * load.clips_per_job
    same = waiting(load.jobs_per_s, job_s, timing.log_sd)
    room_bytes = None if plan.memory_bytes is None else plan.memory_bytes - load.reserve_bytes
    price = plan.usd_per_month
    slow, fast = load.cores
    return Offer(
        plan=plan,
        timing=timing,
        known=known,
        s_per_clip=s_per_clip,
        slow=waiting(load.jobs_per_s, job_s / slow, timing.log_sd),
        same=same,
        fast=waiting(load.jobs_per_s, job_s / fast, timing.log_sd),
        fits=leaves_margin(timing.peak_bytes, room_bytes),
        usd_busy=None if price is None else usd_when_busy(price, s_per_clip),
        usd_at_load=None
        if price is None or same.nearly_all_s is None
        else usd_at_load(price, load.clips_per_day),
        longest_wait_s=load.longest_wait_s,
    )


def _known(plan: Host, timings: Sequence[Timing]) -> tuple[Timing, Known, float] | None:
    """Of two that were measured alike the first; None where nothing tells a plan's time."""
    if own := [timing for timing in timings if timing.plan == plan.name]:
        return own[0], Known.MEASURED, own[0].s_per_clip
    alike = [timing for timing in timings if timing.cpus == plan.cpus]
    if alike:
        same = [timing for timing in alike if timing.memory_bytes == plan.memory_bytes]
        timing = (same or alike)[0]
        known = Known.MEASURED if same else Known.SAME_CPU
        return timing, known, timing.s_per_clip
    return _by_cpu_seconds(plan, timings)


def _by_cpu_seconds(plan: Host, timings: Sequence[Timing]) -> tuple[Timing, Known, float] | None:
    """Of the nearest measured quota, both of at most one CPU, where a job fills its quota."""
    quota = plan.cpus
    if quota is None or quota > 1:
        return None
    able = [t for t in timings if t.cpus is not None and t.cpus <= 1 and t.cpu_s_per_clip]
    if not able:
        return None
    nearest = min(able, key=lambda t: abs(math.log((t.cpus or quota) / quota)))
    by_quota_s = (nearest.cpu_s_per_clip or 0.0) / quota
    # A copy waits for more than its quota: with less CPU it is no faster than it was measured.
    least_s = nearest.s_per_clip if quota <= (nearest.cpus or quota) else 0.0
    return nearest, Known.BY_CPU_SECONDS, max(by_quota_s, least_s)
