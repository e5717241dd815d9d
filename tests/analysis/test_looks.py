from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from clipkit.analysis.looks import levels_of_looks
from clipkit.records.choice import Contender, choose
from clipkit.records.noise import Noise


@pytest.mark.parametrize(
    "fractions", [(1.0,), (0.5, 1.0), (1 / 3, 2 / 3, 1.0), tuple(n / 10 for n in range(1, 11))]
)
def test_all_looks_together_are_wrong_in_one_of_twenty(fractions: tuple[float, ...]):
    """Of 100,000 walks without a drift; an unpaid look at 5 % each is wrong in 8 to 20 % of these."""
    steps = np.diff([0.0, *fractions])
    chance = np.random.default_rng(1)
    walks = np.cumsum(chance.standard_normal((100_000, len(steps))) * np.sqrt(steps), axis=1)
    seen = walks / np.sqrt(fractions)
    wrong = (seen > stats.norm.isf(levels_of_looks(fractions))).any(axis=1).mean()
    assert wrong == pytest.approx(0.05, abs=0.002)


def test_the_borders_are_those_of_obrien_and_fleming():
    """Two-sided 10 % at three looks in the tables of Jennison and Turnbull, spent as there: 3.20, 2.14, 1.70."""
    borders = stats.norm.isf(levels_of_looks((1 / 3, 2 / 3, 1.0)))
    assert borders == pytest.approx([3.20, 2.14, 1.70], abs=0.01)


def test_an_early_look_costs_next_to_nothing():
    first, last = levels_of_looks((0.3, 1.0))
    assert first < 0.001
    assert last > 0.0495


@pytest.mark.parametrize("fractions", [(0.5, 0.5), (0.5, 1.2), (0.0, 1.0), (0.8, 0.4)])
def test_looks_that_do_not_rise_to_one_are_refused(fractions: tuple[float, ...]):
    with pytest.raises(ValueError, match="rise to 1"):
        levels_of_looks(fractions)


def test_a_choice_made_at_one_of_several_looks_needs_a_longer_lead():
    asked = [Contender(0.0, 0.5, 1, True), Contender(0.1, 0.5, 1, True)]
    levels = levels_of_looks((0.25, 0.5, 1.0))
    leads = [choose(asked, Noise(0.05, 20), level=level).unseen for level in levels]
    assert leads[0] > leads[1] > leads[2] > choose(asked, Noise(0.05, 20)).unseen
