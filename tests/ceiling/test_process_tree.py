"""A job without a group of its own: its processes are found, measured and killed all the same."""

from __future__ import annotations

import subprocess
import sys
import time

from inside import Opens, alive, run, start

from clipkit.ceiling import standing
from clipkit.ceiling.base import Mechanism
from clipkit.format import MIB

DAEMON = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        print(os.getpid(), flush=True)
        time.sleep(60)
    os._exit(0)
os.wait()
time.sleep(60)
"""


def test_a_job_is_measured_without_any_limit(opened: Opens) -> None:
    ceiling = opened(Mechanism.NONE, memory_bytes=1 * MIB, cpus=0.01)
    assert ceiling.enforced == standing.limits_here()  # what it is told to enforce, it does not
    ran = run(ceiling, "import time; held = b'x' * (40 << 20); time.sleep(.3)")
    assert ran.returncode == 0
    assert 40 * MIB < max(reading.anon_bytes or 0 for reading in ran.readings) < 60 * MIB
    assert ran.last.throttled_cpu_s is None


def test_the_cpu_of_children_that_have_ended_is_counted(opened: Opens) -> None:
    busy = "import time; end = time.process_time() + .3\nwhile time.process_time() < end: pass"
    code = (
        "import os, subprocess, sys\n"
        f"for _ in range(3): subprocess.call([sys.executable, '-c', {busy!r}])\n"
        "print(sum(os.times()[:4]))"
    )
    ran = run(opened(Mechanism.NONE), code)
    assert ran.last.cpu_s and ran.last.cpu_s >= 0.9
    assert abs(ran.last.cpu_s - float(ran.out)) < 0.1
    times = [reading.cpu_s or 0 for reading in ran.readings]
    assert times == sorted(times)


def test_a_daemon_is_found_and_killed(opened: Opens) -> None:
    ceiling = opened(Mechanism.NONE)
    process = start(ceiling, DAEMON)
    daemon = int(process.stdout.readline())  # type: ignore[union-attr]
    process.kill()
    process.wait()
    assert daemon in ceiling.pids()
    ceiling.close()
    assert not alive(daemon)


def test_a_daemon_born_unseen_is_found_by_its_environment(opened: Opens) -> None:
    ceiling = opened(Mechanism.NONE)
    process = start(ceiling, DAEMON)
    daemon = int(process.stdout.readline())  # type: ignore[union-attr]
    process.kill()
    process.wait()
    time.sleep(0.1)
    assert ceiling.pids() == [daemon]


def test_the_processes_of_others_are_not_ours(opened: Opens) -> None:
    ceiling, other = opened(Mechanism.NONE), opened(Mechanism.NONE)
    start(other, "import time; time.sleep(60)")
    process = start(ceiling, "import time; time.sleep(60)")
    assert ceiling.pids() == [process.pid]


def test_looking_at_thousands_of_processes_leaves_nothing_in_whoever_looks() -> None:
    """A harness lives in the memory that it measures in, however long: a `Path` each would leave its parts."""
    code = (
        "import gc, tracemalloc; from clipkit.ceiling.process_tree import mark_of, read_process\n"
        "read_process(1); tracemalloc.start()\n"
        "for pid in range(5_000_000, 5_040_000): read_process(pid), mark_of(pid)\n"
        "gc.collect(); print(tracemalloc.get_traced_memory()[0])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(ran.stdout) < 50_000
