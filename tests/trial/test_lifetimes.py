"""Of the times at which ffmpegs began and ended: when none was running."""

from __future__ import annotations

import random

import pytest

from clipkit.trial.lifetimes import gaps_s, union_s


@pytest.mark.parametrize(
    ("spans", "union"),
    [
        ([], 0.0),
        ([(1.0, 3.0)], 2.0),
        ([(1.0, 3.0), (4.0, 5.0)], 3.0),
        ([(4.0, 5.0), (1.0, 3.0)], 3.0),
        ([(1.0, 3.0), (2.0, 4.0)], 3.0),
        ([(1.0, 9.0), (2.0, 3.0), (4.0, 5.0)], 8.0),
        ([(-5.0, 1.0), (9.0, 15.0)], 2.0),
        ([(-5.0, 15.0)], 10.0),
        ([(-3.0, -1.0), (11.0, 12.0)], 0.0),
        ([(2.0, 2.0)], 0.0),
    ],
)
def test_the_union_is_what_at_least_one_covers_of_the_time(
    spans: list[tuple[float, float]], union: float
) -> None:
    assert union_s(spans, 0.0, 10.0) == pytest.approx(union)
    assert gaps_s(spans, 0.0, 10.0) == pytest.approx(10.0 - union)


def test_it_agrees_with_a_count_of_moments() -> None:
    drawn = random.Random(7)
    for _ in range(50):
        spans = [(a, a + drawn.uniform(0, 3)) for a in (drawn.uniform(-1, 11) for _ in range(9))]
        moments = [(n + 0.5) / 1000 for n in range(10_000)]
        counted = sum(any(a <= m < b for a, b in spans) for m in moments) / 1000
        assert union_s(spans, 0.0, 10.0) == pytest.approx(counted, abs=0.02)
