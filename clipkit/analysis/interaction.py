"""Whether an effect lies on both sides of an edge, beyond what noise makes of one side. Pure.

Only such a *qualitative* interaction makes "it depends" true: effects of different size on the same
side do not. Gail and Simon, Testing for qualitative interactions between treatment effects and patient
subsets, Biometrics 41, 1985. Several claims are tested at once, so their probabilities are Holm's (A
simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6, 1979).
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

from scipy import stats

from clipkit.analysis.statistics import Estimate

Name = TypeVar("Name", bound=Hashable)

LEVEL = 0.05
"""What is less probable than this by noise alone counts as shown."""


def deviate(estimate: Estimate, edge: float) -> float | None:
    """By how many standard errors it lies above an edge: of the normal distribution, of which it has
    the probability that t gives it. None without an interval."""
    error = estimate.log_error
    if not error:
        return None
    distance = math.log(estimate.value / edge) / error
    if estimate.freedom is None:
        return distance
    tail = float(stats.t.sf(abs(distance), estimate.freedom))
    return math.copysign(float(stats.norm.isf(tail)), distance)


def gail_simon_p(deviates: Sequence[float]) -> float | None:
    """How probable it is that effects which all lie on one side of the edge (or on it) look so divided.
    None where there are not two of them. What is known without error is an infinite deviate."""
    if len(deviates) < 2:
        return None
    above = sum(z**2 for z in deviates if z > 0)
    below = sum(z**2 for z in deviates if z < 0)
    least, others = min(above, below), len(deviates) - 1
    if not least:
        return 1.0
    parts = [
        math.comb(others, h) / 2**others * float(stats.chi2.sf(least, h))
        for h in range(1, others + 1)
    ]
    return float(sum(parts))


def of_several(first: float | None, others: Sequence[float]) -> float | None:
    """One probability of tests of one claim by several factors: half of the level is for the factor that
    was named beforehand, half for all others together (Bonferroni's, with weights)."""
    if first is None or not others:
        tests = [p for p in (first, *others) if p is not None]
        return min(1.0, min(tests) * len(tests)) if tests else None
    return min(1.0, 2 * first, 2 * len(others) * min(others))


def holm(probabilities: Mapping[Name, float]) -> dict[Name, float]:
    """Each adjusted for all of them."""
    ordered = sorted(probabilities.items(), key=lambda item: item[1])
    adjusted: dict[Name, float] = {}
    highest = 0.0
    for place, (name, p) in enumerate(ordered):
        highest = max(highest, min(1.0, p * (len(ordered) - place)))
        adjusted[name] = highest
    return adjusted
