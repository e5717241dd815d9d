"""Which of several to take, whether that is decided, and what could not be seen. Pure, and repeatable.

The one rule of choice: `tune` follows it after each trial, and a sweep's optimum (`records.best`) too.
What is taken has the least expected shortfall behind the best (Chick and Inoue, New two-stage and
sequential procedures for selecting the best simulated system, Operations Research 49, 2001). Whether it
is decided is another question: Hsu's comparison with the best (Constrained simultaneous confidence
intervals for multiple comparisons with the best, Annals of Statistics 12, 1984), which holds however
many there were to choose from.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import special

from clipkit.records.noise import Noise
from clipkit.records.with_best import critical_range, critical_value

MARGIN = 0.03
"""So much slower than the best is as good as the best: 3 % take 145 runs a side to see at a noise of 9 %."""

NO_SLOWER = 0.05
"""It is decided that the chosen one is no slower than the best where it takes at most this part longer."""

_NEARLY = 0.01
_SURE = 0.8
"""Memory decides between those whose expected shortfall is that near to the least, and that are this sure
to be within the margin of the best."""

_DRAWS, _VALUES_DRAWN = 1_000, 400_000
"""Of the posterior: for each contender, and for all of them together, however many there are."""
_SPREADS = np.geomspace(0.02, 1.0, 16)
"""How far contenders may lie apart (a standard deviation of logarithms), each as likely beforehand.
From 0.5 % on, few noisy runs are taken for proof that all are alike, and memory decides too often."""
_SCALES = 12
"""So many values stand for what the noise may really be."""

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Contender:
    """What was measured of one: the mean of its logarithms of seconds, the standard error of that mean
    where a single measurement's deviation is 1 (1 / sqrt(n) of n runs), what memory it needs (None:
    unknown, taken last), and whether that leaves a margin."""

    log_mean: float
    error: float
    need_bytes: int | None
    roomy: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What to take of several contenders, which are told by their places.

    Those compete that are roomy, or all where none is; of the others nothing is said (None).
    `place`: the one to take. `ahead`: the least mean. `upper`: by how much longer than the best of its
    competitors the chosen one may take, at most (95 %, however it was chosen; 1 where it is the best at
    any rate). `decided`: by `upper` it is no slower. `tied`: those that the measurements cannot tell
    from the best, most likely the chosen one among them (of several that are alike one is left out in 5 %). `unseen`: a lead below this ratio would have
    been taken for noise (1 where nothing competes). `shortfalls`: by what part each is expected to take
    longer than the best. `shrunk_log_means`: its logarithm of seconds as it is expected to be, since the
    least of several means is flattered by its luck.
    """

    place: int
    ahead: int
    decided: bool
    upper: float
    unseen: float
    tied: tuple[int, ...]
    shortfalls: tuple[float | None, ...]
    shrunk_log_means: tuple[float | None, ...]

    @property
    def shortfall(self) -> float:
        """Of the chosen one."""
        return self.shortfalls[self.place] or 0.0


def choose(contenders: Sequence[Contender], noise: Noise, margin: float = MARGIN) -> Chosen:
    """The one to take of at least one. `noise` is that of a single measurement. What is said of `decided`,
    `upper` and `tied` is wrong in 5 % of all choices: where it is asked again after each run, more often."""
    places = [place for place, each in enumerate(contenders) if each.roomy]
    places = places or list(range(len(contenders)))
    means = np.array([contenders[place].log_mean for place in places])
    errors = np.array([contenders[place].error for place in places])
    shortfalls, sure, shrunk = _behind_the_best(means, errors, noise, math.log1p(margin))
    least = int(np.lexsort((means, shortfalls))[0])
    alike = (shortfalls <= shortfalls[least] + _NEARLY) & (sure >= _SURE)
    needs = [contenders[place].need_bytes for place in places]
    as_good = np.flatnonzero(alike).tolist() if alike[least] else [least]
    taken = min(as_good, key=lambda at: (_need(needs[at]), float(shortfalls[at])))
    upper = math.exp(max(0.0, _most_behind(means, _limits(errors, noise), taken)))
    told = _leads_told(errors, noise)
    return Chosen(
        place=places[taken],
        ahead=places[int(means.argmin())],
        decided=upper <= 1 + NO_SLOWER,
        upper=upper,
        unseen=_unseen(told, taken),
        tied=tuple(
            places[at] for at in np.flatnonzero((means[:, None] - means <= told).all(axis=1))
        ),
        shortfalls=_over_all(shortfalls, places, len(contenders)),
        shrunk_log_means=_over_all(shrunk, places, len(contenders)),
    )


def _need(need_bytes: int | None) -> float:
    return math.inf if need_bytes is None else need_bytes


def _over_all(values: Values, places: Sequence[int], count: int) -> tuple[float | None, ...]:
    known = dict(zip(places, values.tolist(), strict=True))
    return tuple(known.get(place) for place in range(count))


