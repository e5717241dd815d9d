"""Memory and CPU of everything inside a ceiling over time, read from outside."""

from __future__ import annotations

import contextlib
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from clipkit.ceiling.base import Ceiling
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

    def _run(self) -> None:
        start = self._ceiling.usage()
        while True:
            self._read(start.cpu_s or 0.0, start.throttled_s or 0.0)
            if self._stop.wait(INTERVAL_S):
                self._read(start.cpu_s or 0.0, start.throttled_s or 0.0)
                return

    def _read(self, cpu_before_s: float, throttled_before_s: float) -> None:
        usage = self._ceiling.usage()
        anon_bytes = usage.anon_bytes
        rss_sum_bytes = pss_sum_bytes = None
        if len(self.samples) % _PROCESSES_EVERY == 0:
            pids = [pid for pid in self._ceiling.pids() if pid not in self._excluded]
            rss_sum_bytes, pss_sum_bytes = _process_sums(pids)
        self.samples.append(
            Sample(
                t_s=time.monotonic() - self._started_s,
                anon_bytes=None if anon_bytes is None else max(0, anon_bytes - self._reserve_bytes),
                shmem_bytes=usage.shmem_bytes,
                kernel_bytes=usage.kernel_bytes,
                cache_bytes=usage.cache_bytes,
                total_bytes=usage.total_bytes,
                cpu_s=None if usage.cpu_s is None else usage.cpu_s - cpu_before_s,
                throttled_s=None
                if usage.throttled_s is None
                else usage.throttled_s - throttled_before_s,
                rss_sum_bytes=rss_sum_bytes,
                pss_sum_bytes=pss_sum_bytes,
            )
        )


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
