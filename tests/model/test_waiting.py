"""Jobs that wait for a host, against what is known of such queues."""

from __future__ import annotations

import math

import pytest

from clipkit.model.waiting import FULL, most_jobs_per_s, waiting


def crommelin(jobs_per_s: float, job_s: float, wait_s: float) -> float:
    """How probable a wait of at most so long is in the queue M/D/1 (Crommelin 1932)."""
    used = jobs_per_s * job_s
    parts = (
        (jobs_per_s * (k * job_s - wait_s)) ** k
        / math.factorial(k)
        * math.exp(-jobs_per_s * (k * job_s - wait_s))
        for k in range(int(wait_s // job_s) + 1)
    )
    return (1 - used) * sum(parts)


def test_an_idle_host_takes_the_job_alone():
    found = waiting(jobs_per_s=1e-6, job_s=60.0)
    assert found.used == pytest.approx(6e-5)
    assert found.mean_s == pytest.approx(60.0, rel=0.001)
    assert found.nearly_all_s == pytest.approx(60.0, rel=0.001)


@pytest.mark.parametrize("used", [0.3, 0.6, 0.9])
def test_nearly_all_are_ready_when_the_exact_law_says(used):
    job_s = 50.0
    found = waiting(used / job_s, job_s)
    assert found.nearly_all_s is not None
    assert crommelin(used / job_s, job_s, found.nearly_all_s - job_s) == pytest.approx(
        0.95, abs=0.012
    )


@pytest.mark.parametrize("used", [0.3, 0.6, 0.9])
def test_the_mean_is_pollaczeks_and_khinchines(used):
    found = waiting(used / 10.0, 10.0)
    assert found.mean_s == pytest.approx(10.0 + 10.0 * used / (2 * (1 - used)))


def test_jobs_that_vary_wait_longer():
    steady, varied = (waiting(0.008, 100.0, log_sd) for log_sd in (0.0, 0.8))
    assert steady.mean_s is not None
    assert varied.mean_s is not None
    assert varied.mean_s > 1.5 * steady.mean_s


def test_a_host_that_is_too_full_has_no_steady_queue():
    found = waiting((FULL + 0.01) / 10.0, 10.0)
    assert (found.mean_s, found.nearly_all_s) == (None, None)


def test_the_same_question_has_the_same_answer():
    assert waiting(0.01, 50.0, 0.1) == waiting(0.01, 50.0, 0.1)


def test_the_most_that_are_ready_in_time_are_just_in_time():
    most = most_jobs_per_s(job_s=36.0, longest_s=600.0)
    assert waiting(most, 36.0).nearly_all_s == pytest.approx(600.0, rel=0.02)
    assert waiting(most * 1.01, 36.0).nearly_all_s > 600.0


def test_twice_as_fast_a_host_carries_more_than_twice_as_much_in_the_same_time():
    slow, fast = (most_jobs_per_s(job_s, longest_s=120.0) for job_s in (60.0, 30.0))
    assert fast > 2 * slow


def test_a_job_that_alone_takes_too_long_is_never_ready_in_time():
    assert most_jobs_per_s(job_s=61.0, longest_s=60.0) == 0.0
