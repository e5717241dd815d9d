"""By how much repeats of one measurement differ: what tells two cells apart. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

from scipy import special

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Noise:
    """By how much repeats of one measurement differ: a standard deviation on logarithms, and the
    degrees of freedom behind it."""

    log_sd: float
    freedom: int

    @property
    def half_width(self) -> float:
        """Of the 95 % interval of one measurement, on logarithms."""
        return t_quantile(self.freedom + 1) * self.log_sd


def pool(*sources: Noise) -> Noise:
    """Several sources of evidence as one, each with the weight of its degrees of freedom.

    Of what is known beforehand and what a few repeats say, this is the moderated variance of Smyth
    (Linear models and empirical Bayes methods for assessing differential expression, Statistical
    Applications in Genetics and Molecular Biology 3, 2004).
    """
    freedom = sum(source.freedom for source in sources)
    squares = sum(source.freedom * source.log_sd**2 for source in sources)
    return Noise(math.sqrt(squares / freedom), freedom)


@lru_cache(maxsize=1024)
def t_quantile(n: int) -> float:
    """Two-sided 95 % quantile of Student's t with n - 1 degrees of freedom."""
    return float(special.stdtrit(n - 1, (1 + CONFIDENCE) / 2))
