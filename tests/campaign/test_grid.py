"""The grid: every cell once a block, killed anywhere or asked for ahead."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest
from inventing_design import (
    EXPERIMENT,
    Clock,
    course,
    laid_out,
    record,
    run,
    too_small,
)

from clipkit.campaign.design import Design
from clipkit.campaign.grid import Grid
from clipkit.campaign.strategy import WARMUP, Cell, Progress
from clipkit.errors import CampaignError
from clipkit.records.record import Record
from clipkit.records.status import Status

BLOCKS = 3
CELLS = 32


def grid(
    past: list[Record] | None = None,
    design: Design | None = None,
    blocks: int = BLOCKS,
    clock: Clock | None = None,
) -> Grid:
    return Grid(course(design or laid_out(), past, clock), blocks)


def test_every_cell_and_block_once_after_one_warm_up_a_block() -> None:
    strategy = grid()
    asked = []
    while (cell := strategy.ask()) is not None:
        assert isinstance(cell, Cell)
        asked.append(cell)
        strategy.tell(cell, record(cell))
    warm = [cell.phase == WARMUP for cell in asked]
    assert [n for n, is_warm in enumerate(warm) if is_warm] == [0, 33, 66]
    assert all(len(cell.job.clips) == 1 for cell in asked if cell.phase == WARMUP)
    ran = Counter((cell.name, cell.block) for cell in asked if cell.phase != WARMUP)
    assert set(ran.values()) == {1}
    assert len(ran) == BLOCKS * CELLS


@pytest.mark.parametrize("seed", range(5))
def test_killed_anywhere_and_resumed_nothing_is_lost_or_repeated(seed: int) -> None:
    chance = random.Random(seed)
    stored: list[Record] = []
    for _ in range(5):
        stored += run(grid(stored), too_small, chance.randrange(20))
    stored += run(grid(stored), too_small)
    done = Counter((entry.cell, entry.block) for entry in stored)
    assert set(done.values()) == {1}
    assert len(done) == BLOCKS * CELLS


def test_a_cancelled_attempt_is_run_again() -> None:
    cell = laid_out().block(0)[0]
    stored = run(grid([record(cell, Status.CANCELLED)]))
    assert (cell.name, 0) in {(entry.cell, entry.block) for entry in stored}


def test_more_levels_and_blocks_are_only_added() -> None:
    stored = run(grid())
    wider = laid_out(EXPERIMENT.replace("to = 4", "to = 5"))
    added = run(grid(stored, wider, blocks=4))
    assert len(added) == 4 * len(wider.cells) - len(stored)


def test_cells_may_be_asked_for_while_others_are_open_and_told_of_in_any_order() -> None:
    strategy = grid()
    asked: list[Cell] = []
    while (cell := strategy.ask()) is not None:
        assert isinstance(cell, Cell)
        asked.append(cell)
    assert len({(cell.phase, cell.name, cell.block) for cell in asked}) == len(asked)
    assert strategy.progress().done == 0
    random.Random(1).shuffle(asked)
    for cell in asked:
        strategy.tell(cell, record(cell))
    assert strategy.progress() == Progress(BLOCKS * CELLS, BLOCKS * CELLS, 0.0)


def test_what_is_open_is_no_reason_to_put_another_down() -> None:
    """What nobody has told of yet may still fit."""
    strategy = grid()
    asked = [strategy.ask() for _ in range(BLOCKS * (CELLS + 1))]
    assert all(isinstance(cell, Cell) for cell in asked)


def test_what_was_not_asked_for_cannot_be_told() -> None:
    strategy, cell = grid(), laid_out().block(0)[0]
    with pytest.raises(CampaignError, match="not asked for"):
        strategy.tell(cell, record(cell))
    warm = strategy.ask()
    assert isinstance(warm, Cell)
    strategy.tell(warm, record(warm))
    with pytest.raises(CampaignError, match="not asked for"):
        strategy.tell(warm, record(warm))


def test_of_a_shard_only_its_blocks_are_asked_for_and_counted() -> None:
    only = replace(laid_out(), only=(1,))
    strategy = grid(design=only)
    assert strategy.progress().total == CELLS
    stored = run(strategy)
    assert {entry.block for entry in stored} == {1}
    assert strategy.progress() == Progress(CELLS, CELLS, 0.0)


def test_its_progress_is_by_what_cells_took() -> None:
    clock = Clock()
    strategy = grid(clock=clock)
    assert strategy.progress() == Progress(0, BLOCKS * CELLS, None)
    for _ in range(2):  # a warm-up, then a cell
        cell = strategy.ask()
        assert isinstance(cell, Cell)
        clock.now_s += 5
        strategy.tell(cell, record(cell))
    left_s = 5.0 * (BLOCKS * CELLS - 1)
    blocks_s = (5.0 * (CELLS - 1), *(5.0 * CELLS for _ in range(BLOCKS - 1)))
    assert strategy.progress() == Progress(1, BLOCKS * CELLS, left_s, blocks_s)


def test_what_was_asked_for_long_before_it_began_took_no_longer_for_that() -> None:
    clock = Clock()
    strategy = grid(clock=clock)
    warm, first, second = (strategy.ask() for _ in range(3))
    for cell in (warm, first, second):
        assert isinstance(cell, Cell)
        clock.now_s += 100
        strategy.took(cell, 5.0)
        strategy.tell(cell, record(cell))
    assert strategy.progress().left_s == 5.0 * (BLOCKS * CELLS - 2)


def test_what_is_left_is_shared_out_by_blocks() -> None:
    left = Progress(1, 9, 8.0, (2.0, 3.0, 3.0))
    assert [left.left_on_s(machines) for machines in (0, 1, 2, 3, 50)] == [8.0, 8.0, 5.0, 3.0, 3.0]
    assert Progress(1, 9, 8.0).left_on_s(4) == 8.0
    assert Progress(0, 9, None).left_on_s(4) is None
