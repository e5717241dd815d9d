"""Memory and CPU of everything inside a ceiling over time, read from outside at little cost."""

from __future__ import annotations

import contextlib
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Self

from clipkit.ceiling.base import Ceiling, Usage
from clipkit.ceiling.process_tree import is_stopped
from clipkit.format import MIB
from clipkit.records.outcome import Sample
from clipkit.trial.coverage import GAP_S, Coverage
from clipkit.trial.watching import Watching

LOOK_S = 0.02
SAMPLE_S = 0.1
# Growth of memory by less than this beyond its highest is not worth a reading of its own.
_NEWS_FRACTION = 0.01
# RSS and PSS are summed by a walk through all page tables: as often as costs this share of a CPU.
_WALKS_FRACTION = 0.002


class Kept(ABC, Sequence[Sample]):
    """Where samples are kept while they are taken, by who has no room for a list of them."""

    @abstractmethod
    def append(self, sample: Sample) -> None: ...


class Sampler(Watching):
    """`with Sampler(ceiling, …) as sampler:` looks every 20 ms in a thread until the block ends.

    A look asks for the kernel's high-water mark since the last one, which is cheap. A sample is taken
    where that may be more than was seen before, else every 100 ms; where the kernel does not keep such
    a mark, at each look. With the talk to the engine it costs 0.6 to 0.8 % of a CPU
    (`experiments/benchmarks/cost_of_measuring.py`).
    """

    def __init__(
        self,
        ceiling: Ceiling,
        reserve_bytes: int,
        excluded: frozenset[int],
        of_service: Callable[[], int | None] = lambda: None,
        paced: bool = False,
    ) -> None:
        """`reserve_bytes` is what the processes `excluded` hold of the anonymous memory; `of_service` tells
        what a service needs by itself, without its ffmpegs. `paced`: the job itself stops its ffmpegs for moments,
        so that only where all is stopped somebody else has done it."""
        self._ceiling = ceiling
        self._of_service = of_service
        self._stopped_by_others = all if paced else any
        self._reserve_bytes = reserve_bytes
        self._excluded = excluded
        self._started_s = time.monotonic()
        self._highest_need_bytes = 0
        self._walk_at_s = 0.0
        self._unseen_s = self._longest_gap_s = self._stopped_s = 0.0
        self.samples: Kept | list[Sample] = []

    def keeping(self, samples: Kept | None) -> Self:
        """The same, before it has begun, that keeps its samples there; None: in a list."""
        self.samples = self.samples if samples is None else samples
        return self

    @property
    def now_s(self) -> float:
        """By the samples' clock."""
        return self.at_s(time.monotonic())

    def at_s(self, monotonic_s: float) -> float:
        """A time of the monotonic clock by the samples' own."""
        return monotonic_s - self._started_s

    @property
    def coverage(self) -> Coverage:
        """Up to the last sample."""
        watched_s = self.samples[-1].t_s if self.samples else 0.0
        return Coverage(watched_s, self._unseen_s, self._longest_gap_s, self._stopped_s)

    def _watch(self) -> None:
        looked_s = 0.0
        start = self._ceiling.usage()
        self._ceiling.highest_charge_bytes()
        highest: int | None = None
        self._take(start, None)
        while True:
            ended = self._over.wait(LOOK_S)
            gap_s, looked_s = self.now_s - looked_s, self.now_s
            if gap_s > GAP_S:
                self._unseen_s += gap_s
                self._longest_gap_s = max(self._longest_gap_s, gap_s)
            charge = self._ceiling.highest_charge_bytes()
            if charge is not None:
                highest = max(highest or 0, charge)
            if ended or self._is_worth_a_sample(charge):
                self._take(start, highest)
                highest = None
            if ended:
                return

    def _is_worth_a_sample(self, charge_bytes: int | None) -> bool:
        last = self.samples[-1]
        if charge_bytes is None or last.cache_bytes is None:
            return True
        if self.now_s - last.t_s >= SAMPLE_S:
            return True
        news_bytes = max(MIB, int(self._highest_need_bytes * _NEWS_FRACTION))
        return charge_bytes - last.cache_bytes > self._highest_need_bytes + news_bytes

    def _take(self, start: Usage, highest_charge_bytes: int | None) -> None:
        usage = self._ceiling.usage()
        if usage.held_s is None and self.samples:  # else the ceiling itself stops the job
            self._note_stops(self.samples[-1].t_s)
        if usage.total_bytes is not None and usage.cache_bytes is not None:
            need_bytes = usage.total_bytes - usage.cache_bytes
            self._highest_need_bytes = max(self._highest_need_bytes, need_bytes)
        anon_bytes = usage.anon_bytes
        rss_sum_bytes, pss_sum_bytes = self._walk()
        self.samples.append(
            Sample(
                t_s=self.now_s,
                anon_bytes=None if anon_bytes is None else max(0, anon_bytes - self._reserve_bytes),
                shmem_bytes=usage.shmem_bytes,
                kernel_bytes=usage.kernel_bytes,
                cache_bytes=usage.cache_bytes,
                total_bytes=usage.total_bytes,
                highest_charge_bytes=highest_charge_bytes,
                cpu_s=growth(start.cpu_s, usage.cpu_s),
                throttled_cpu_s=growth(start.throttled_cpu_s, usage.throttled_cpu_s),
                held_s=growth(start.held_s, usage.held_s),
                rss_sum_bytes=rss_sum_bytes,
                pss_sum_bytes=pss_sum_bytes,
                service_bytes=self._of_service(),
                swap_bytes=usage.swap_bytes,
            )
        )

    def _note_stops(self, since_s: float) -> None:
        pids = self._ceiling.pids()
        if pids and self._stopped_by_others(is_stopped(pid) for pid in pids):
            self._stopped_s += self.now_s - since_s

    def _walk(self) -> tuple[int | None, int | None]:
        """The sums of RSS and PSS, where it is time for them."""
        if self.now_s < self._walk_at_s:
            return None, None
        before_s = time.thread_time()
        sums = _process_sums([pid for pid in self._ceiling.pids() if pid not in self._excluded])
        cost_s = time.thread_time() - before_s
        self._walk_at_s = self.now_s + max(SAMPLE_S, cost_s / _WALKS_FRACTION)
        return sums


