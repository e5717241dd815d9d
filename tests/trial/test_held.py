"""How long a quota holds a job back: of busy loops that note their own standstills, and of figures."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import pytest
from running import favour_our_groups

from clipkit.ceiling.base import Ceiling
from clipkit.records.outcome import Sample
from clipkit.trial.held import held_back_s
from clipkit.trial.sampler import Sampler

BUSY_S = 2.5
NOTING = f"""
import json, time
began = last = time.monotonic()
gaps = []
while last < began + {BUSY_S}:
    now = time.monotonic()
    if now - last > 0.015:  # longer than a turn of the scheduler's
        gaps.append((last, now))
    last = now
print(json.dumps([began, last, gaps]))
"""


@pytest.mark.parametrize(("loops", "expected"), [(1, 0.5), (2, 0.75)])
def test_busy_loops_at_half_a_cpu_stand_still_as_long_as_is_said(
    real_ceiling: Callable[..., Ceiling], loops: int, expected: float
) -> None:
    """Half of the time by one process, three quarters by two: the truth is their own clocks', which count
    also what others on the machine take from them, so the quietest of a few runs is judged."""
    runs = []
    while len(runs) < 4 and not any(
        said_s == pytest.approx(truth_s, rel=0.1) for said_s, truth_s, _ in runs
    ):
        runs.append(_run(real_ceiling(cpus=0.5), loops))
        said_s, truth_s, wall_s = runs[-1]
        # Less beside others, who take CPU without its standing still.
        assert 0 < said_s <= 1.15 * expected * wall_s
    assert said_s == pytest.approx(truth_s, rel=0.1), runs


def test_a_job_without_a_quota_is_not_held(real_ceiling: Callable[..., Ceiling]) -> None:
    assert _run(real_ceiling(), 1)[0] == 0


def _run(ceiling: Ceiling, loops: int) -> tuple[float, float, float]:
    """For how long they were held, for how long none of them ran, and how long all were there."""
    argv = ceiling.wrap([sys.executable, "-I", "-S", "-c", NOTING])
    favour_our_groups()
    with Sampler(ceiling, 0, frozenset()) as sampler:
        processes = [
            subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) for _ in range(loops)
        ]
        for process in processes:
            ceiling.adopt(process.pid)
        began, ended, gaps = zip(*(json.loads(p.communicate()[0]) for p in processes), strict=True)
        offset_s = time.monotonic() - sampler.now_s
    start_s, end_s = max(began) - offset_s, min(ended) - offset_s
    said_s = held_back_s(sampler.samples, start_s, end_s)
    assert said_s is not None
    return said_s, _all_at_once_s(gaps), end_s - start_s


def _all_at_once_s(gaps: Sequence[list[tuple[float, float]]]) -> float:
    common: list[tuple[float, float]] = [tuple(gap) for gap in gaps[0]]
    for other in gaps[1:]:
        overlaps = ((max(a, c), min(b, d)) for a, b in common for c, d in other)
        common = [(start, end) for start, end in overlaps if start < end]
    return sum(end - start for start, end in common)


class TestOfFigures:
    """Invented counters: a period of 100 ms; the kernel adds a hold when it ends."""

    def test_it_is_never_longer_than_the_time_itself(self) -> None:
        samples = list(_counted(_steady(cpu=0.5, withheld=9.0)))
        assert held_back_s(samples, 0.0, 1.0) <= 1.0

    def test_a_job_that_mostly_waits_for_something_else_is_held_as_long_as_one_cpu_is(self) -> None:
        samples = list(_counted(_steady(cpu=0.1, withheld=0.2)))
        assert held_back_s(samples, 0.0, 1.0) == pytest.approx(0.2)

    def test_one_clip_then_two_at_once_are_told_apart(self) -> None:
        samples = list(_counted([*_steady(0.5, 0.5), *_steady(0.5, 1.5)]))
        assert held_back_s(samples, 0.0, 2.0) == pytest.approx(0.5 + 0.75, rel=0.01)

    def test_what_came_before_the_job_does_not_count(self) -> None:
        samples = list(_counted([*_steady(0.5, 0.5), *_steady(0.5, 0.0)]))
        assert held_back_s(samples, 1.0, 2.0) == pytest.approx(0.0)

    def test_a_ceiling_that_stops_the_job_itself_is_believed(self) -> None:
        samples = [_sample(t_s=t_s, held_s=t_s * 0.8, throttled_cpu_s=None) for t_s in range(4)]
        assert held_back_s(samples, 1.0, 3.0) == pytest.approx(1.6)

    @pytest.mark.parametrize("lacking", ["cpu_s", "throttled_cpu_s"])
    def test_what_is_not_counted_is_unknown(self, lacking: str) -> None:
        samples = [_sample(t_s=0.0, **{lacking: None}), _sample(t_s=1.0, **{lacking: None})]
        assert held_back_s(samples, 0.0, 1.0) is None

    def test_of_a_job_between_two_samples_nothing_is_known(self) -> None:
        assert held_back_s([_sample(t_s=0.0), _sample(t_s=0.02)], 0.01, 0.03) is None


def _steady(cpu: float, withheld: float) -> list[tuple[float, float]]:
    """A second of periods in which so many CPU seconds a second are used, and withheld."""
    return [(cpu / 10, withheld / 10)] * 10


def _counted(periods: Iterable[tuple[float, float]]) -> Iterator[Sample]:
    used_s = withheld_s = 0.0
    yield _sample(t_s=0.0)
    for number, (used, withheld) in enumerate(periods, 1):
        used_s, withheld_s = used_s + used, withheld_s + withheld
        yield _sample(t_s=number / 10, cpu_s=used_s, throttled_cpu_s=withheld_s)


def _sample(**known: Any) -> Sample:
    nothing = dict.fromkeys(Sample.__dataclass_fields__)
    return Sample(**nothing | {"cpu_s": 0.0, "throttled_cpu_s": 0.0} | known)
