"""The rule of choice on invented measurements whose truth is known."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

import numpy as np
import pytest
from scipy import stats

from clipkit.records.choice import NO_SLOWER, Chosen, Contender, choose
from clipkit.records.noise import Noise
from clipkit.records.with_best import critical_range, critical_value

RUNS = 3
QUIET = Noise(0.005, 30)
USUAL = Noise(0.06, 16)


def contenders(
    *times_s: float, runs: int = RUNS, needs: Sequence[int | None] = (), roomy: Sequence[bool] = ()
) -> list[Contender]:
    return [
        Contender(
            math.log(wall_s),
            1 / math.sqrt(runs),
            needs[place] if needs else 50,
            roomy[place] if roomy else True,
        )
        for place, wall_s in enumerate(times_s)
    ]


def measured(chance: np.random.Generator, truth: Sequence[float], noise: Noise) -> Chosen:
    """What is chosen of contenders whose true logarithms are `truth`, of which 3 runs each were made and
    whose noise was estimated."""
    means = np.array(truth) + chance.normal(0, noise.log_sd / math.sqrt(RUNS), len(truth))
    seen = noise.log_sd * math.sqrt(chance.chisquare(noise.freedom) / noise.freedom)
    return choose(contenders(*np.exp(means)), Noise(seen, noise.freedom))


class TestWhatIsTaken:
    def test_the_fastest_where_the_others_are_far_behind(self):
        found = choose(contenders(12.0, 10.0, 15.0, needs=(1, 99, 1)), QUIET)
        assert found.place == found.ahead == 1
        assert found.decided
        assert found.tied == (1,)
        assert found.shortfall == pytest.approx(0, abs=1e-6)
        assert found.shortfalls[0] == pytest.approx(0.2, abs=0.01)

    def test_of_those_surely_as_fast_the_one_that_needs_the_least_memory(self):
        found = choose(contenders(10.0, 10.02, 15.0, needs=(60, 40, 1)), QUIET)
        assert found.place == 1
        assert found.ahead == 0
        assert found.decided

    def test_memory_has_no_say_where_the_noise_hides_which_is_fast(self):
        """A smaller one 5 % behind is not told from the fastest, and is not taken for it."""
        found = choose(contenders(10.0, 10.5, needs=(60, 40), runs=2), USUAL)
        assert found.tied == (0, 1)
        assert found.place == 0
        assert not found.decided

    def test_an_unknown_need_comes_last(self):
        assert choose(contenders(10.0, 10.0, needs=(None, 60)), QUIET).place == 1

    def test_what_leaves_no_margin_does_not_compete(self):
        found = choose(contenders(10.0, 12.0, 12.5, roomy=(False, True, True)), QUIET)
        assert found.place == found.ahead == 1
        assert found.shortfalls[0] is None
        assert found.shrunk_log_means[0] is None
        assert 0 not in found.tied

    def test_all_compete_where_nothing_leaves_a_margin(self):
        found = choose(contenders(10.0, 12.0, roomy=(False, False)), QUIET)
        assert found.place == 0
        assert None not in found.shortfalls

    def test_a_single_one_is_taken_and_nothing_was_to_be_decided(self):
        found = choose(contenders(10.0), USUAL)
        assert (found.place, found.upper, found.unseen, found.tied) == (0, 1.0, 1.0, (0,))

    def test_the_same_measurements_give_the_same_answer(self):
        asked = contenders(*np.linspace(10, 12, 9))
        assert choose(asked, USUAL) == choose(asked, USUAL)

    def test_the_expected_shortfall_of_equal_means_is_that_of_their_noise(self):
        """Far enough apart beforehand that nothing is shrunk: E |x - y| / 2 of two normal variables."""
        found = choose([*contenders(10.0, 10.0), *contenders(40.0, 90.0)], Noise(0.02, 10_000))
        sd = 0.02 * math.sqrt(2 / RUNS)
        assert found.shortfalls[0] == pytest.approx(sd / math.sqrt(2 * math.pi), rel=0.12)


class TestHowManyAreToldApart:
    @pytest.mark.parametrize(("count", "value"), [(2, 1.645), (9, 2.381), (36, 2.792)])
    def test_of_equal_runs_the_critical_value_is_dunnetts(self, count: int, value: float):
        assert critical_value(1.0, ((1.0, count - 1),), 10**6) == pytest.approx(value, abs=0.002)

    @pytest.mark.parametrize("freedom", [2, 4, 10])
    def test_of_two_it_is_students(self, freedom: int):
        value = stats.t.ppf(0.95, freedom)
        assert critical_value(0.5, ((1.0, 1),), freedom) == pytest.approx(value, rel=1e-3)

    def test_of_unequal_runs_it_agrees_with_a_simulation(self):
        errors, freedom, draws = np.array([1.0, 0.5, 0.7, 0.7, 0.7]), 6, 200_000
        chance = np.random.default_rng(3)
        drawn = chance.standard_normal((draws, 5)) * errors
        scale = np.sqrt(chance.chisquare(freedom, draws) / freedom)
        apart = (drawn[:, :1] - drawn[:, 1:]) / np.hypot(errors[0], errors[1:]) / scale[:, None]
        found = critical_value(1.0, ((0.5, 1), (0.7, 3)), freedom)
        assert np.mean(apart.max(axis=1) > found) == pytest.approx(0.05, abs=0.003)

    @pytest.mark.parametrize(("count", "freedom"), [(2, 4), (9, 16), (36, 60)])
    def test_all_of_several_are_held_apart_by_tukeys_range(self, count: int, freedom: int):
        value = stats.studentized_range.ppf(0.95, count, freedom) / math.sqrt(2)
        assert critical_range(count, freedom) == pytest.approx(value, rel=2e-3)

    def test_more_contenders_need_a_longer_lead(self):
        few = choose(contenders(10.0, 11.0), USUAL)
        many = choose(contenders(10.0, *[11.0] * 20), USUAL)
        assert 1 < few.unseen < many.unseen

    def test_a_lead_as_long_as_told_is_seen_and_a_shorter_one_is_not(self):
        unseen = choose(contenders(10.0, 10.0), USUAL).unseen
        assert choose(contenders(10.0, 10.0 * unseen * 1.001), USUAL).tied == (0,)
        assert choose(contenders(10.0, 10.0 * unseen * 0.999), USUAL).tied == (0, 1)


@pytest.mark.parametrize("count", [2, 9, 36])
class TestHowOftenItIsWrong:
    """500 times each: 5 % are 25, and 40 of 500 would be seen in one of 1,000 such tests."""

    TIMES, MOST = 500, 40

    def test_one_of_equals_is_told_from_the_best(self, count: int):
        chance = np.random.default_rng(count)
        lost = sum(
            len(measured(chance, [0.0] * count, USUAL).tied) < count for _ in range(self.TIMES)
        )
        assert lost <= self.MOST

    def test_what_is_called_decided_is_slower_than_the_best(self, count: int):
        """The others lie just so far behind the best that to take one of them is wrong."""
        chance = np.random.default_rng(count)
        truth = [0.0, *[math.log1p(NO_SLOWER) + 1e-6] * (count - 1)]
        quieter = Noise(0.03, USUAL.freedom)
        found = [measured(chance, truth, quieter) for _ in range(self.TIMES)]
        assert sum(each.decided and each.place != 0 for each in found) <= self.MOST

    def test_the_chosen_one_lies_further_behind_than_its_limit(self, count: int):
        chance = np.random.default_rng(count)
        missed = 0
        for _ in range(self.TIMES):
            truth = chance.normal(0, 0.05, count)
            found = measured(chance, truth, USUAL)
            others = np.delete(truth, found.place).min()
            missed += truth[found.place] - others > math.log(found.upper)
        assert missed <= self.MOST


@pytest.mark.parametrize("spread", [0.02, 0.1, 0.5])
def test_the_chosen_ones_shortfall_and_time_are_as_expected(spread: float):
    """Unshrunk, the mean of the fastest of 9 alike is 4 % less than its time."""
    chance = np.random.default_rng(5)
    expected, real, shrunk = [], [], []
    for _ in range(400):
        truth = chance.normal(0, spread, 9)
        found = measured(chance, truth, USUAL)
        expected.append(found.shortfall)
        real.append(math.expm1(truth[found.place] - truth.min()))
        shrunk.append((found.shrunk_log_means[found.place] or 0.0) - truth[found.place])
    assert np.mean(real) == pytest.approx(np.mean(expected), abs=0.006)
    assert np.mean(shrunk) == pytest.approx(0, abs=0.015)


def test_one_round_at_a_noise_of_9_percent_costs_little():
    """To take the least memory among all that tie would cost 27 % here."""
    chance = np.random.default_rng(6)
    cost = []
    for _ in range(400):
        truth = np.array([0.0, 0.05, 0.1, 0.15, 0.2, 0.3])
        means = truth + chance.normal(0, 0.09, len(truth))
        needs = [60, 50, 40, 30, 20, 10]
        found = choose(contenders(*np.exp(means), runs=1, needs=needs), Noise(0.09, 10))
        cost.append(math.expm1(truth[found.place]))
    assert np.mean(cost) < 0.05


def test_it_is_quick_enough_for_thousands_of_conditions():
    asked = contenders(*np.linspace(10, 12, 9))
    choose(asked, USUAL)
    began_s = time.process_time()
    for number in range(100):
        choose(asked, Noise(0.06 + number / 1e5, 16))
    # About 0.03 s alone.
    assert time.process_time() - began_s < 0.5
