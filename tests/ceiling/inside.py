"""Small Python programs to run inside ceilings, and what can be seen of them from outside."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from clipkit.ceiling.base import Ceiling, Mechanism, Usage
from clipkit.ceiling.hierarchies import hierarchies

KERNEL_MECHANISMS = (Mechanism.CGROUP2, Mechanism.CGROUP1, Mechanism.SYSTEMD)

Opens = Callable[..., Ceiling]


@dataclass(frozen=True)
class Ran:
    returncode: int
    out: str
    err: str
    wall_s: float
    readings: list[Usage]

    @property
    def last(self) -> Usage:
        return self.readings[-1]


def python(code: str) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", code]


def start(ceiling: Ceiling, code: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        ceiling.wrap(python(code)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    ceiling.adopt(process.pid)
    return process


def run(ceiling: Ceiling, code: str) -> Ran:
    """Run a program inside, reading every 20 ms, as a trial does, and once more before waiting."""
    began = time.monotonic()
    process = start(ceiling, code)
    readings = []
    while not os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
        readings.append(ceiling.usage())
        time.sleep(0.02)
    wall_s = time.monotonic() - began
    readings.append(ceiling.usage())
    out, err = process.communicate()
    return Ran(process.returncode, out, err, wall_s, readings)


def own_groups() -> list[Path]:
    """Every group that this very process has made and that still exists."""
    return groups_of(os.getpid())


def groups_of(owner: int) -> list[Path]:
    return [
        Path(folder, name)
        for hierarchy in hierarchies()
        for folder, names, _ in os.walk(hierarchy.top)
        for name in names
        if name.startswith(f"clipkit-{owner}-")
    ]


def alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"
