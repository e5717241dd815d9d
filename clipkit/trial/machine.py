"""What the machine did besides the trial, and which machine it was: recorded with every result."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import mmap
import os
import platform
import time
from dataclasses import dataclass
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGES_ASKED = 200


@dataclass(frozen=True, slots=True)
class Noise:
    """What else happened during a trial, as shares of all cores' time; None: cannot be known.

    `harness_cpu_s`: what this process used meanwhile, which is not counted among the others.
    """

    load_before: float | None
    steal_fraction: float | None
    cpu_pressure_fraction: float | None
    other_cpu_fraction: float | None
    harness_cpu_s: float
    canary_before_s: float | None = None
    canary_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """The machine's counters at one moment, in seconds. `harness_s`: of this process, all threads."""

    now_s: float
    harness_s: float
    load: float
    busy_s: float | None
    steal_s: float | None
    pressure_s: float | None


def read_machine() -> Reading:
    busy_s = steal_s = None
    with contextlib.suppress(OSError, ValueError):
        fields = Path("/proc/stat").read_text("ascii").splitlines()[0].split()[1:]
        user, nice, system, _idle, _iowait, irq, softirq, steal = (int(f) for f in fields[:8])
        busy_s = (user + nice + system + irq + softirq) / _TICKS_PER_S
        steal_s = steal / _TICKS_PER_S
    return Reading(
        now_s=time.monotonic(),
        harness_s=time.process_time(),
        load=os.getloadavg()[0],
        busy_s=busy_s,
        steal_s=steal_s,
        pressure_s=_pressure_s(),
    )


def between(before: Reading, after: Reading, own_cpu_s: float | None) -> Noise:
    """`own_cpu_s` is what the trial itself used: beside it and this process, the rest was others'."""
    elapsed_s = max(1e-9, after.now_s - before.now_s)
    capacity_s = elapsed_s * (os.cpu_count() or 1)
    harness_s = after.harness_s - before.harness_s
    other_s = _difference(before.busy_s, after.busy_s)
    if other_s is not None and own_cpu_s is not None:
        other_s = max(0.0, other_s - own_cpu_s - harness_s)
    return Noise(
        load_before=before.load,
        steal_fraction=_share(_difference(before.steal_s, after.steal_s), capacity_s),
        cpu_pressure_fraction=_share(_difference(before.pressure_s, after.pressure_s), elapsed_s),
        other_cpu_fraction=_share(other_s, capacity_s) if own_cpu_s is not None else None,
        harness_cpu_s=harness_s,
    )


def host_id() -> str:
    """A stable name of this machine, its processor and its kernel; tells nothing else of them."""
    parts = [platform.machine(), platform.release(), cpu_model(), str(os.cpu_count())]
    with contextlib.suppress(OSError):
        parts.append(Path("/etc/machine-id").read_text("ascii").strip())
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def cpu_model() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def warm(path: Path) -> float | None:
    """Read the file into the page cache, as right after an upload, and tell how much of it is there.

    Done outside the ceiling, so that the trial is not charged for it.
    """
    available_bytes = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if path.stat().st_size < available_bytes // 2:
        with path.open("rb", buffering=0) as file:
            while file.read(1 << 22):
                pass
    return cached_fraction(path)


def cached_fraction(path: Path) -> float | None:
    """Of pages spread over the file, how many a read finds in the page cache (RWF_NOWAIT)."""
    size = path.stat().st_size
    step = max(mmap.PAGESIZE, size // _PAGES_ASKED)
    asked = found = 0
    with path.open("rb", buffering=0) as file:
        for at in range(0, size, step):
            asked += 1
            try:
                os.preadv(file.fileno(), [bytearray(1)], at, os.RWF_NOWAIT)
                found += 1
            except BlockingIOError:
                continue
            except OSError as error:
                if error.errno in {errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS}:
                    return None
                raise
    return found / asked if asked else None


def _pressure_s() -> float | None:
    with contextlib.suppress(OSError):
        for line in Path("/proc/pressure/cpu").read_text("ascii").splitlines():
            if line.startswith("some"):
                return int(line.rpartition("total=")[2]) / 1e6
    return None


def _difference(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else after - before


def _share(part_s: float | None, whole_s: float) -> float | None:
    return None if part_s is None else part_s / whole_s
