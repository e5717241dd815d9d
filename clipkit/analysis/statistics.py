"""Means, ratios and their intervals. Pure; every interval is 95 %, from Student's t."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from scipy import stats

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value and its 95 % interval; `n` measurements stand behind it. Interval None: n < 2."""

    value: float
    low: float | None
    high: float | None
    n: int

    @property
    def interval(self) -> tuple[float, float] | None:
        return None if self.low is None or self.high is None else (self.low, self.high)

    def times(self, factor: float) -> Estimate:
        low = None if self.low is None else self.low * factor
        high = None if self.high is None else self.high * factor
        return Estimate(self.value * factor, low, high, self.n)


def t_quantile(n: int) -> float:
    """Two-sided 95 % quantile of Student's t with n - 1 degrees of freedom."""
    return float(stats.t.ppf((1 + CONFIDENCE) / 2, n - 1))


def geometric_mean(values: Sequence[float]) -> Estimate:
    """Of positive values (times, ratios): their noise is multiplicative, so the interval is taken
    on logarithms and cannot reach below 0."""
    logs = [math.log(value) for value in values]
    middle = statistics.fmean(logs)
    if len(logs) < 2:
        return Estimate(math.exp(middle), None, None, len(logs))
    half = t_quantile(len(logs)) * statistics.stdev(logs) / math.sqrt(len(logs))
    return Estimate(math.exp(middle), math.exp(middle - half), math.exp(middle + half), len(logs))


def mean(values: Sequence[float]) -> Estimate:
    """The arithmetic mean: what a sum of such values is estimated from."""
    middle, n = statistics.fmean(values), len(values)
    if n < 2:
        return Estimate(middle, None, None, n)
    half = t_quantile(n) * statistics.stdev(values) / math.sqrt(n)
    return Estimate(middle, max(0.0, middle - half), middle + half, n)


def total(parts: Sequence[Estimate]) -> Estimate:
    """The sum of independent estimates: half widths add in squares."""
    value = sum(part.value for part in parts)
    n = min(part.n for part in parts)
    intervals = [part.interval for part in parts]
    if any(interval is None for interval in intervals):
        return Estimate(value, None, None, n)
    half = math.hypot(*((high - low) / 2 for low, high in (i for i in intervals if i)))
    return Estimate(value, max(0.0, value - half), value + half, n)


def log_spread(estimate: Estimate, log_sd: float, freedom: int) -> Estimate:
    """An interval for a single measurement, from how much such measurements differ elsewhere."""
    half = t_quantile(freedom + 1) * log_sd
    return Estimate(
        estimate.value,
        estimate.value * math.exp(-half),
        estimate.value * math.exp(half),
        estimate.n,
    )


def with_noise(estimate: Estimate, log_sd: float, freedom: int) -> Estimate:
    """Widen the interval of a sum of `n` single measurements by their own noise: what is left even
    when every unit was measured, each once."""
    if estimate.low is None or estimate.high is None:
        return estimate
    noise = estimate.value * t_quantile(freedom + 1) * log_sd / math.sqrt(estimate.n)
    half = math.hypot((estimate.high - estimate.low) / 2, noise)
    return Estimate(
        estimate.value, max(0.0, estimate.value - half), estimate.value + half, estimate.n
    )


def paired_ratio(numerators: Sequence[float], denominators: Sequence[float]) -> Estimate:
    """Geometric mean of the ratios pair by pair: what drifts over both of a pair cancels."""
    return geometric_mean([a / b for a, b in zip(numerators, denominators, strict=True)])


def total_by_ratio(
    measured: Sequence[float], sizes: Sequence[float], sizes_of_all: Sequence[float]
) -> Estimate:
    """Estimate the sum over all units from a measured part, in proportion to a known size.

    The ratio estimator of survey sampling (Cochran, Sampling Techniques, 3rd ed., ch. 6):
    sum(measured) / sum(sizes) * sum(sizes_of_all), its variance from the residuals around the
    ratio, with the correction for a finite population; nothing is left to estimate, and the
    interval is the point, once all are measured.
    """
    n, whole = len(measured), len(sizes_of_all)
    slope = sum(measured) / sum(sizes)
    value = slope * sum(sizes_of_all)
    if n >= whole:
        return Estimate(value, value, value, n)
    if n < 2:
        return Estimate(value, None, None, n)
    residuals = [y - slope * x for y, x in zip(measured, sizes, strict=True)]
    variance = sum(residual**2 for residual in residuals) / (n - 1)
    half = t_quantile(n) * whole * math.sqrt((1 - n / whole) * variance / n)
    return Estimate(value, max(0.0, value - half), value + half, n)


def quotient(numerator: Estimate, denominator: Estimate) -> Estimate:
    """The ratio of two independent estimates; their relative half widths add in squares.

    Fieller's interval to first order, on logarithms. No interval where one side has none.
    """
    value = numerator.value / denominator.value
    halves = [_log_half_width(side) for side in (numerator, denominator)]
    if any(half is None for half in halves):
        return Estimate(value, None, None, min(numerator.n, denominator.n))
    half = math.hypot(*(half for half in halves if half is not None))
    return Estimate(
        value, value * math.exp(-half), value * math.exp(half), min(numerator.n, denominator.n)
    )


def _log_half_width(estimate: Estimate) -> float | None:
    if estimate.low is None or estimate.high is None:
        return None
    if estimate.low <= 0:
        return math.log(estimate.high / estimate.value)
    return math.log(estimate.high / estimate.low) / 2


def pooled_log_sd(groups: Sequence[Sequence[float]]) -> tuple[float, int] | None:
    """Standard deviation of repeats around their group's mean, on logarithms, and its degrees of
    freedom; None where nothing was repeated."""
    squares, freedom = 0.0, 0
    for group in groups:
        logs = [math.log(value) for value in group]
        middle = statistics.fmean(logs)
        squares += sum((log - middle) ** 2 for log in logs)
        freedom += len(logs) - 1
    return (math.sqrt(squares / freedom), freedom) if freedom else None
