"""Parts of a ceiling: the kernel counts each one's memory, CPU and kills by itself."""

from __future__ import annotations

import subprocess
import sys

import pytest
from inside import Opens, own_groups, python

from clipkit.ceiling.base import Ceiling, Limits, Mechanism, Part
from clipkit.ceiling.choose import open_ceiling
from clipkit.format import MIB

HOLDING = "held = b'x' * ({mib} << 20); print(flush=True); input()"
BUSY = "import time; end = time.process_time() + 1\nwhile time.process_time() < end: pass"


def divided(ceiling: Ceiling) -> tuple[Part, Part]:
    parts = ceiling.part("one"), ceiling.part("other")
    if parts[0] is None or parts[1] is None:
        pytest.skip(f"{ceiling.mechanism} has no parts")
    return parts[0], parts[1]


def start(part: Part, code: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        part.wrap(python(code)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=sys.stderr
    )


def end(*processes: subprocess.Popen[bytes]) -> None:
    for process in processes:
        process.communicate(b"\n")


def test_memory_and_cpu_are_counted_apart_and_together(real_ceiling: Opens) -> None:
    ceiling = real_ceiling(memory_bytes=256 * MIB)
    one, other = divided(ceiling)
    holding = start(one, HOLDING.format(mib=40))
    assert holding.stdout
    holding.stdout.readline()
    end(start(other, BUSY))
    apart, beside, whole = one.usage(), other.usage(), ceiling.usage()
    end(holding)
    assert apart.anon_bytes and beside.anon_bytes is not None and whole.anon_bytes
    assert 40 * MIB < apart.anon_bytes < 60 * MIB
    assert beside.anon_bytes < 5 * MIB
    assert whole.anon_bytes >= apart.anon_bytes
    assert apart.cpu_s and beside.cpu_s and whole.cpu_s
    assert 1 <= beside.cpu_s < 1.6  # starting Python takes 0.4 s on a slow machine
    assert apart.cpu_s < 0.6
    assert whole.cpu_s == pytest.approx(apart.cpu_s + beside.cpu_s, abs=0.05)


def test_a_process_moves_from_one_to_the_other_by_itself(real_ceiling: Opens) -> None:
    one, other = divided(real_ceiling(memory_bytes=256 * MIB))
    move = "".join(
        f"open({str(entrance)!r}, 'w').write(str(os.getpid()))\n" for entrance in other.entrances
    )
    before_s = other.usage().cpu_s
    end(start(one, f"import os\n{move}{BUSY}"))
    assert before_s is not None
    assert (other.usage().cpu_s or 0.0) - before_s > 0.29
    assert (one.usage().cpu_s or 0.0) < 0.2


def test_both_are_held_to_the_same_limit_and_a_kill_is_told_of_the_right_one(
    real_ceiling: Opens,
) -> None:
    ceiling = real_ceiling(memory_bytes=128 * MIB)
    one, other = divided(ceiling)
    holding = start(one, HOLDING.format(mib=30))
    assert holding.stdout
    holding.stdout.readline()
    hungry = start(other, HOLDING.format(mib=120))
    assert hungry.wait() == -9
    kills = one.usage().oom_kills, other.usage().oom_kills, ceiling.usage().oom_kills
    end(holding)
    assert kills == (0, 1, 1)


def test_closing_ends_what_runs_in_a_part_and_its_last_reading_stays(real_ceiling: Opens) -> None:
    ceiling = real_ceiling(memory_bytes=128 * MIB)
    one, _ = divided(ceiling)
    sleeping = start(one, "import time; print(flush=True); time.sleep(60)")
    assert sleeping.stdout
    sleeping.stdout.readline()
    assert sleeping.pid in ceiling.pids()
    ceiling.close()
    assert sleeping.wait() == -9
    assert own_groups() == []
    assert one.usage().cpu_s
    assert ceiling.usage().cpu_s


@pytest.mark.parametrize("mechanism", [Mechanism.NONE, Mechanism.WATCHDOG])
def test_without_a_group_of_its_own_there_is_none(mechanism: Mechanism) -> None:
    with open_ceiling(Limits(None, None), mechanism) as ceiling:
        assert ceiling.part("one") is None
