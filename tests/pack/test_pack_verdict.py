"""Whether what was promised at home holds on the host: pairs, what is none, and what is said of them."""

from __future__ import annotations

import pytest

from clipkit.pack.there.planned import Promise
from clipkit.pack.there.verdict import (
    Here,
    Pair,
    Ran,
    failures_of,
    pairs_of,
    verdict_of,
    why_no_pair,
)
from clipkit.records.status import Status

PROMISE = Promise(1.42, 1.36, 1.48, (0,), (1,), 0.5, 0.5)
HERE = Here(0.5, steal_is_ours=False)
QUANTILES = {2: 12.71, 3: 4.303, 4: 3.182, 5: 2.776}


def pairs(*walls: tuple[float, float]) -> list[Pair]:
    return [
        Pair(block, Ran(rival, rival / 2, rival / 2), Ran(own, own / 2, own / 2))
        for block, (rival, own) in enumerate(walls)
    ]


def verdict(*walls: tuple[float, float]):
    return verdict_of(pairs(*walls), PROMISE, QUANTILES)


def test_a_ratio_whose_interval_reaches_the_promised_one_holds() -> None:
    found = verdict((59, 41), (59.5, 41.2), (58.8, 41.1), (59.1, 40.8), (58.9, 41.0))
    assert found.holds is True
    assert found.sentence.startswith("promised 1.42 times; here 41 s instead of 59.1 s (1.4")
    assert found.sentence.endswith(": it holds")


def test_a_ratio_wholly_below_the_promised_one_does_not_hold() -> None:
    found = verdict((59, 52), (59.5, 52.2), (58.8, 52.1), (59.1, 51.8), (58.9, 52.0))
    assert found.holds is False
    assert "it does not hold" in found.sentence


def test_one_that_may_be_no_gain_at_all_is_not_decided() -> None:
    assert verdict((59, 41), (41, 59), (59, 41)).holds is None


@pytest.mark.parametrize(
    ("own_s", "word"), [(11.1, "faster here"), (12.4, "not decided"), (14, "slower here")]
)
def test_where_home_did_not_tell_them_apart_nothing_was_promised_that_could_hold(
    own_s: float, word: str
) -> None:
    undecided = Promise(0.78, 0.12, 5.0, (0,), (1,), 0.5, 0.5)
    walls = [(12.4 + by, own_s + by / 2) for by in (-0.2, -0.1, 0.0, 0.1, 0.2)]
    found = verdict_of(pairs(*walls), undecided, QUANTILES)
    assert found.holds is None
    assert found.sentence.startswith(
        "nothing was promised, since home did not tell the two apart (0.12 to 5.00); here "
    )
    assert found.sentence.endswith(f"): {word}")


def test_one_that_is_slower_than_all_that_home_left_open_does_not_hold() -> None:
    alike = Promise(1.0, 0.95, 1.05, (0,), (1,), 0.5, 0.5)
    found = verdict_of(pairs((10, 20), (10, 20.5), (10, 19.5)), alike, QUANTILES)
    assert found.holds is False
    assert found.sentence.startswith("promised 1.00 times; here ")


def test_a_single_pair_says_nothing() -> None:
    found = verdict((59, 41))
    assert (found.holds, found.ratio) == (None, None)
    assert "only 1 pair can be compared" in found.sentence


def test_two_trials_between_which_burst_credits_ran_out_are_no_pair() -> None:
    full, starved = Ran(20, 20, 0.0), Ran(60, 6, 54.0)
    assert "1.00 and the other 0.10 CPU seconds a second" in (
        why_no_pair(full, starved, PROMISE, HERE) or ""
    )


def test_one_that_idles_of_its_own_accord_is_a_pair_with_one_that_does_not() -> None:
    busy, sleeper = Ran(40, 20, 20.0), Ran(80, 20, 20.0)
    assert why_no_pair(busy, sleeper, PROMISE, HERE) is None
    one_core, two_cores = Ran(40, 44, 0.0), Ran(25, 47, 0.0)
    assert why_no_pair(one_core, two_cores, PROMISE, Here(2, steal_is_ours=True)) is None


def test_where_nobody_tells_what_was_withheld_two_rates_are_compared_as_they_were_at_home() -> None:
    one_core, two_cores = Ran(40, 44, None), Ran(25, 47, None)
    alike = Promise(1.6, 1.5, 1.7, (0,), (1,), 1.1, 1.88)
    assert why_no_pair(one_core, two_cores, alike, Here(2, steal_is_ours=False)) is None
    assert why_no_pair(one_core, two_cores, PROMISE, Here(0.5, steal_is_ours=False)) is not None


def test_one_that_waited_for_a_crowded_machine_is_no_pair_with_one_that_waited_less() -> None:
    more, less = Ran(20, 8, 2.0, crowded=True), Ran(17, 2.9, 0.0, crowded=True)
    assert why_no_pair(more, less, PROMISE, HERE) is not None


@pytest.mark.parametrize("status", ["oom", "failed", "timeout"])
def test_a_block_of_which_one_side_did_not_end_well_is_no_pair(status: str) -> None:
    record = {
        "status": "ok",
        "wall_s": 10.0,
        "ffmpeg_cpu_s": 4.9,
        "orchestrator_cpu_s": 0.1,
        "throttled_s": 5.0,
        "steal_fraction": 0.0,
        "other_cpu_fraction": 0.0,
        "cores_allowed": 2,
    }
    ended = [(0, 0, record), (1, 0, record), (0, 1, record), (1, 1, {**record, "status": status})]
    assert [pair.block for pair in pairs_of(ended, PROMISE, HERE)] == [0]


@pytest.mark.parametrize("status", ["oom", "failed", "timeout"])
def test_a_recommendation_that_fails_where_todays_command_does_not_does_not_hold(
    status: str,
) -> None:
    ended = [
        (cell, block, {"status": status if cell else "ok"}) for cell in (0, 1) for block in (0, 1)
    ]
    failures = failures_of(ended, PROMISE)
    found = verdict_of([], PROMISE, QUANTILES, failures)
    assert found.holds is False
    words = Status(status).words
    assert f"here the recommended command {words} in 2 of 2 blocks" in found.sentence


def test_where_both_fail_nothing_is_decided_and_both_are_named() -> None:
    ended = [(cell, 0, {"status": "oom"}) for cell in (0, 1)]
    found = verdict_of([], PROMISE, QUANTILES, failures_of(ended, PROMISE))
    assert found.holds is None
    assert [note.split(" ran")[0] for note in found.notes] == [
        "the recommended command",
        "today's command",
    ]
