"""Ratios of several conditions as one: the condition is random, and whether they differ is tested. Pure.

A verdict is about conditions like those that were measured, not about them alone, so what conditions
differ by is part of the error (a random-effects mean: DerSimonian and Laird, Meta-analysis in clinical
trials, Controlled Clinical Trials 7, 1986). Three or four conditions say little of that, so it is
moderated as variances are (`records.noise`): before anything is seen, conditions differ by as much as
the noise of one. Of two to eight conditions the interval then holds in 95 to 99 % where they differ by up
to that much, in 92 to 95 % where they differ by twice as much (`experiments/benchmarks/verdicts.py`).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from scipy import stats

from clipkit.analysis.statistics import Estimate
from clipkit.records.noise import t_quantile

Name = TypeVar("Name", bound=Hashable)

_FREEDOM_BEFORE = 4
"""What is assumed of the spread of conditions counts as much as so many of them."""
_MANY = 1000
"""Degrees of freedom from which on t is normal."""


@dataclass(frozen=True, slots=True)
class Pooled:
    """The mean of several conditions: `estimate.n` conditions stand behind it. `log_spread`: what they
    differ by beside noise. `alike_p`: how probable such differences are where they do not differ at
    all (Cochran's Q); None where there is nothing to compare."""

    estimate: Estimate
    log_spread: float
    alike_p: float | None


@dataclass(frozen=True, slots=True)
class _Level:
    logs: tuple[float, ...]
    errors: tuple[float, ...]

    @property
    def mean(self) -> float:
        return statistics.fmean(self.logs)

    @property
    def scatter(self) -> float:
        return sum((log - self.mean) ** 2 for log in self.logs)

    @property
    def noise(self) -> float:
        """What of the scatter is expected of noise alone."""
        return (1 - 1 / len(self.logs)) * sum(error**2 for error in self.errors)


def pool_levels(levels: Mapping[Name, Sequence[Estimate]]) -> dict[Name, Pooled]:
    """One mean for each level of a factor, of the conditions at that level, each with the same weight.
    What conditions of one level differ by is estimated from all levels together. Where no level has
    two conditions, that is unknown, and each mean speaks of its one condition alone. A level without
    a single interval is left out."""
    known = {name: own for name, each in levels.items() if (own := _level(each))}
    freedom = sum(len(own.logs) - 1 for own in known.values())
    spread = _spread(list(known.values()), freedom)
    alike_p = _alike_p(list(known.values()), freedom, levels)
    return {
        name: Pooled(_mean(own, spread, freedom, levels[name]), math.sqrt(spread), alike_p)
        for name, own in known.items()
    }


def pool_all(estimates: Sequence[Estimate]) -> Pooled | None:
    """All conditions as one level. None where none has an interval."""
    return pool_levels({"all": estimates}).get("all")


def _level(estimates: Sequence[Estimate]) -> _Level | None:
    known = [(math.log(e.value), e.log_error) for e in estimates if e.log_error is not None]
    if not known:
        return None
    return _Level(tuple(log for log, _ in known), tuple(error or 0.0 for _, error in known))


def _spread(levels: Sequence[_Level], freedom: int) -> float:
    """The variance between conditions beside noise, on logarithms."""
    if not freedom:
        return 0.0
    errors = [error for level in levels for error in level.errors]
    before = _FREEDOM_BEFORE * statistics.fmean(error**2 for error in errors)
    seen = sum(level.scatter - level.noise for level in levels)
    return max(0.0, (before + seen) / (_FREEDOM_BEFORE + freedom))


def _mean(level: _Level, spread: float, freedom: int, estimates: Sequence[Estimate]) -> Estimate:
    count = len(level.logs)
    error = math.sqrt(sum(own**2 + spread for own in level.errors)) / count
    alone = min((e.freedom for e in estimates if e.freedom), default=None)
    behind = _FREEDOM_BEFORE + freedom if freedom else alone
    factor = math.exp(error * t_quantile((behind or _MANY) + 1))
    value = math.exp(level.mean)
    return Estimate(value, value / factor, value * factor, count, behind)


def _alike_p(
    levels: Sequence[_Level], freedom: int, told: Mapping[Name, Sequence[Estimate]]
) -> float | None:
    """Of Cochran's Q within the levels, as an F since the noise itself is estimated."""
    if not freedom or not all(error for level in levels for error in level.errors):
        return None
    squares = 0.0
    for level in levels:
        weights = [1 / error**2 for error in level.errors]
        middle = sum(w * log for w, log in zip(weights, level.logs, strict=True)) / sum(weights)
        squares += sum(w * (log - middle) ** 2 for w, log in zip(weights, level.logs, strict=True))
    behind = [e.freedom or _MANY for each in told.values() for e in each if e.log_error]
    return float(stats.f.sf(squares / freedom, freedom, statistics.fmean(behind)))
