"""Two one-sided tests, against tables of t and on both sides of the margin."""

import math

import pytest

from clipkit.analysis.equivalence import MARGIN, equivalence_p, is_equivalent
from clipkit.analysis.statistics import Estimate, geometric_mean
from clipkit.records.noise import t_quantile


def estimate(value: float, log_error: float, freedom: int | None) -> Estimate:
    factor = math.exp(log_error * t_quantile((freedom or 1000) + 1))
    return Estimate(value, value / factor, value * factor, 5, freedom)


def test_the_probability_is_that_of_the_nearer_margin():
    """The 95 % quantile of t with 4 degrees of freedom is 2.132."""
    at_margin = estimate(1.0, math.log(MARGIN) / 2.132, 4)
    assert equivalence_p(at_margin) == pytest.approx(0.05, abs=0.0002)
    off = estimate(1.03, 0.01, None)
    distance = (math.log(1.05) - math.log(1.03)) / 0.01
    assert equivalence_p(off) == pytest.approx(0.5 * math.erfc(distance / math.sqrt(2)), rel=0.01)
    assert equivalence_p(estimate(1 / 1.03, 0.01, None)) == pytest.approx(equivalence_p(off) or 0)


def test_on_a_margin_it_is_as_probable_as_not_and_beyond_it_more():
    assert equivalence_p(estimate(MARGIN, 0.01, 4)) == pytest.approx(0.5)
    assert (equivalence_p(estimate(1.2, 0.01, 4)) or 0) > 0.99


def test_what_is_not_refuted_is_not_shown_to_be_alike():
    assert is_equivalent(estimate(1.01, 0.01, 4))
    assert not is_equivalent(estimate(1.01, 0.05, 4))
    assert not is_equivalent(estimate(1.08, 0.01, 4))


def test_one_run_shows_nothing():
    assert equivalence_p(geometric_mean([1.0])) is None
    assert not is_equivalent(geometric_mean([1.0]))
