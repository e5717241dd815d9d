"""Whether an effect lies on both sides of an edge."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from clipkit.analysis.interaction import LEVEL, deviate, gail_simon_p, holm, of_several
from clipkit.analysis.statistics import Estimate


def test_effects_of_different_size_on_one_side_are_no_division():
    assert gail_simon_p([1.0, 4.0, 9.0]) == 1.0


def test_effects_far_on_both_sides_are_one():
    assert gail_simon_p([-5.0, 5.0]) == pytest.approx(0.5 * stats.chi2.sf(25, 1))


def test_two_levels_are_the_one_sided_test_of_the_lesser():
    """Gail and Simon's table for two subsets: 2.71 is critical at 5 %."""
    assert gail_simon_p([math.sqrt(2.706), -10]) == pytest.approx(0.05, abs=0.0005)


def test_three_levels_have_the_critical_value_of_gail_and_simons_table():
    assert gail_simon_p([math.sqrt(4.23), -10, -10]) == pytest.approx(0.05, abs=0.0005)


def test_what_is_known_without_error_leaves_the_other_side_to_decide():
    assert gail_simon_p([-math.inf, 0.5]) == pytest.approx(0.5 * stats.chi2.sf(0.25, 1))
    assert gail_simon_p([-math.inf, math.inf]) == 0.0


def test_a_single_level_says_nothing():
    assert gail_simon_p([3.0]) is None


def test_a_deviate_has_the_probability_that_t_gives_it():
    factor = math.exp(0.1 * stats.t.ppf(0.975, 5))
    seen = Estimate(1.2, 1.2 / factor, 1.2 * factor, 3, freedom=5)
    by = deviate(seen, 1.0)
    assert by is not None
    assert stats.norm.sf(by) == pytest.approx(stats.t.sf(math.log(1.2) / 0.1, 5))
    below = deviate(seen, 1.44)
    assert below == pytest.approx(-by)


def test_holm_multiplies_the_least_by_all_and_never_falls():
    adjusted = holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.9})
    assert adjusted == pytest.approx({"a": 0.04, "c": 0.09, "b": 0.09, "d": 0.9})
    assert holm({}) == {}


def test_the_factor_named_beforehand_has_half_of_the_level():
    assert of_several(0.01, [0.5, 0.5, 0.5]) == pytest.approx(0.02)
    assert of_several(0.5, [0.01, 0.5]) == pytest.approx(0.04)
    assert of_several(0.03, []) == pytest.approx(0.03)
    assert of_several(None, [0.02, 0.5]) == pytest.approx(0.04)
    assert of_several(None, []) is None


@pytest.mark.parametrize(
    "means", [(0.0, 0.0, 0.0), (9.0, 0.0, 0.0), (9.0, 9.0, 0.0), (1.0, 1.0, 1.0)]
)
def test_a_division_is_seen_by_chance_in_at_most_one_case_of_twenty(means):
    """The worst case is all levels but one on the edge, that one far away."""
    chance, times = np.random.default_rng(5), 4000
    drawn = chance.standard_normal((times, len(means))) + np.array(means)
    wrong = sum((gail_simon_p(list(row)) or 1.0) < LEVEL for row in drawn)
    assert wrong / times <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / times)


def test_the_worst_case_uses_the_level_up():
    chance, times = np.random.default_rng(5), 4000
    drawn = chance.standard_normal((times, 3)) + np.array([9.0, 0.0, 0.0])
    wrong = sum((gail_simon_p(list(row)) or 1.0) < LEVEL for row in drawn)
    assert wrong / times > 0.035
