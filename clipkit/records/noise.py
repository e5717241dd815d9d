"""By how much repeats of one measurement differ: what tells two cells apart. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from scipy import stats

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


def t_quantile(n: int) -> float:
    """Two-sided 95 % quantile of Student's t with n - 1 degrees of freedom."""
    return float(stats.t.ppf((1 + CONFIDENCE) / 2, n - 1))
