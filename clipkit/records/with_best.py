"""Critical values for comparing several means with one of them: the best, or one named beforehand. Pure.

As of Dunnett (A multiple comparison procedure for comparing several treatments with a control,
JASA 50, 1955), for whatever runs stand behind each mean, by integration; one-sided, of 9 and of 36 means with
equal runs and many degrees of freedom: 2.38 and 2.79.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import special

from clipkit.records.noise import CONFIDENCE

_NODES = 32
_SCALES = 48
"""Of the integration over the best one's error and over the noise."""

_NEAR = 1e-10
"""So near is a critical value to where its probability is reached exactly."""

_REACH, _PLACES = 8.0, 201
"""Of the integration over where the highest of several means lies."""

Values = NDArray[np.float64]


@lru_cache(maxsize=4096)
def critical_value(
    own: float, others: tuple[tuple[float, int], ...], freedom: int, sides: int = 1
) -> float:
    """By how many standard errors of their difference the one's mean lies above none of the others', in
    95 %, were it the best; on two sides: above or below none, were all alike.

    `own`: its standard error; `others`: the standard error of the others, and how many have it.
    """
    left = [(error, count) for error, count in others if count]
    if not left:
        return 0.0
    errors = np.array([error for error, _ in left])
    counts = np.array([count for _, count in left])
    nodes, weights = np.polynomial.hermite_e.hermegauss(_NODES)
    weights = weights / math.sqrt(2 * math.pi)
    scales, parts = _scales(freedom)
    apart = np.hypot(own, errors)

    def holds(limit: float) -> float:
        """The probability that all stay below."""
        room, moved = limit * scales[:, None, None] * apart, own * nodes[None, :, None]
        inside = special.ndtr((room - moved) / errors)
        if sides == 2:
            inside -= special.ndtr((-room - moved) / errors)
        return float(parts @ (inside**counts).prod(axis=2) @ weights)

    return _where_it_holds(holds)


@lru_cache(maxsize=1024)
def critical_range(count: int, freedom: int) -> float:
    """By how many standard errors of their difference no two of so many means that are all alike lie apart,
    in 95 %; where their runs differ, in more (Hayter, A proof of the conjecture that the Tukey-Kramer
    multiple comparisons procedure is conservative, Annals of Statistics 12, 1984)."""
    if count < 2:
        return 0.0
    places = np.linspace(-_REACH, _REACH, _PLACES)
    density = np.exp(-(places**2) / 2) / math.sqrt(2 * math.pi) * (places[1] - places[0])
    scales, parts = _scales(freedom)

    def holds(limit: float) -> float:
        """The probability that the range is shorter: the highest at a place, the others within it below."""
        below = places[None, :] - math.sqrt(2) * limit * scales[:, None]
        within = (special.ndtr(places) - special.ndtr(below)) ** (count - 1)
        return float(parts @ within @ density) * count

    return _where_it_holds(holds)


def _where_it_holds(holds: Callable[[float], float]) -> float:
    from scipy import optimize  # noqa: PLC0415 (24 MB, which whoever only reads a table need not hold)

    low, high = 0.0, 4.0
    while holds(high) < CONFIDENCE:
        low, high = high, 2 * high
    return float(optimize.brentq(lambda at: holds(at) - CONFIDENCE, low, high, xtol=_NEAR))


@lru_cache(maxsize=256)
def _scales(freedom: int) -> tuple[Values, Values]:
    """Values that stand for estimated / true deviation, and their weights."""
    levels, weights = np.polynomial.legendre.leggauss(_SCALES)
    scales: Values = np.sqrt(2 * special.gammaincinv(freedom / 2, (levels + 1) / 2) / freedom)
    return scales, weights / 2
