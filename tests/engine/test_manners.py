"""How clips make room for others: priorities, and a share of the CPU that they keep to."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from clipkit.engine.manners import IDLE, LOW, Manners, Pacing

BUSY = [sys.executable, "-I", "-S", "-c", "while True: pass"]


@contextmanager
def busy(count: int = 1) -> Iterator[list[subprocess.Popen[bytes]]]:
    processes = [subprocess.Popen(BUSY) for _ in range(count)]
    try:
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.wait()


def cpu_s(pid: int) -> float:
    return time.clock_gettime(~pid << 3 | 2)


def test_a_clip_gets_the_priorities_that_were_asked_for():
    with busy() as [process]:
        Manners(nice=7, ionice=IDLE).teach(process.pid)
        assert os.getpriority(os.PRIO_PROCESS, process.pid) == min(
            19, os.getpriority(os.PRIO_PROCESS, 0) + 7
        )
        told = subprocess.run(
            ["ionice", "-p", str(process.pid)], capture_output=True, text=True, check=True
        )
        assert told.stdout.strip() == "idle"


def test_one_that_runs_only_when_nobody_else_does_is_told_so_to_the_kernel():
    with busy() as [process]:
        Manners(cpu_scheduling=IDLE).teach(process.pid)
        assert os.sched_getscheduler(process.pid) == os.SCHED_IDLE
        assert os.getpriority(os.PRIO_PROCESS, process.pid) == os.getpriority(os.PRIO_PROCESS, 0)


def test_low_is_the_last_of_those_that_do_their_best():
    with busy() as [process]:
        Manners(ionice=LOW).teach(process.pid)
        told = subprocess.run(
            ["ionice", "-p", str(process.pid)], capture_output=True, text=True, check=True
        )
        assert told.stdout.strip() == "best-effort: prio 7"


def test_without_manners_a_process_is_left_as_it_is():
    with busy() as [process]:
        Manners().teach(process.pid)
        assert os.sched_getscheduler(process.pid) == os.sched_getscheduler(0)
        assert os.getpriority(os.PRIO_PROCESS, process.pid) == os.getpriority(os.PRIO_PROCESS, 0)


def test_a_process_that_has_ended_is_let_be():
    with busy() as [process]:
        pass
    Manners(nice=5, ionice=LOW).teach(process.pid)


@pytest.mark.parametrize(("count", "cpus"), [(1, 0.3), (2, 0.3)])
def test_all_together_take_no_more_than_their_share(count: int, cpus: float):
    with busy(count) as processes:
        pacing, began_s = Pacing(cpus), time.monotonic()
        while time.monotonic() - began_s < 1.5:
            pacing.pace([process.pid for process in processes])
            time.sleep(pacing.wait_s)
        share = sum(cpu_s(process.pid) for process in processes) / (time.monotonic() - began_s)
    assert share < cpus * 1.25 + 0.05


def test_whoever_takes_less_than_the_share_is_never_stopped():
    with busy() as [process]:
        pacing = Pacing(4.0)
        for _ in range(50):
            pacing.pace([process.pid])
            stat = Path(f"/proc/{process.pid}/stat").read_text("ascii")
            assert stat.rpartition(")")[2].split()[0] != "T"
            time.sleep(pacing.wait_s)


def test_one_that_ends_while_it_is_stopped_is_forgotten():
    with busy(2) as [first, second]:
        pacing = Pacing(0.05)
        for _ in range(20):
            pacing.pace([first.pid, second.pid])
            time.sleep(pacing.wait_s)
        first.kill()
        first.wait()
        for _ in range(20):
            pacing.pace([second.pid])
            time.sleep(pacing.wait_s)
        assert cpu_s(second.pid) > 0
