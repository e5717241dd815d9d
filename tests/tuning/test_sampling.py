"""Which clips of a job are run where not all fit."""

from __future__ import annotations

import math
from itertools import chain

import pytest

from clipkit.tuning.sampling import balanced_pairs, systematic

COUNTS = [1, 2, 3, 4, 5, 7, 12, 25]


@pytest.mark.parametrize("count", COUNTS)
def test_pairs_hold_every_clip_once(count: int):
    assert sorted(chain(*balanced_pairs(count))) == list(range(count))


@pytest.mark.parametrize("count", COUNTS)
def test_the_mean_place_of_a_pair_is_the_jobs_middle(count: int):
    for pair in balanced_pairs(count):
        assert sum(pair) / len(pair) == (count - 1) / 2


def test_the_first_pair_lies_at_the_quarters():
    assert balanced_pairs(12)[0] == (3, 8)


@pytest.mark.parametrize("count", COUNTS)
def test_a_block_has_as_many_different_clips_as_wanted_in_their_order(count: int):
    for wanted in range(1, count + 1):
        for block in range(12):
            taken = list(systematic(count, wanted, block))
            assert len(taken) == wanted
            assert taken == sorted(set(taken))
            assert set(taken) <= set(range(count))


@pytest.mark.parametrize("count", COUNTS)
def test_five_blocks_of_a_fifth_each_cover_the_job(count: int):
    wanted = math.ceil(count / 5)
    assert set(chain(*(systematic(count, wanted, block) for block in range(5)))) == set(
        range(count)
    )


def test_a_block_is_spread_over_the_whole_film():
    for block in range(12):
        taken = systematic(12, 4, block)
        assert [at // 3 for at in taken] == [0, 1, 2, 3]


def test_more_clips_than_there_are_is_all_of_them():
    assert list(systematic(3, 5, 4)) == [0, 1, 2]