def _behind_the_best(
    means: Values, errors: Values, noise: Noise, margin: float
) -> tuple[Values, Values, Values]:
    """Each one's expected shortfall, how likely it is within the margin of the best, its shrunk mean.

    The contenders' true logarithms are taken for draws from one normal distribution whose mean is unknown
    and whose spread is one of `_SPREADS`: what the measurements say of it decides how far they are
    shrunk. The noise itself is known no better than its degrees of freedom say.
    """
    count = len(means)
    if count == 1:
        return np.zeros(1), np.ones(1), means.copy()
    draws = max(100, min(_DRAWS, _VALUES_DRAWN // count))
    squares = (noise.log_sd**2 * _noise_factors(noise.freedom))[:, None] * (errors**2)[None, :]
    between = (_SPREADS**2)[:, None, None]
    # Axes: spread, noise, contender.
    precision = 1 / (squares[None] + between)
    total = precision.sum(axis=2)
    middle = (precision * means).sum(axis=2) / total
    away = (precision * (means - middle[..., None]) ** 2).sum(axis=2)
    evidence = 0.5 * (np.log(precision).sum(axis=2) - np.log(total) - away)
    weights = np.exp(evidence - evidence.max()).ravel()
    weights /= weights.sum()
    kept = between * precision
    expected = kept * means + (1 - kept) * middle[..., None]
    shrunk = weights @ expected.reshape(-1, count)
    at = np.searchsorted(weights.cumsum(), (np.arange(draws) + 0.5) / draws)
    at = np.minimum(at, len(weights) - 1)
    normals = _normals(draws, count)
    kept_drawn = kept.reshape(-1, count)[at]
    common = normals[:, :1] / np.sqrt(total.ravel()[at])[:, None]
    own = np.sqrt(np.broadcast_to(squares[None], kept.shape).reshape(-1, count)[at] * kept_drawn)
    drawn = expected.reshape(-1, count)[at] + (1 - kept_drawn) * common + own * normals[:, 1:]
    behind = drawn - drawn.min(axis=1, keepdims=True)
    return np.expm1(behind).mean(axis=0), (behind <= margin).mean(axis=0), shrunk


@lru_cache(maxsize=64)
def _noise_factors(freedom: int) -> Values:
    """Values that stand for true variance / estimated variance: quantiles of freedom / chi2."""
    levels = (np.arange(_SCALES) + 0.5) / _SCALES
    found: Values = freedom / (2 * special.gammaincinv(freedom / 2, levels))
    return found


@lru_cache(maxsize=256)
def _normals(draws: int, count: int) -> Values:
    """The same for the same question, so that an answer can be repeated; in pairs of opposite sign."""
    half = np.random.default_rng(count).standard_normal(((draws + 1) // 2, count + 1))
    return np.concatenate([half, -half])[:draws]


def half_width_after_choice(errors: Sequence[float], one: int, chosen: int, noise: Noise) -> float:
    """Half the 95 % interval of the chosen one's ratio to one that was named beforehand, on logarithms,
    whichever of the others was chosen by the same measurements; `errors` as of `Contender`."""
    known = _critical_values(np.array(errors), noise.freedom, sides=2)
    return float(known[one] * noise.log_sd * math.hypot(errors[one], errors[chosen]))


def _leads_told(errors: Values, noise: Noise) -> Values:
    """By how much the mean in a row must lie above that in a column to be told from it (logarithms), so that
    of several that are alike none is called slower in 95 %: the fastest of them was picked."""
    apart = np.hypot(errors[:, None], errors[None, :])
    found: Values = critical_range(len(errors), noise.freedom) * noise.log_sd * apart
    return found


def _limits(errors: Values, noise: Noise) -> Values:
    """How far the mean in a row may lie above that in a column by chance, were the row's the best."""
    own = _critical_values(errors, noise.freedom, sides=1)
    apart = np.hypot(errors[:, None], errors[None, :])
    found: Values = own[:, None] * noise.log_sd * apart
    return found


def _critical_values(errors: Values, freedom: int, sides: int) -> Values:
    """Of the comparison of each with all others; those with as many runs have the same."""
    levels = np.round(errors, 4)
    kinds, counts = np.unique(levels, return_counts=True)
    known = {}
    for kind in kinds:
        others = tuple(
            (float(other), int(number) - int(other == kind))
            for other, number in zip(kinds, counts, strict=True)
        )
        known[kind] = critical_value(float(kind), others, freedom, sides)
    return np.array([known[level] for level in levels])


def _most_behind(means: Values, limits: Values, taken: int) -> float:
    """The upper limit of the taken one's logarithm less that of the best of the others."""
    others = np.arange(len(means)) != taken
    if not others.any():
        return 0.0
    # The other one's critical value: the limit holds where that is the true best.
    return float((means[taken] - means + limits[:, taken])[others].max())


def _unseen(told: Values, taken: int) -> float:
    others = np.delete(told[:, taken], taken)
    return math.exp(float(others.min())) if len(others) else 1.0
