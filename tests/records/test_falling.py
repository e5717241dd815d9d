"""Whether a rate fell for good, on invented readings of which the truth is known."""

from __future__ import annotations

import math
import random

import pytest

from clipkit.records.falling import FALLEN, fall_in


def readings(
    seed: int,
    count: int,
    noise: float,
    *,
    alike: float = 0.0,
    heavy: float = 0.0,
    step: float = 1.0,
) -> list[float]:
    """Half a core each, by so much noise; `alike`: how neighbours correlate; `heavy`: of so many the noise is
    threefold; from the middle on `step` times as much."""
    drawn, last, found = random.Random(seed), 0.0, []
    for place in range(count):
        fresh = drawn.gauss(0, noise) * (3 if drawn.random() < heavy else 1)
        last = alike * last + math.sqrt(1 - alike**2) * fresh
        found.append(0.5 * math.exp(last) * (step if place >= count // 2 else 1.0))
    return found


@pytest.mark.parametrize("count", [6, 12, 40, 120])
@pytest.mark.parametrize("noise", [0.003, 0.013, 0.06, 0.1])
def test_where_nothing_fell_nothing_is_said(count: int, noise: float):
    """One in a thousand, of neighbours that correlate by a half and with heavy tails."""
    told = [
        seed
        for seed in range(1000)
        if fall_in(readings(seed, count, noise, alike=0.5, heavy=0.05)) is not None
    ]
    assert len(told) <= 2


@pytest.mark.parametrize("count", [8, 20, 40])
@pytest.mark.parametrize("noise", [0.003, 0.013])
@pytest.mark.parametrize("step", [0.2, 0.5, 0.7])
def test_a_fall_is_found_with_what_was_and_what_is(noise: float, step: float, count: int):
    for seed in range(200):
        found = fall_in(readings(seed, count, noise, alike=0.5, heavy=0.05, step=step))
        assert found is not None
        assert found.before == pytest.approx(0.5, rel=0.05)
        assert found.ratio == pytest.approx(step, rel=0.05)
        assert found.at == count // 2


def test_of_noisier_readings_it_takes_more():
    noisy = {"noise": 0.06, "alike": 0.5, "heavy": 0.05, "step": 0.7}
    found = {
        count: sum(fall_in(readings(seed, count, **noisy)) is not None for seed in range(300))
        for count in (8, 40)
    }
    assert found[8] < 200
    assert found[40] > 285


def test_a_fall_that_is_none_to_speak_of_is_left_out():
    assert fall_in(readings(1, 40, 0.003, step=FALLEN + 0.03)) is None
    assert fall_in(readings(1, 40, 0.003, step=FALLEN - 0.03)) is not None


def test_a_rise_is_no_fall():
    assert fall_in(readings(1, 40, 0.003, step=2.0)) is None


@pytest.mark.parametrize("few", [[], [0.5], [0.5, 0.5, 0.1, 0.1], [0.5, 0.5, 0.5, 0.1, 0.1]])
def test_of_too_few_readings_nothing_is_concluded(few: list[float]):
    assert fall_in(few) is None


def test_a_single_low_reading_is_no_fall():
    assert fall_in([0.5, 0.51, 0.49, 0.5, 0.1, 0.5, 0.5, 0.49]) is None
    assert fall_in([0.5, 0.51, 0.49, 0.5, 0.51, 0.5, 0.1]) is None


def test_a_reading_of_nothing_tells_nothing():
    assert fall_in([0.5, 0.5, 0.5, 0.0, 0.2, 0.2, 0.2]) is None


class TestLikes:
    """Readings of several kinds, each with a level of its own."""

    def test_what_has_its_like_on_one_side_alone_hides_no_fall(self):
        """A phase behind the fall that has nothing before it to be compared with."""
        levels = [1.0, 2.0] * 10 + [0.5, 1.0] * 5 + [0.7] * 30
        found = fall_in(levels, ["one", "two"] * 15 + ["three"] * 30)
        assert found is not None
        assert (found.at, found.ratio) == (20, pytest.approx(0.5))

    def test_what_has_no_like_is_not_said_to_be_behind_it(self):
        levels = [1.0] * 5 + [0.3, 0.9, 0.2, 0.8, 0.7, 0.4] + [0.5] * 5
        found = fall_in(levels, ["k"] * 5 + list("abcdef") + ["k"] * 5)
        assert found is not None
        assert found.at == 11

    def test_another_kind_at_the_end_is_no_fall(self):
        levels = [1.0, 1.01, 0.99, 1.0, 1.01, 0.5, 0.51, 0.5, 0.49]
        assert fall_in(levels) is not None
        assert fall_in(levels, ["one"] * 5 + ["two"] * 4) is None

    def test_too_few_of_a_kind_on_one_side_tell_nothing(self):
        levels = [1.0] * 6 + [0.5] * 2 + [0.7] * 6
        assert fall_in(levels, ["one"] * 8 + ["two"] * 6) is None

    @pytest.mark.parametrize("noise", [0.013, 0.06])
    def test_of_kinds_that_take_turns_nothing_is_said_where_nothing_fell(self, noise: float):
        kinds = [place % 3 for place in range(40)]
        told = [
            seed
            for seed in range(500)
            if fall_in(
                [
                    (1 + kind) * each
                    for kind, each in zip(
                        kinds, readings(seed, 40, noise, alike=0.5, heavy=0.05), strict=True
                    )
                ],
                kinds,
            )
            is not None
        ]
        assert len(told) <= 1
