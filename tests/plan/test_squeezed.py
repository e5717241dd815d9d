"""Hidden pictures are over in milliseconds, whatever the distances between them."""

from __future__ import annotations

from fractions import Fraction
from itertools import accumulate

import pytest

from clipkit.errors import ModeRefused
from clipkit.plan.squeezed import MOST_HIDDEN_S, Run, clock_for, run_behind, runs_of

MILLION = 1_000_000


BASE = Fraction(1, 90_000)


def ticks_of(runs: tuple[Run, ...], ticks: list[int]) -> list[int]:
    """As ffmpeg reckons them, in whole numbers."""
    found = []
    for time_s in (tick * BASE for tick in ticks):
        run = [run for run in runs if run.from_s - run.every_s / 4 <= time_s][-1]
        found.append(min(run.last_tick, run.tick + int((time_s - run.from_s) / run.every_s)))
    return found


def spaced(*distances: int) -> list[int]:
    return list(accumulate(distances, initial=0))


@pytest.mark.parametrize(
    "ticks",
    [
        spaced(*[3600] * 1250),  # a group of 50 s
        spaced(*[1] * 500, *[3600] * 250),  # a clip of a clip
        spaced(*[1500] * 100, 39 * 90_000, 1500),  # a still screen
        spaced(*([3000] * 20 + [1]) * 10),  # fields told apart
        [7],
    ],
)
def test_each_has_a_tick_of_its_own_and_the_last_ends_as_the_clip_begins(ticks: list[int]) -> None:
    runs, clock = runs_of(ticks, BASE, MILLION)
    found = ticks_of(runs, ticks)
    assert found == sorted(set(found))
    assert found[-1] == -1
    assert Fraction(-found[0], clock) < MOST_HIDDEN_S


def test_where_nothing_is_hidden_there_is_no_run() -> None:
    assert runs_of([], BASE, MILLION) == ((), MILLION)


def test_what_cannot_be_hidden_briefly_is_refused() -> None:
    uneven = spaced(*(1 + (n % 2) * 9000 + n % 7 for n in range(1000)))
    with pytest.raises(ModeRefused, match="too unevenly spaced to be hidden briefly"):
        runs_of(uneven, BASE, MILLION)


@pytest.mark.parametrize("own", [25, 30, 600, 1000, 12800, 24000, 90_000])
def test_a_clock_is_fine_and_has_every_time_of_the_upload_in_whole_ticks(own: int) -> None:
    clock = clock_for(Fraction(1, own))
    assert clock % own == 0
    assert MILLION <= clock < 1.1 * MILLION


def test_a_clock_finer_than_any_is_rounded_to_microseconds() -> None:
    assert clock_for(Fraction(1, 1_000_000_000)) == MILLION


def test_what_comes_behind_begins_when_the_clip_is_over() -> None:
    assert run_behind([], BASE, 100, 1_000_000) is None
    second = 90_000
    behind = run_behind([second, 2 * second], BASE, 100, 1_000_000)
    assert behind == Run(Fraction(1), Fraction(1), 100, 101)


def test_pictures_behind_the_end_that_no_run_hides_briefly_are_refused() -> None:
    with pytest.raises(ModeRefused, match="behind a clip"):
        run_behind([0, 1, 9_000], Fraction(1, 90_000), 100, 1_000_000)