def growth(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else after - before


def swap_growth(samples: Iterable[Sample]) -> int | None:
    """By how much more was swapped out at most than at first; None where that is not known."""
    known = (sample.swap_bytes for sample in samples if sample.swap_bytes is not None)
    first = next(known, None)
    return None if first is None else max(first, max(known, default=first)) - first


def peak(samples: Iterable[Sample], column: str) -> int | None:
    """The largest known value of one column; None where none is known."""
    values = (value for sample in samples if (value := getattr(sample, column)) is not None)
    return max(values, default=None)


def need_bound_bytes(samples: Iterable[Sample], reserve_bytes: int) -> int | None:
    """What the job needed at least at some moment, also between two samples, reserve excluded: the
    kernel's high-water mark between them less the page cache at both. None where it keeps no such mark.

    It sees what is there for a millisecond. Error: too high by what the kernel charges in advance (up
    to 0.25 MB a CPU) and by page cache that came and went between the two; too low by page cache that
    went while memory grew.
    """
    bounds = (
        after.highest_charge_bytes - max(before.cache_bytes, after.cache_bytes) - reserve_bytes
        for before, after in pairwise(samples)
        if after.highest_charge_bytes is not None
        and before.cache_bytes is not None
        and after.cache_bytes is not None
    )
    highest = max(bounds, default=None)
    return None if highest is None else max(0, highest)


def _process_sums(pids: list[int]) -> tuple[int | None, int | None]:
    """RSS and PSS summed over the processes that can still be read; None where none can."""
    rss_bytes = pss_bytes = 0
    readable = 0
    for pid in pids:
        with contextlib.suppress(OSError):  # it ended meanwhile, or is not ours to read
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines():
                if line.startswith("Rss:"):
                    rss_bytes += int(line.split()[1]) * 1024
                elif line.startswith("Pss:"):
                    pss_bytes += int(line.split()[1]) * 1024
                    readable += 1
    return (rss_bytes, pss_bytes) if readable else (None, None)
