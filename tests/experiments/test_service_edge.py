"""The search for the edge, on machines whose edge is known."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

BENCHMARK = runpy.run_path(
    str(Path(__file__).parents[2] / "experiments" / "benchmarks" / "service_edge.py")
)
highest_that = BENCHMARK["highest_that"]


@pytest.mark.parametrize("edge", range(40))
def test_the_highest_that_survives_is_found_and_nothing_twice_as_far_is_tried(edge: int) -> None:
    asked: list[int] = []

    def survives(number: int) -> bool:
        asked.append(number)
        return number <= edge

    assert highest_that(survives, 32) == min(edge, 32)
    assert max(asked) <= max(1, 2 * edge, 1)
    assert len(asked) == len(set(asked)) <= 11
