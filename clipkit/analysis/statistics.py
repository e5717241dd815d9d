"""Means, ratios and their intervals. Pure; every interval is 95 %, from Student's t.

All that is estimated here is positive (times, sizes, ratios) and its noise multiplicative, so every
interval is symmetric on logarithms and cannot reach 0.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from clipkit.records.noise import Noise, pool, t_quantile
from clipkit.records.repeats import trimmed


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value and its 95 % interval; `n` measurements stand behind it. Interval None: unknown.
    `freedom`: of the t that made the interval; None: many, or not said."""

    value: float
    low: float | None
    high: float | None
    n: int
    freedom: int | None = field(default=None, compare=False)

    @property
    def interval(self) -> tuple[float, float] | None:
        return None if self.low is None or self.high is None else (self.low, self.high)

    @property
    def log_half_width(self) -> float | None:
        """Half the interval on logarithms: about its half width relative to the value."""
        return None if self.interval is None else math.log(self.interval[1] / self.interval[0]) / 2

    @property
    def log_error(self) -> float | None:
        """Its standard error on logarithms."""
        half = self.log_half_width
        return None if half is None else half / t_quantile((self.freedom or _MANY) + 1)


_MANY = 1000
"""Degrees of freedom from which on t is normal."""


def geometric_mean(values: Sequence[float]) -> Estimate:
    """Of ratios, and of times that are compared."""
    logs = [math.log(value) for value in values]
    n, middle = len(logs), math.exp(statistics.fmean(logs))
    half = t_quantile(n) * statistics.stdev(logs) / math.sqrt(n) if n > 1 else None
    return _estimate(middle, half, n, n - 1)


def mean_of_ratios(ratios: Sequence[Estimate]) -> Estimate:
    """Over several cells: its interval tells how much it depends on which cells were shared, and is no
    narrower than the noise of their own makes it."""
    found = geometric_mean([ratio.value for ratio in ratios])
    noise = _hypot([ratio.log_half_width for ratio in ratios])
    if noise is None or (found.log_half_width or 0.0) >= noise / len(ratios):
        return found if len(ratios) > 1 else ratios[0]
    n = found.n if len(ratios) > 1 else ratios[0].n
    return _estimate(found.value, noise / len(ratios), n)


def mean(values: Sequence[float]) -> Estimate:
    """The arithmetic mean: what a sum of such values is estimated from."""
    n, middle = len(values), statistics.fmean(values)
    half = t_quantile(n) * statistics.stdev(values) / math.sqrt(n) / middle if n > 1 else None
    return _estimate(middle, half, n)


def total(parts: Sequence[Estimate]) -> Estimate:
    """The sum of independent estimates: half widths add in squares (a little too wide where few
    measurements stand behind them). No interval where one part has none."""
    value = sum(part.value for part in parts)
    halves = [_times(part.log_half_width, part.value / value) for part in parts]
    return _estimate(value, _hypot(halves), min(part.n for part in parts))


def quotient(numerator: Estimate, denominator: Estimate) -> Estimate:
    """The ratio of two independent estimates: relative half widths add in squares (a little too
    wide where few measurements stand behind them). No interval where one side has none."""
    half = _hypot([numerator.log_half_width, denominator.log_half_width])
    n = min(numerator.n, denominator.n)
    return _estimate(numerator.value / denominator.value, half, n)


def paired_ratio(
    numerators: Sequence[float], denominators: Sequence[float], noise: Noise | None = None
) -> Estimate:
    """Geometric mean of the ratios pair by pair: what drifts over both of a pair cancels.

    `noise` is what is known beforehand of a single measurement's: two or three pairs alone say
    little of it. With it, the farthest pairs on both sides are left out from some on
    (`records.repeats`). How many pairs there are must not depend on what they say.
    """
    ratios = [a / b for a, b in zip(numerators, denominators, strict=True)]
    if noise is None:
        return geometric_mean(ratios)
    middle, variance, freedom = trimmed(np.log(np.array(ratios)))
    before = Noise(noise.log_sd * math.sqrt(2), noise.freedom)
    seen = (Noise(math.sqrt(variance), freedom),) if freedom else ()
    known = pool(before, *seen)
    half = known.half_width / math.sqrt(len(ratios))
    return _estimate(math.exp(middle), half, len(ratios), known.freedom)


def total_by_ratio(
    measured: Sequence[float],
    sizes: Sequence[float],
    sizes_of_all: Sequence[float],
    unlike: Noise | None = None,
    noise: Noise | None = None,
) -> Estimate:
    """Estimate the sum over all units from a measured part, in proportion to a known size.

    The ratio estimator of survey sampling (Cochran, Sampling Techniques, 3rd ed., ch. 6):
    sum(measured) / sum(sizes) * sum(sizes_of_all), its variance by the jackknife, since the larger
    units vary more, with the correction for a finite population. That correction knows no errors
    of measurement: once all units are measured, `noise` is what is left. `unlike` is what is known
    beforehand of how units of the same size differ; without it one unit has no interval.
    """
    n, whole, size = len(measured), sum(sizes_of_all), sum(sizes)
    slope = sum(measured) / size
    differ = [unlike] if unlike else []
    if n > 1:
        moves = [(y / slope - x) / (size - x) for y, x in zip(measured, sizes, strict=True)]
        differ.append(Noise(math.sqrt((n - 1) * sum(move**2 for move in moves)), n - 1))
    if not differ:
        return _estimate(slope * whole, None, n)
    covered = min(1.0, size / whole)
    halves = [pool(*differ).half_width * math.sqrt((1 - covered) / n)]
    if noise:
        halves.append(noise.half_width * math.sqrt(covered / n))
    return _estimate(slope * whole, math.hypot(*halves), n)


def scaled(known: Estimate, factor: float) -> Estimate:
    """The same in another unit."""
    low, high = known.interval or (None, None)
    return replace(
        known,
        value=known.value * factor,
        low=None if low is None else low * factor,
        high=None if high is None else high * factor,
    )


def noise_of(groups: Sequence[Sequence[float]], fitted: int = 0) -> Noise | None:
    """How repeats differ from their group's mean, on logarithms; None where nothing was repeated.

    `fitted` further parameters than the groups' means were taken from the same values.
    """
    squares, freedom = 0.0, -fitted
    for group in groups:
        logs = [math.log(value) for value in group]
        middle = statistics.fmean(logs)
        squares += sum((log - middle) ** 2 for log in logs)
        freedom += len(logs) - 1
    return Noise(math.sqrt(squares / freedom), freedom) if freedom > 0 else None


def _estimate(
    value: float, log_half_width: float | None, n: int, freedom: int | None = None
) -> Estimate:
    if log_half_width is None:
        return Estimate(value, None, None, n)
    factor = math.exp(log_half_width)
    return Estimate(value, value / factor, value * factor, n, freedom)


def _times(half: float | None, factor: float) -> float | None:
    return None if half is None else half * factor


def _hypot(halves: Sequence[float | None]) -> float | None:
    known = [half for half in halves if half is not None]
    return math.hypot(*known) if len(known) == len(halves) else None
