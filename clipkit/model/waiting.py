"""How long a job waits and takes on a host that cuts one job after another. Pure.

Jobs arrive at random (a Poisson process, as independent users make it) and are served in order: the queue
M/G/1, with job times as they were measured. The mean wait is Pollaczek's and Khinchine's,
lambda E[S^2] / (2 (1 - rho)) (Kleinrock, Queueing Systems 1, 1975, section 5.6). How long nearly all
take has no such formula: it is simulated by Lindley's recursion (The theory of queues with a single
server, Mathematical Proceedings of the Cambridge Philosophical Society 48, 1952), always with the same
random numbers, so that the same question has the same answer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

NEARLY_ALL = 0.95
"""Of the jobs, how many are to be ready in time: with arrivals at random no wait is the longest."""
FULL = 0.97
"""A host in use for more of its time has no steady queue that could be foretold."""

_JOBS, _WARM_UP, _SEED = 60_000, 5_000, 7
_HALVINGS = 12
"""From no job to a full host: to a part in four thousand."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """`used`: the share of its time for which the host cuts. Until a job is ready, its own time included:
    on average `mean_s`, and for `NEARLY_ALL` jobs at most `nearly_all_s`; None where it is too full."""

    used: float
    mean_s: float | None
    nearly_all_s: float | None


def waiting(jobs_per_s: float, job_s: float, log_sd: float = 0.0) -> Waiting:
    """Of jobs that take `job_s` on average and vary by `log_sd` on logarithms."""
    used = jobs_per_s * job_s
    if used > FULL:
        return Waiting(used, None, None)
    second = job_s**2 * math.exp(log_sd**2)
    mean_s = job_s + jobs_per_s * second / (2 * (1 - used))
    gaps, noise = _drawn()
    served = job_s * np.exp(log_sd * noise - log_sd**2 / 2)
    took = served + _waits(gaps / jobs_per_s, served)
    return Waiting(used, mean_s, float(np.quantile(took[_WARM_UP:], NEARLY_ALL)))


def most_jobs_per_s(job_s: float, longest_s: float, log_sd: float = 0.0) -> float:
    """At most so many may come for nearly all to be ready within `longest_s`; 0 where one alone takes longer."""
    low, high = 0.0, FULL / job_s
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        ready_s = waiting(middle, job_s, log_sd).nearly_all_s
        low, high = (low, middle) if ready_s is None or ready_s > longest_s else (middle, high)
    return low


def _waits(gaps: NDArray[np.float64], served: NDArray[np.float64]) -> NDArray[np.float64]:
    """Lindley: each waits for what the one before left over, max(0, wait + served - gap)."""
    walk = np.concatenate(([0.0], np.cumsum(served[:-1] - gaps[1:])))
    waits: NDArray[np.float64] = walk - np.minimum.accumulate(walk)
    return waits


@lru_cache(maxsize=1)
def _drawn() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    chance = np.random.default_rng(_SEED)
    return chance.exponential(size=_JOBS), chance.standard_normal(_JOBS)
