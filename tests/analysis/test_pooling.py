"""Several conditions as one."""

from __future__ import annotations

import math

import numpy as np
import pytest

from clipkit.analysis.pooling import pool_all, pool_levels
from clipkit.analysis.statistics import Estimate
from clipkit.records.noise import t_quantile

FREEDOM = 40


def ratio(value: float, log_error: float = 0.05) -> Estimate:
    factor = math.exp(log_error * t_quantile(FREEDOM + 1))
    return Estimate(value, value / factor, value * factor, 3, FREEDOM)


def test_one_condition_speaks_for_itself_alone():
    alone = ratio(1.3)
    pooled = pool_all([alone])
    assert pooled is not None
    assert pooled.estimate.value == pytest.approx(1.3)
    assert pooled.estimate.interval == pytest.approx(alone.interval)
    assert pooled.alike_p is None


def test_alike_conditions_are_known_better_together_than_any_alone():
    alone = ratio(1.1)
    pooled = pool_all([ratio(1.1 * by) for by in (0.99, 1.0, 1.01, 1.0)])
    assert pooled is not None
    assert pooled.estimate.value == pytest.approx(1.1, rel=0.001)
    assert pooled.estimate.n == 4
    assert pooled.estimate.log_half_width < 0.8 * alone.log_half_width
    assert pooled.alike_p is not None
    assert pooled.alike_p > 0.9


def test_unlike_conditions_are_told_and_widen_the_interval():
    alike = pool_all([ratio(1.1) for _ in range(4)])
    unlike = pool_all([ratio(value) for value in (0.8, 1.0, 1.2, 1.5)])
    assert alike is not None
    assert unlike is not None
    assert unlike.alike_p is not None
    assert unlike.alike_p < 0.001
    assert unlike.estimate.log_half_width > 2 * alike.estimate.log_half_width
    assert unlike.log_spread == pytest.approx(0.19, abs=0.06)


def test_levels_share_what_is_known_of_the_spread_but_not_their_means():
    scattered = [ratio(value) for value in (0.7, 0.9, 1.1, 1.4)]
    levels = pool_levels({"calm": [ratio(1.2), ratio(1.2)], "wild": scattered})
    assert levels["calm"].estimate.value == pytest.approx(1.2)
    by_itself = pool_levels({"calm": [ratio(1.2), ratio(1.2)]})["calm"]
    assert levels["calm"].estimate.log_half_width > by_itself.estimate.log_half_width


def test_what_has_no_interval_is_left_out():
    single = Estimate(1.4, None, None, 1)
    assert pool_all([single]) is None
    pooled = pool_all([single, ratio(1.1), ratio(1.1)])
    assert pooled is not None
    assert pooled.estimate.n == 2
    assert pooled.estimate.value == pytest.approx(1.1)


@pytest.mark.parametrize(("conditions", "spread"), [(2, 0.5), (4, 1.0), (8, 1.0)])
def test_the_interval_holds_the_mean_that_conditions_scatter_about(conditions, spread):
    chance, held, times = np.random.default_rng(3), 0, 400
    for _ in range(times):
        truths = 0.05 * spread * chance.standard_normal((3, conditions))
        seen = np.exp(truths + 0.05 * chance.standard_normal((3, conditions)))
        pooled = pool_levels({n: [ratio(float(v)) for v in own] for n, own in enumerate(seen)})
        held += sum(p.estimate.low <= 1.0 <= p.estimate.high for p in pooled.values())
    assert held / (3 * times) >= 0.93
