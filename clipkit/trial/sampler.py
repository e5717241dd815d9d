"""Memory and CPU of everything inside a ceiling over time, read from outside."""

from __future__ import annotations

import contextlib
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from clipkit.ceiling.base import Ceiling, Usage
from clipkit.records.outcome import Sample

INTERVAL_S = 0.02
# Summing RSS and PSS walks the processes' page tables: dear, so done a tenth as often.
_PROCESSES_EVERY = 10


class Sampler:
    """`with Sampler(ceiling, …) as sampler:` reads every 20 ms in a thread until the block ends."""

    def __init__(self, ceiling: Ceiling, reserve_bytes: int, excluded: frozenset[int]) -> None:
        """`reserve_bytes` is what the processes `excluded` hold of the anonymous memory."""
        self._ceiling = ceiling
        self._reserve_bytes = reserve_bytes
        self._excluded = excluded
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="sampler")
        self._started_s = time.monotonic()
        self.samples: list[Sample] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()

    @property
    def now_s(self) -> float:
        """By the samples' clock."""
        return time.monotonic() - self._started_s

    def _run(self) -> None:
        start = self._ceiling.usage()
        while True:
            self._read(start)
            if self._stop.wait(INTERVAL_S):
                self._read(start)
                return

    def _read(self, start: Usage) -> None:
        usage = self._ceiling.usage()
        anon_bytes = usage.anon_bytes
        rss_sum_bytes = pss_sum_bytes = None
        if len(self.samples) % _PROCESSES_EVERY == 0:
            pids = [pid for pid in self._ceiling.pids() if pid not in self._excluded]
            rss_sum_bytes, pss_sum_bytes = _process_sums(pids)
        self.samples.append(
            Sample(
                t_s=self.now_s,
                anon_bytes=None if anon_bytes is None else max(0, anon_bytes - self._reserve_bytes),
                shmem_bytes=usage.shmem_bytes,
                kernel_bytes=usage.kernel_bytes,
                cache_bytes=usage.cache_bytes,
                total_bytes=usage.total_bytes,
                cpu_s=growth(start.cpu_s, usage.cpu_s),
                throttled_cpu_s=growth(start.throttled_cpu_s, usage.throttled_cpu_s),
                held_s=growth(start.held_s, usage.held_s),
                rss_sum_bytes=rss_sum_bytes,
                pss_sum_bytes=pss_sum_bytes,
            )
        )


def growth(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else after - before


def peak(samples: list[Sample], column: str) -> int | None:
    """The largest known value of one column; None where none is known."""
    values = [value for sample in samples if (value := getattr(sample, column)) is not None]
    return max(values, default=None)


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
