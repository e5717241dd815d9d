"""The protocol of a ceiling: how this machine holds a job to a host's memory and CPU."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from clipkit.errors import CeilingError
from clipkit.format import size

if TYPE_CHECKING:
    from clipkit.hosts import Host


class Mechanism(StrEnum):
    CGROUP2 = "cgroup2"
    CGROUP1 = "cgroup1"
    SYSTEMD = "systemd"
    AMBIENT = "ambient"
    WATCHDOG = "watchdog"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Limits:
    """What to hold the job to. Bytes and cores; None is unlimited. `pids` bounds its processes.

    Checked when made, because the kernel reads -1 as "no limit": raises CeilingError.
    """

    memory_bytes: int | None
    cpus: float | None
    swap_bytes: int = 0
    pids: int | None = 512

    def __post_init__(self) -> None:
        if self.memory_bytes is not None and self.memory_bytes <= 0:
            raise CeilingError(f"a memory limit must be positive, not {size(self.memory_bytes)}")
        if self.cpus is not None and self.cpus < 0.01:  # the kernel's smallest quota: 1 ms in 100
            raise CeilingError(f"a CPU limit must be at least 0.01 cores, not {self.cpus:g}")
        if self.swap_bytes < 0:
            raise CeilingError(f"swap cannot be negative ({size(self.swap_bytes)})")
        if self.pids is not None and self.pids <= 0:
            raise CeilingError(f"a limit of processes must be positive, not {self.pids}")

    @classmethod
    def of(cls, host: Host) -> Self:
        return cls(host.memory_bytes, host.cpus, host.swap_bytes)


@dataclass(frozen=True, slots=True)
class Usage:
    """One reading of everything inside the ceiling. Bytes and seconds; None: cannot be known here.

    `anon_bytes` is the need: memory that cannot be dropped. `cache_bytes` is page cache, which the
    kernel drops under pressure. `total_bytes` is what is charged against the limit, cache included,
    and `peak_total_bytes` the kernel's own high-water mark of it. `oom_kills` counts since the
    ceiling was set up. `throttled_cpu_s` is what the quota withheld, summed over CPUs as the kernel
    counts it: no wall time (`trial.held`). `held_s` is wall time, by a ceiling that itself stops the
    job. `major_faults` counts pages that were waited for from disk, `refaults` those of files that had
    been dropped not long before: a host that is too small hangs by these before it kills.
    `swap_bytes`: what of `anon_bytes` is swapped out. `oom_kills_around`: of the group that clipkit itself is in, where the job has none of its own: whoever was
    killed there.
    """

    anon_bytes: int | None
    shmem_bytes: int | None
    kernel_bytes: int | None
    cache_bytes: int | None
    total_bytes: int | None
    peak_total_bytes: int | None
    cpu_s: float | None
    throttled_cpu_s: float | None
    held_s: float | None
    oom_kills: int
    major_faults: int | None = None
    refaults: int | None = None
    oom_kills_around: int = 0
    swap_bytes: int | None = None


class Part(Protocol):
    """Some of what is inside a ceiling, whose use the kernel counts apart from the rest. It is gone with
    the ceiling; `usage` then keeps returning the last reading."""

    @property
    def entrances(self) -> Sequence[Path]:
        """Where a process that is inside the ceiling writes its PID to move into this part."""
        ...

    def wrap(self, argv: Sequence[str]) -> list[str]:
        """The argv that starts `argv` in this part, in the same process (same PID)."""
        ...

    def usage(self) -> Usage:
        """As `Ceiling.usage`, of this part alone; `oom_kills` counts its own processes."""
        ...


class Ceiling(Protocol):
    """A ceiling that stands. Made by `choose.open_ceiling`; always closed, also after an error:

    with open_ceiling(limits) as ceiling:
        ...
    """

    mechanism: Mechanism
    enforced: Limits
    """What is really enforced: tighter than asked where clipkit itself is held tighter; None where
    this mechanism cannot hold the job to a limit."""
    surrounding_bytes: int | None = None
    """The memory that a group around holds the job to, where that is less than what was asked for."""

    def wrap(self, argv: Sequence[str]) -> list[str]:
        """The argv that starts `argv` inside the ceiling, in the same process (same PID)."""
        ...

    def adopt(self, pid: int) -> None:
        """Tell the ceiling of a process just started with `wrap`; call once for each."""
        ...

    def usage(self) -> Usage:
        """Read now; cheap enough for every 20 ms. Never raises for a process that just ended."""
        ...

    def highest_charge_bytes(self) -> int | None:
        """The most that was charged against the limit since the last call, page cache included, by the
        kernel's own watch; None where it cannot be asked so. Cheaper than `usage`; for one caller."""
        return None

    def part(self, name: str) -> Part | None:  # noqa: ARG002
        """A new part, empty. None where this mechanism has no group of its own that could be divided.

        Once there is one, everything is started in a part: make all of them first.
        """
        return None

    def pids(self) -> list[int]:
        """Every process inside."""
        ...

    def kill(self) -> None:
        """Kill every process inside, now, and wait until none is left."""
        ...

    def close(self) -> None:
        """Kill what is left and remove every trace. May be called twice; `usage` then keeps
        returning the last reading."""
        ...

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


@dataclass(frozen=True, slots=True)
class Availability:
    """What the doctor says of one mechanism: `why` in words, `remedy` the command or step to get it."""

    mechanism: Mechanism
    available: bool
    why: str
    remedy: str | None = None


class UnavailableError(CeilingError):
    """This machine lacks a mechanism. `why` and `remedy` are what the doctor prints."""

    def __init__(self, mechanism: Mechanism, why: str, remedy: str | None = None) -> None:
        super().__init__(f"the ceiling '{mechanism}' is not available here: {why}")
        self.mechanism = mechanism
        self.why = why
        self.remedy = remedy
