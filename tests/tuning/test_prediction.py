"""The predicted time of a job, on invented machines that know the truth."""

from __future__ import annotations

import math
from dataclasses import replace

from surface import STARTER, TWO_CORES, Machine, question, tune

from clipkit.hosts import Host
from clipkit.tuning.prediction import predict

MACHINES = 20


def strays(host: Host, budget_s: float, contrast: float = 0.3) -> list[tuple[float, float]]:
    """Of some tunings: by how much the prediction lies above the truth, and half its interval, both on
    logarithms."""
    found = []
    for seed in range(MACHINES):
        asked, machine = question(host, budget_s), Machine(noise=0.05, contrast=contrast, seed=seed)
        strategy = tune(asked, machine)
        told = predict(asked, strategy.session.screening, strategy.session.results)
        winner = strategy.session.winner
        assert told is not None and told.interval is not None and winner is not None
        truth_s = machine.job_s(asked, winner)
        found.append((math.log(told.value / truth_s), math.log(told.interval[1] / told.value)))
    return found


def test_it_is_not_flattered_by_the_luck_of_those_that_stay_in_the_race():
    errors = [error for error, _ in strays(TWO_CORES, 300, contrast=0.0)]
    assert abs(sorted(errors)[MACHINES // 2]) < 0.03


def test_the_truth_lies_in_its_interval_at_least_nine_times_in_ten():
    for host in (STARTER, TWO_CORES):
        for budget_s in (60, 300):
            found = strays(host, budget_s)
            assert sum(abs(error) <= half for error, half in found) >= 0.9 * MACHINES


def test_the_more_of_the_film_was_seen_the_narrower_it_is():
    (_, narrow), (_, wide) = (strays(STARTER, budget_s)[0] for budget_s in (300, 60))
    assert narrow < wide


def test_nothing_is_predicted_where_nothing_is_recommended():
    asked = question(STARTER, 60)
    strategy = tune(asked, Machine())
    assert predict(asked, replace(strategy.session.screening, chosen=None), ()) is None
