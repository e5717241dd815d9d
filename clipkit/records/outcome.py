"""What comes back of a trial: its record, and beside it what no table holds. Data only, stdlib only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # who only samples does not load what a record means
    from clipkit.records.record import Record

CLIPS_PREFIX = ".clips-"
"""How the folder begins, in the campaign's, in which a trial's clips are until it ends."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One reading. Bytes and seconds since the sampler started; the reserve is excluded from
    `anon_bytes`; `highest_charge_bytes` is the most that was charged against the limit since the sample
    before, page cache and reserve included, by the kernel's own watch; `rss_sum_bytes` and `pss_sum_bytes` are read less often, None in between.
    `throttled_cpu_s` is what the quota withheld, summed over CPUs as the kernel counts it; `held_s` the
    wall time for which a ceiling that does so itself stopped the job; `service_bytes` what a service
    needed by itself, without its ffmpegs (`records.served`); `swap_bytes` what of it is swapped out."""

    t_s: float
    anon_bytes: int | None
    shmem_bytes: int | None
    kernel_bytes: int | None
    cache_bytes: int | None
    total_bytes: int | None
    highest_charge_bytes: int | None
    cpu_s: float | None
    throttled_cpu_s: float | None
    held_s: float | None
    rss_sum_bytes: int | None
    pss_sum_bytes: int | None
    service_bytes: int | None = None
    swap_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """A record, the rows of its clips, memory and CPU over time, and the logs: file's name -> content.

    Whoever ran the trial hands this back; whoever asked for it stores it. `stop`: why no other trial would
    end better now, and what to do, in words. `interrupted`: no other is to be run, whatever came of this one.
    """

    record: Record
    clips: Sequence[Mapping[str, Any]]
    samples: Sequence[Sample]
    logs: Mapping[str, bytes]
    stop: str | None = None
    interrupted: bool = False
