"""The benchmark's arithmetic on invented curves whose answer is known."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

BENCHMARK = runpy.run_path(
    str(Path(__file__).parents[2] / "experiments" / "benchmarks" / "quality.py")
)
bd_rate, value_at = BENCHMARK["bd_rate"], BENCHMARK["value_at"]

CURVE = {96.0: 4000.0, 91.0: 2000.0, 84.0: 1000.0, 75.0: 500.0}


def test_half_the_bytes_at_every_quality_is_minus_half() -> None:
    half = {quality: rate / 2 for quality, rate in CURVE.items()}
    assert bd_rate(half, CURVE) == pytest.approx(-0.5)
    assert bd_rate(CURVE, half) == pytest.approx(1.0)


def test_only_the_quality_that_both_reach_counts() -> None:
    worse = {quality - 10: rate for quality, rate in CURVE.items()}
    assert bd_rate(worse, CURVE) > 0.5
    assert bd_rate({quality - 30: rate for quality, rate in CURVE.items()}, CURVE) is None


def test_a_value_at_a_quality_lies_on_the_curve_and_nowhere_beyond_it() -> None:
    assert value_at(CURVE, 84.0) == pytest.approx(1000)
    assert 2000 < value_at(CURVE, 93.0) < 4000
    assert value_at(CURVE, 97.0) is None
