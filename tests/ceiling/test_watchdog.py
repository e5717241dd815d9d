"""The watchdog, which needs nothing from the kernel but /proc."""

from __future__ import annotations

import pytest
from inside import Opens, python, run, start

from clipkit.ceiling.base import Mechanism
from clipkit.ceiling.watchdog import Quota
from clipkit.format import MIB

# in steps, for the watchdog needs time to look
GROWING = "import time; food = []\nwhile True: food.append(b'x' * (4 << 20)); time.sleep(.005)"


def test_a_job_that_grows_past_its_memory_is_killed(opened: Opens) -> None:
    ran = run(opened(Mechanism.WATCHDOG, memory_bytes=64 * MIB), GROWING)
    assert ran.returncode == -9
    assert ran.last.oom_kills == 1


def test_the_biggest_process_is_the_victim(opened: Opens) -> None:
    ceiling = opened(Mechanism.WATCHDOG, memory_bytes=64 * MIB)
    ran = run(ceiling, f"import subprocess; print(subprocess.call({python(GROWING)!r}))")
    assert (ran.returncode, ran.out) == (0, "-9\n")
    assert ran.last.oom_kills == 1


def test_memory_shared_after_a_fork_is_not_counted_twice(opened: Opens) -> None:
    ceiling = opened(Mechanism.WATCHDOG, memory_bytes=64 * MIB)
    ran = run(ceiling, "import os, time; held = b'x' * (40 << 20); os.fork(); time.sleep(.3)")
    assert ran.returncode == 0
    assert ran.last.oom_kills == 0


def test_a_busy_job_is_held_to_a_fifth_of_a_core(opened: Opens) -> None:
    code = "import time; end = time.monotonic() + 2\nwhile time.monotonic() < end: pass"
    ran = run(opened(Mechanism.WATCHDOG, cpus=0.2), code)
    assert ran.last.held_s and ran.last.held_s < ran.wall_s
    assert ran.last.cpu_s and ran.last.cpu_s / ran.wall_s < 0.35


def test_a_stopped_job_can_be_closed(opened: Opens) -> None:
    ceiling = opened(Mechanism.WATCHDOG, cpus=0.01)
    process = start(ceiling, "while True: pass")
    while not ceiling.usage().cpu_s:
        pass
    ceiling.close()
    assert process.wait() == -9
    ceiling.close()


def test_a_ceiling_that_nothing_entered_can_be_closed(opened: Opens) -> None:
    opened(Mechanism.WATCHDOG, memory_bytes=64 * MIB).close()


@pytest.mark.parametrize("cores_wanted", [0.3, 1.0, 4.0])
def test_over_time_the_quota_is_kept(cores_wanted: float) -> None:
    quota, look_s = Quota(0.5), 0.01
    spent_s, stands_still = 0.0, False
    for look in range(1000):
        used_s = 0.0 if stands_still else cores_wanted * look_s
        spent_s += used_s
        stands_still = quota.exhausted(look * look_s, used_s)
    assert spent_s / 10 == pytest.approx(min(0.5, cores_wanted), rel=0.05)


def test_an_idle_job_saves_nothing_up() -> None:
    quota = Quota(0.5)
    quota.exhausted(0.0, 0.0)
    quota.exhausted(60.0, 0.0)
    assert quota.exhausted(60.01, 0.06)
