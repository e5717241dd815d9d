"""Random search: seeded draws within trials or minutes, resumed where it was."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from inventing_design import EXPERIMENT, Clock, course, laid_out, record, run, too_small

from clipkit.campaign.random_search import RandomSearch, random_cells
from clipkit.campaign.strategies import STRATEGIES
from clipkit.campaign.strategy import WARMUP, Cell, Progress
from clipkit.errors import CampaignError
from clipkit.records.record import Record
from clipkit.records.status import Status

CELLS = 32


def search(
    trials: int | None = None,
    minutes: float | None = None,
    *,
    past: list[Record] | None = None,
    clock: Clock | None = None,
    text: str = EXPERIMENT,
    spent_s: float = 0.0,
) -> RandomSearch:
    return RandomSearch(course(laid_out(text), past, clock, spent_s), trials, minutes)


def drawn(stored: list[Record]) -> list[tuple[str, int]]:
    return [(entry.cell, entry.block) for entry in stored]


def test_as_many_trials_as_were_asked_for_and_no_cell_twice_before_each_was_drawn() -> None:
    assert len(run(search(trials=5))) == 5
    stored = run(search(trials=CELLS + 8))
    assert len(stored) == CELLS + 8
    assert len({entry.cell for entry in stored[:CELLS]}) == CELLS
    assert len(set(drawn(stored))) == len(stored)


def test_it_warms_up_once() -> None:
    strategy = search(trials=3)
    asked = []
    while (cell := strategy.ask()) is not None:
        assert isinstance(cell, Cell)
        asked.append(cell)
        strategy.tell(cell, record(cell))
    assert [cell.phase == WARMUP for cell in asked] == [True, False, False, False]


def test_the_draw_follows_the_seed() -> None:
    other = search(trials=10, text=EXPERIMENT.replace("seed = 5", "seed = 6"))
    assert drawn(run(search(trials=10))) == drawn(run(search(trials=10)))
    assert drawn(run(search(trials=10))) != drawn(run(other))


@pytest.mark.parametrize("seed", range(5))
def test_killed_anywhere_and_resumed_it_draws_as_if_it_had_not_been(seed: int) -> None:
    chance = random.Random(seed)
    stored: list[Record] = []
    for _ in range(5):
        stored += run(search(50, past=stored), at_most=chance.randrange(1, 9))
    stored += run(search(50, past=stored))
    assert drawn(stored) == drawn(run(search(50)))


def test_a_cancelled_attempt_is_drawn_again_and_counts_for_nothing() -> None:
    whole = drawn(run(search(4)))
    first = next(c for c in laid_out().cells if c.name == whole[0][0])
    assert drawn(run(search(4, past=[record(first, Status.CANCELLED)]))) == whole


def test_more_trials_of_the_same_seed_are_only_added() -> None:
    stored = run(search(10))
    assert drawn(stored + run(search(14, past=stored))) == drawn(run(search(14)))
    assert run(search(8, past=stored)) == []


def test_cells_may_be_asked_for_while_others_are_open_but_not_more_than_the_trials() -> None:
    strategy = search(trials=6)
    asked = []
    while (cell := strategy.ask()) is not None:
        assert isinstance(cell, Cell)
        asked.append(cell)
    assert [cell.phase for cell in asked].count(WARMUP) == 1
    assert len({(cell.name, cell.block) for cell in asked if cell.phase != WARMUP}) == 6
    for cell in reversed(asked):
        strategy.tell(cell, record(cell))
    assert strategy.ask() is None
    with pytest.raises(CampaignError, match="not asked for"):
        strategy.tell(asked[0], record(asked[0]))


def test_it_ends_with_its_minutes_and_the_trial_that_runs_then() -> None:
    clock = Clock()
    strategy = search(minutes=1, clock=clock)
    ran = 0
    while (cell := strategy.ask()) is not None:
        assert isinstance(cell, Cell)
        clock.now_s += 14
        ran += cell.phase != WARMUP
        strategy.tell(cell, record(cell))
    assert ran == 4  # and a warm-up: five times 14 s


def test_the_minutes_of_an_earlier_session_are_spent() -> None:
    first, second, *_ = laid_out().block(0)
    past = [record(first), record(second, Status.TIMEOUT, wall_s=None)]
    clock = Clock()
    strategy = search(minutes=1, past=past, clock=clock, spent_s=45)
    assert strategy.progress() == Progress(2, None, 15.0)
    clock.now_s += 16
    assert strategy.ask() is None
    assert strategy.progress().left_s == 0
    assert search(minutes=1, past=past, spent_s=60).ask() is None


def test_with_minutes_left_it_goes_on_although_each_cell_was_drawn() -> None:
    past = [record(cell, wall_s=1.0) for cell in laid_out().cells]
    cells = Counter(cell.block for cell in past)
    assert cells == {0: CELLS}
    assert search(minutes=1, past=past).ask() is not None


def test_whichever_of_trials_and_minutes_is_used_up_first_ends_it() -> None:
    assert len(run(search(trials=3, minutes=60))) == 3
    past = [record(cell) for cell in laid_out().block(0)[:2]]
    assert run(search(trials=9, minutes=1, past=past, spent_s=61)) == []


def test_its_progress_is_by_trials_or_by_the_time_that_is_left() -> None:
    first = laid_out().block(0)[0]
    assert search(trials=5).progress() == Progress(0, 5, None)
    assert search(trials=5, past=[record(first)]).progress() == Progress(1, 5, 16.0)
    spent = {"past": [record(first)], "spent_s": 4.0}
    assert search(minutes=2, **spent).progress() == Progress(1, None, 116.0)
    assert search(trials=50, minutes=1, **spent).progress() == Progress(1, 50, 56.0)
    two = [record(cell) for cell in laid_out().block(0)[:2]]
    assert search(trials=1, past=two).progress() == Progress(2, 2, 0.0)


def test_what_needs_more_than_one_that_ran_out_is_put_down_and_counts_as_drawn() -> None:
    stored = run(search(trials=CELLS), too_small)
    ends = Counter(entry.status for entry in stored)
    assert ends[Status.OOM_INFERRED]
    assert sum(ends.values()) == CELLS


def test_what_it_runs_at_most_is_known_beforehand() -> None:
    options = {"trials": 7, "minutes": None}
    cells = random_cells(laid_out(), options)
    assert [(cell.name, cell.block) for cell in cells] == drawn(run(search(7)))
    assert len(random_cells(laid_out(), {"trials": None, "minutes": 5.0})) == CELLS


def test_it_has_no_blocks_to_share_out() -> None:
    assert not STRATEGIES["random"].in_blocks
    assert STRATEGIES["grid"].in_blocks
