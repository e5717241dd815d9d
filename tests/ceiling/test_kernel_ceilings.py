"""The kernel's mechanisms, for real: each test runs with every one that this machine has."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest
from inside import Opens, alive, own_groups, python, run, start

from clipkit.ceiling.base import Ceiling, Limits, Mechanism
from clipkit.ceiling.choose import open_ceiling, survey
from clipkit.errors import CeilingError
from clipkit.format import MIB

HUNGRY = "food = b'x' * (200 << 20)"
BUSY = "import time; end = time.monotonic() + 2\nwhile time.monotonic() < end: pass"
HOLDING_40_MIB = "import time; held = b'x' * (40 << 20); time.sleep(1)"


def test_an_allocation_over_the_limit_is_killed_by_the_kernel(real_ceiling: Opens) -> None:
    ran = run(real_ceiling(memory_bytes=64 * MIB), HUNGRY)
    assert ran.returncode == -9
    assert ran.last.oom_kills == 1


def test_what_was_killed_does_not_take_its_parent_along(real_ceiling: Opens) -> None:
    ceiling = real_ceiling(memory_bytes=64 * MIB)
    ran = run(ceiling, f"import subprocess; print(subprocess.call({python(HUNGRY)!r}))")
    assert (ran.returncode, ran.out) == (0, "-9\n")
    assert ran.last.oom_kills == 1


def test_page_cache_at_the_limit_is_not_out_of_memory(real_ceiling: Opens, tmp_path: Path) -> None:
    if _is_in_memory(tmp_path):
        pytest.skip(f"{tmp_path} is in memory: a file there is no page cache")
    ceiling = real_ceiling(memory_bytes=48 * MIB)
    big_file = (
        f"f = open({str(tmp_path / 'big')!r}, 'wb')\nfor _ in range(96): f.write(bytes(1 << 20))"
    )
    ran = run(ceiling, big_file)
    assert ran.returncode == 0
    assert ran.last.oom_kills == 0
    assert max(reading.total_bytes or 0 for reading in ran.readings) > 40 * MIB
    assert max(reading.cache_bytes or 0 for reading in ran.readings) > 30 * MIB
    assert max(reading.anon_bytes or 0 for reading in ran.readings) < 20 * MIB


def test_a_fifth_of_a_core_throttles_a_busy_loop(real_ceiling: Opens) -> None:
    ran = run(real_ceiling(cpus=0.2), BUSY)
    assert ran.last.throttled_cpu_s and ran.last.cpu_s
    assert ran.last.cpu_s / ran.wall_s < 0.35


def test_readings_tell_the_need_from_the_rest(real_ceiling: Opens) -> None:
    ran = run(real_ceiling(memory_bytes=128 * MIB), HOLDING_40_MIB)
    anon_bytes = max(reading.anon_bytes or 0 for reading in ran.readings)
    assert 40 * MIB < anon_bytes < 60 * MIB
    assert ran.last.peak_total_bytes is None or 40 * MIB < ran.last.peak_total_bytes <= 128 * MIB
    assert all(reading.kernel_bytes is not None for reading in ran.readings[-3:])
    assert ran.last.cpu_s and ran.last.cpu_s > 0
    assert ran.last.oom_kills == 0


def test_shared_memory_is_not_called_cache(real_ceiling: Opens) -> None:
    ceiling = real_ceiling(memory_bytes=128 * MIB)
    ran = run(
        ceiling,
        "import mmap, time; m = mmap.mmap(-1, 20 << 20); m.write(b'x' * (20 << 20)); time.sleep(1)",
    )
    fullest = max(ran.readings, key=lambda reading: reading.shmem_bytes or 0)
    assert fullest.shmem_bytes and fullest.shmem_bytes >= 20 * MIB
    assert fullest.cache_bytes is not None and fullest.cache_bytes < 15 * MIB


def test_the_wrapped_process_is_the_command(real_ceiling: Opens) -> None:
    process = start(real_ceiling(), "import os; print(os.getpid())")
    assert process.communicate()[0] == f"{process.pid}\n"


def test_limits_that_are_not_asked_for_still_give_readings(real_ceiling: Opens) -> None:
    ran = run(real_ceiling(), HOLDING_40_MIB)
    assert max(reading.anon_bytes or 0 for reading in ran.readings) > 40 * MIB


def test_what_is_enforced_is_what_was_asked(real_ceiling: Opens) -> None:
    enforced = real_ceiling(memory_bytes=64 * MIB, cpus=0.25, pids=77).enforced
    assert (enforced.memory_bytes, enforced.cpus, enforced.pids) == (64 * MIB, 0.25, 77)


def test_too_many_processes_are_refused(real_ceiling: Opens) -> None:
    ceiling = real_ceiling(pids=4)
    if ceiling.enforced.pids is None:
        pytest.skip("no pids controller here")
    ran = run(ceiling, "import os, time\nfor _ in range(9):\n if not os.fork(): time.sleep(1)")
    assert "BlockingIOError" in ran.err


def test_kill_reaches_grandchildren_and_leaves_the_ceiling_usable(real_ceiling: Opens) -> None:
    ceiling = real_ceiling()
    first = start(ceiling, _with_a_child())
    child = int(first.stdout.readline())  # type: ignore[union-attr]
    assert {first.pid, child} <= set(ceiling.pids())
    ceiling.kill()
    assert ceiling.pids() == []
    assert not alive(child)
    assert first.wait() == -9
    again = run(ceiling, "import subprocess; subprocess.call('true')")
    if again.returncode == 126 and ceiling.mechanism is Mechanism.SYSTEMD:
        pytest.skip("this user may not move a second process into a scope")
    assert again.returncode == 0


def test_close_kills_what_is_left_and_keeps_the_last_reading(real_ceiling: Opens) -> None:
    ceiling = real_ceiling()
    first = start(ceiling, _with_a_child())
    child = int(first.stdout.readline())  # type: ignore[union-attr]
    ceiling.close()
    assert own_groups() == []
    assert not alive(child)
    assert first.wait() == -9
    assert ceiling.usage().cpu_s
    ceiling.close()


def test_nothing_is_left_after_an_exception(kernel_mechanism: Mechanism, opened: Opens) -> None:
    opened(kernel_mechanism).close()
    with pytest.raises(KeyboardInterrupt):
        _interrupted(kernel_mechanism)
    assert own_groups() == []


def test_a_limit_that_the_kernel_refuses_is_told(
    kernel_mechanism: Mechanism, opened: Opens
) -> None:
    opened(kernel_mechanism).close()
    with pytest.raises(CeilingError, match=r"refused"):
        open_ceiling(Limits(memory_bytes=64 * MIB, cpus=1e9), kernel_mechanism)
    assert own_groups() == []


def test_inside_a_tighter_group_the_tighter_limit_is_what_is_enforced(opened: Opens) -> None:
    outer = _first_kernel_ceiling(opened)
    code = (
        "from clipkit.ceiling.choose import open_ceiling\n"
        "from clipkit.ceiling.base import Limits, Mechanism\n"
        f"with open_ceiling(Limits(512 << 20, 1.0), Mechanism('{outer.mechanism}')) as inner:\n"
        "    print(inner.enforced.memory_bytes, inner.enforced.cpus)"
    )
    argv = outer.wrap([*python("")[:1], "-c", code])
    told = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.split()
    if outer.mechanism is Mechanism.CGROUP1:  # v2 does not allow a group below one with processes
        assert told == [str(256 * MIB), "0.5"]
    else:
        assert told == [str(512 * MIB), "1.0"]


def _first_kernel_ceiling(opened: Opens) -> Ceiling:
    there = [found.mechanism for found in survey() if found.available]
    mechanism = next((m for m in there if m in (Mechanism.CGROUP1, Mechanism.CGROUP2)), None)
    if mechanism is None:
        pytest.skip("no control groups can be made here")
    return opened(mechanism, memory_bytes=256 * MIB, cpus=0.5)


def _with_a_child() -> str:
    return (
        "import subprocess, time\n"
        "print(subprocess.Popen(['sleep', '60']).pid, flush=True)\n"
        "time.sleep(60)"
    )


def _interrupted(mechanism: Mechanism) -> None:
    with open_ceiling(Limits(memory_bytes=64 * MIB, cpus=None), mechanism) as ceiling:
        start(ceiling, "import time; time.sleep(60)")
        time.sleep(0.1)
        raise KeyboardInterrupt


def _is_in_memory(folder: Path) -> bool:
    device = folder.stat().st_dev
    number = f"{os.major(device)}:{os.minor(device)}"
    for line in Path("/proc/self/mountinfo").read_text("utf-8").splitlines():
        if line.split()[2] == number:
            return line.partition(" - ")[2].split()[0] in ("tmpfs", "ramfs")
    return False
