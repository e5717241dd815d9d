"""The search for how many at once survive, on servers whose edge is known."""

from __future__ import annotations

from dataclasses import replace

import pytest
from inventing_design import PLAIN, course, laid_out, record

from clipkit.campaign.starts import ServerStarts, edge_of, next_start, survived
from clipkit.campaign.strategy import Cell
from clipkit.errors import CampaignError
from clipkit.records.status import Status

STARTS = 3


def climbed(edge: int, most: int = 12) -> tuple[dict[int, list[bool]], list[int]]:
    """Every start until the search ends, and in which order they were asked for."""
    known: dict[int, list[bool]] = {n: [] for n in range(1, most + 1)}
    asked = []
    while (at_once := next_start(known, STARTS)) is not None:
        known[at_once].append(at_once <= edge)
        asked.append(at_once)
        assert len(asked) < 50
    return known, asked


@pytest.mark.parametrize("edge", range(1, 14))
def test_the_highest_that_survives_every_start_is_found(edge: int) -> None:
    known, asked = climbed(edge)
    safe, beyond = edge_of(known)
    assert safe == min(edge, 12)
    assert beyond == (edge + 1 if edge < 12 else None)
    assert len(known[safe]) == len(known[1]) == STARTS
    assert asked[:STARTS] == [1] * STARTS
    assert len(asked) <= 3 * STARTS + 6


@pytest.mark.parametrize("edge", range(1, 14))
def test_nothing_twice_as_far_as_what_survives_is_tried(edge: int) -> None:
    _, asked = climbed(edge)
    assert max(asked) <= 2 * edge


def test_where_the_fewest_do_not_survive_nothing_else_is_tried() -> None:
    known, asked = climbed(0)
    assert asked == [1]
    assert edge_of(known) == (0, 1)


def test_what_dies_in_a_later_start_is_not_safe() -> None:
    known = {1: [True] * 3, 2: [True] * 3, 3: [True, False], 4: [False]}
    assert edge_of(known) == (2, 3)
    assert next_start(known, STARTS) == 3  # both sides are repeated
    assert next_start(known | {3: [True, False, False]}, STARTS) is None


def test_a_server_that_cannot_be_told_how_many_gets_its_starts() -> None:
    assert climbed(1, most=1)[1] == [1, 1, 1]


def test_an_earlier_session_is_gone_on_from() -> None:
    known = {1: [True] * 3, 2: [True], 3: [], 4: [False]}
    assert next_start(known, STARTS) == 3
    assert next_start(known | {3: [True] * 3}, STARTS) == 4


def test_what_others_made_slow_survived_unless_the_time_limit_struck() -> None:
    (cell, *_) = laid_out(PLAIN).cells
    assert survived(record(cell))
    assert survived(record(cell, Status.INVALID_NOISE))
    late = record(cell, Status.INVALID_NOISE, wall_s=None)
    assert not survived(late)
    strategy = ServerStarts(course(laid_out(PLAIN), [replace(late, block=0)]), STARTS)
    assert strategy.ask() is None


def test_a_warm_up_that_does_not_end_is_told_with_what_its_client_was_told() -> None:
    strategy = ServerStarts(course(laid_out(PLAIN)), STARTS)
    cell = strategy.ask()
    assert isinstance(cell, Cell)
    late = record(cell, Status.TIMEOUT)
    served = replace(late.served, service_client_told='it still tells "completed"')
    with pytest.raises(CampaignError, match=r'the client was told: it still tells "completed"$'):
        strategy.tell(cell, replace(late, served=served))


def test_a_server_on_which_the_machine_failed_is_left_to_the_next_session() -> None:
    design = laid_out(PLAIN + "[settings]\nconcurrency = [1, 2]\n")
    strategy = ServerStarts(course(design), STARTS)
    asked: list[Cell] = []
    while (cell := strategy.ask()) is not None:
        assert isinstance(cell, Cell)
        asked.append(cell)
        end = Status.OK if cell.phase == "warmup" else Status.INVALID_MACHINE
        strategy.tell(cell, record(cell, end))
    assert [cell.phase for cell in asked] == ["warmup", "grid"]
    again = ServerStarts(course(design, [record(asked[-1], Status.INVALID_MACHINE)]), STARTS)
    assert again.ask() is not None
