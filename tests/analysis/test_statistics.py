"""Estimates and intervals, against scipy, values by hand, and invented figures of known truth."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest
from scipy import stats

from clipkit.analysis.statistics import (
    Estimate,
    geometric_mean,
    mean,
    mean_of_ratios,
    noise_of,
    paired_ratio,
    quotient,
    total,
    total_by_ratio,
)
from clipkit.records.noise import Noise, pool, t_quantile
from clipkit.records.usual_noise import usual_neighbour_noise, usual_noise

SIMULATIONS = 2000
CLOSE_TO_95 = (0.92, 0.98)


def coverage(simulate: Callable[[random.Random], tuple[float, Estimate]]) -> float:
    """How often the interval holds the truth."""
    generator = random.Random(20240)
    held = 0
    for _ in range(SIMULATIONS):
        truth, estimate = simulate(generator)
        assert estimate.low is not None
        assert estimate.high is not None
        held += estimate.low <= truth <= estimate.high
    return held / SIMULATIONS


def noisy(generator: random.Random, value: float, log_sd: float) -> float:
    return value * math.exp(generator.gauss(0, log_sd))


def test_the_quantile_is_students():
    assert t_quantile(5) == pytest.approx(2.776445)
    assert t_quantile(2) == pytest.approx(12.7062)


def test_a_geometric_mean_has_scipys_t_interval_on_logarithms():
    values = [4.0, 5.0, 7.0, 4.4]
    logs = [math.log(value) for value in values]
    low, high = stats.t.interval(0.95, 3, loc=sum(logs) / 4, scale=stats.sem(logs))
    found = geometric_mean(values)
    assert found.value == pytest.approx(stats.gmean(values))
    assert found.interval == pytest.approx((math.exp(low), math.exp(high)))
    assert found.n == 4


def test_a_mean_of_nearly_equal_values_has_scipys_t_interval():
    values = [100.0, 101.0, 99.5, 100.2, 99.8]
    expected = stats.t.interval(0.95, 4, loc=sum(values) / 5, scale=stats.sem(values))
    found = mean(values)
    assert found.value == pytest.approx(100.1)
    assert found.interval == pytest.approx(expected, rel=1e-3)


def test_a_ratio_by_hand():
    # ln 2 and ln 8 around ln 4, each ln 2 away: half width 12.7062 * sd / sqrt(2), sd = ln 2 * sqrt(2)
    found = paired_ratio([2.0, 8.0], [1.0, 1.0])
    assert found.value == pytest.approx(4.0)
    assert found.high == pytest.approx(4.0 * math.exp(12.7062 * math.log(2)), rel=1e-4)


def test_pairs_of_unequal_number_are_refused():
    with pytest.raises(ValueError, match="shorter"):
        paired_ratio([1.0, 2.0], [1.0])


@pytest.mark.parametrize("estimate", [geometric_mean, mean])
def test_one_measurement_has_no_interval(estimate: Callable[[list[float]], Estimate]):
    found = estimate([3.0])
    assert (found.value, found.interval, found.n) == (pytest.approx(3.0), None, 1)


def test_what_has_no_interval_gives_none_to_what_is_made_of_it():
    known, single = mean([3.0, 3.1]), mean([3.0])
    assert quotient(known, single).interval is None
    assert total([known, single]).interval is None
    assert total_by_ratio([3.0], [1.0], [1.0, 1.0]).interval is None


@pytest.mark.parametrize(
    "found",
    [
        geometric_mean([1.0, 90.0]),
        mean([1.0, 90.0]),
        total([mean([1.0, 90.0]), mean([1.0, 2.0])]),
        quotient(mean([1.0, 90.0]), mean([1.0, 90.0])),
        total_by_ratio([1.0, 90.0], [1.0, 1.0], [1.0] * 12),
    ],
    ids=["geometric mean", "mean", "total", "quotient", "total by ratio"],
)
def test_no_interval_reaches_0_however_wild_the_values(found: Estimate):
    assert found.low is not None
    assert found.high is not None
    assert 0 < found.low < found.value < found.high


def test_equal_values_have_an_interval_of_no_width():
    assert mean([2.0, 2.0, 2.0]).interval == pytest.approx((2.0, 2.0))


def test_the_total_of_one_part_is_that_part():
    part = total_by_ratio([5.0, 6.0, 9.0], [1.0, 1.0, 2.0], [1.0] * 12)
    whole = total([part])
    assert whole.value == pytest.approx(part.value)
    assert whole.interval == pytest.approx(part.interval)


def test_independent_parts_are_known_better_together_than_each_alone():
    part = mean([9.0, 10.0, 11.0])
    both = total([part, part])
    assert both.value == pytest.approx(20.0)
    assert both.log_half_width == pytest.approx((part.log_half_width or 0) / math.sqrt(2))


def test_a_total_by_ratio_follows_the_sizes():
    found = total_by_ratio([2.0, 6.0], [1.0, 3.0], [1.0, 2.0, 3.0, 4.0])
    assert found.value == pytest.approx(20.0)
    assert found.interval == pytest.approx((20.0, 20.0))


def test_equal_sizes_give_the_textbooks_variance_of_a_total():
    """N^2 (1 - n/N) s^2 / n, as a t interval with n - 1 degrees of freedom."""
    values = [10.0, 11.0, 10.5, 9.5]
    found = total_by_ratio(values, [1.0] * 4, [1.0] * 12)
    sd = stats.tstd(values)
    half = 3.182446 * 12 * math.sqrt((1 - 4 / 12) * sd**2 / 4)
    assert found.value == pytest.approx(12 * 10.25)
    assert found.log_half_width == pytest.approx(half / found.value)


def test_once_all_units_are_measured_only_noise_is_left():
    values = [8.0, 10.0, 12.0]
    certain = total_by_ratio(values, [1.0] * 3, [1.0] * 3)
    honest = total_by_ratio(values, [1.0] * 3, [1.0] * 3, noise=Noise(0.04, 10))
    assert certain.interval == pytest.approx((30.0, 30.0))
    assert honest.log_half_width == pytest.approx(2.228139 * 0.04 / math.sqrt(3))


def test_units_measured_more_than_once_break_nothing():
    found = total_by_ratio([5.0, 5.5], [1.0, 1.0], [1.0], noise=Noise(0.04, 10))
    assert found.value == pytest.approx(5.25)
    assert found.interval is not None


def test_one_unit_has_the_interval_that_is_known_beforehand():
    found = total_by_ratio([5.0], [1.0], [1.0] * 12, Noise(0.2, 4))
    assert found.log_half_width == pytest.approx(2.776445 * 0.2 * math.sqrt(11 / 12))
    assert found.n == 1


def test_noise_is_what_repeats_differ_by_around_their_own_means():
    groups = [[1.0, math.exp(0.2)], [50.0, 50.0 * math.exp(0.2)], [3.0]]
    assert noise_of(groups) == Noise(pytest.approx(0.2 / math.sqrt(2)), 2)


def test_what_was_fitted_besides_costs_degrees_of_freedom():
    groups = [[1.0, 1.1], [2.0, 2.1]]
    assert noise_of(groups, fitted=1) is not None
    assert noise_of(groups, fitted=2) is None


def test_nothing_repeated_says_nothing_of_noise():
    assert noise_of([[1.0], [2.0]]) is None
    assert noise_of([]) is None


def test_pooled_evidence_weighs_by_its_degrees_of_freedom():
    assert pool(Noise(0.1, 1), Noise(0.2, 3)) == Noise(pytest.approx(math.sqrt(0.13 / 4)), 4)


@pytest.mark.parametrize("pairs", [2, 3, 5, 12])
def test_a_paired_ratio_covers_the_truth_in_spite_of_drift(pairs: int):
    def simulate(generator: random.Random) -> tuple[float, Estimate]:
        drift = [noisy(generator, 1.0, 0.3) for _ in range(pairs)]
        slow = [noisy(generator, 3.0 * level, 0.05) for level in drift]
        fast = [noisy(generator, level, 0.05) for level in drift]
        return 3.0, paired_ratio(slow, fast)

    assert CLOSE_TO_95[0] <= coverage(simulate) <= CLOSE_TO_95[1]


@pytest.mark.parametrize("pairs", [1, 2, 5])
def test_with_noise_known_beforehand_it_covers_the_truth_and_is_narrower(pairs: int):
    widths: list[float] = []

    def simulate(generator: random.Random) -> tuple[float, Estimate]:
        slow = [noisy(generator, 3.0, 0.05) for _ in range(pairs)]
        fast = [noisy(generator, 1.0, 0.05) for _ in range(pairs)]
        found = paired_ratio(slow, fast, prior(generator, 0.05, 3))
        alone = paired_ratio(slow, fast).log_half_width or math.inf
        widths.append((found.log_half_width or 0) / alone)
        return 3.0, found

    assert CLOSE_TO_95[0] <= coverage(simulate) <= CLOSE_TO_95[1]
    assert sorted(widths)[len(widths) // 2] < 1


@pytest.mark.parametrize("pairs", [3, 5, 8])
def test_pairs_hold_the_true_ratio_on_a_machine_like_any_other(pairs: int):
    """Machines differ in how far repeats stray; what is usual stands for four repeats."""

    def simulate(generator: random.Random) -> tuple[float, Estimate]:
        log_sd = 0.05 / math.sqrt(generator.gammavariate(2, 0.5))
        slow = [noisy(generator, 3.0, log_sd) for _ in range(pairs)]
        fast = [noisy(generator, 1.0, log_sd) for _ in range(pairs)]
        return 3.0, paired_ratio(slow, fast, Noise(0.05, 4))

    assert CLOSE_TO_95[0] <= coverage(simulate) <= CLOSE_TO_95[1]


def test_one_wild_pair_of_six_hardly_moves_the_ratio():
    ones = [1.0] * 6
    wild = paired_ratio([2.0, 2.02, 1.98, 2.0, 2.02, 6.0], ones, usual_noise(2.0))
    assert wild.value == pytest.approx(2.01, abs=0.002)
    assert paired_ratio([2.0, 2.02, 1.98, 2.0, 6.0], ones[:5], usual_noise(2.0)).value > 2.4


def test_a_smaller_host_is_usually_noisier_and_neighbours_differ_less_than_any_two():
    quotas = [0.5, 1.0, 2.0]
    alone, beside = (
        [usual(quota).log_sd for quota in quotas] for usual in (usual_noise, usual_neighbour_noise)
    )
    assert alone == sorted(alone, reverse=True)
    assert beside == sorted(beside, reverse=True)
    assert all(near < far for near, far in zip(beside, alone, strict=True))
    assert usual_noise(None) == usual_noise(8.0)


def test_equal_ratios_of_noisy_cells_are_known_no_better_than_their_noise():
    each = Estimate(1.25, 1.25 / 1.1, 1.25 * 1.1, 3)
    found = mean_of_ratios([each] * 4)
    assert found.log_half_width == pytest.approx(math.log(1.1) / 2)
    apart = mean_of_ratios([each, Estimate(2.0, 2.0 / 1.1, 2.0 * 1.1, 3)])
    assert (apart.log_half_width or 0) > 1
    assert mean_of_ratios([each]) == each


@pytest.mark.parametrize("n", [3, 5, 12])
def test_a_mean_covers_the_truth(n: int):
    middle = math.exp(0.1**2 / 2)

    def simulate(generator: random.Random) -> tuple[float, Estimate]:
        return middle, mean([noisy(generator, 1.0, 0.1) for _ in range(n)])

    assert CLOSE_TO_95[0] <= coverage(simulate) <= CLOSE_TO_95[1]


@pytest.mark.parametrize("n", [5, 8, 12])
def test_a_quotient_covers_the_truth(n: int):
    def simulate(generator: random.Random) -> tuple[float, Estimate]:
        slow = mean([noisy(generator, 3.0, 0.05) for _ in range(n)])
        fast = mean([noisy(generator, 1.0, 0.05) for _ in range(8)])
        return 3.0, quotient(slow, fast)

    assert CLOSE_TO_95[0] <= coverage(simulate) <= CLOSE_TO_95[1]


def test_a_quotient_of_few_measurements_errs_on_the_wide_side():
    def simulate(generator: random.Random) -> tuple[float, Estimate]:
        sides = [mean([noisy(generator, level, 0.05) for _ in range(2)]) for level in (3.0, 1.0)]
        return 3.0, quotient(*sides)

    assert coverage(simulate) >= CLOSE_TO_95[0]


@pytest.mark.parametrize("measured", [3, 6, 10])
@pytest.mark.parametrize("units", [12, 40])
def test_a_total_by_ratio_covers_the_truth_of_a_finite_population(units: int, measured: int):
    def simulate(generator: random.Random) -> tuple[float, Estimate]:
        sizes = [generator.uniform(1.0, 3.0) for _ in range(units)]
        times = [noisy(generator, size, 0.15) for size in sizes]
        taken = generator.sample(range(units), measured)
        estimate = total_by_ratio([times[i] for i in taken], [sizes[i] for i in taken], sizes)
        return sum(times), estimate

    assert CLOSE_TO_95[0] <= coverage(simulate) <= CLOSE_TO_95[1]


@pytest.mark.parametrize("measured", [1, 2, 4, 12])
def test_with_noise_and_what_is_known_beforehand_it_covers_the_truth_too(measured: int):
    def simulate(generator: random.Random) -> tuple[float, Estimate]:
        times = [noisy(generator, 1.0, 0.2) for _ in range(12)]
        taken = generator.sample(range(12), measured)
        seen = [noisy(generator, times[i], 0.04) for i in taken]
        estimate = total_by_ratio(
            seen, [1.0] * measured, [1.0] * 12, prior(generator, 0.2, 4), prior(generator, 0.04, 9)
        )
        return sum(times), estimate

    assert CLOSE_TO_95[0] <= coverage(simulate) <= CLOSE_TO_95[1]


def prior(generator: random.Random, log_sd: float, freedom: int) -> Noise:
    """Measured elsewhere, with as much luck as its degrees of freedom leave."""
    squares = sum(generator.gauss(0, log_sd) ** 2 for _ in range(freedom))
    return Noise(math.sqrt(squares / freedom), freedom)


def test_one_measurement_noisier_than_thought_widens_the_interval():
    calm = total_by_ratio([1.0, 1.01], [1.0, 1.0], [1.0] * 12, Noise(0.2, 4))
    wild = total_by_ratio([1.0, 4.0], [1.0, 1.0], [1.0] * 12, Noise(0.2, 4))
    assert (wild.log_half_width or 0) > (calm.log_half_width or 0)
