"""What a killed clipkit leaves behind is swept up by the next one; the living are left alone."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from inside import Opens, alive, groups_of, own_groups, start

from clipkit.ceiling import groups
from clipkit.ceiling.base import Mechanism
from clipkit.ceiling.stale import remove_stale

KILLED = """
import os, signal, subprocess, time
from clipkit.ceiling.base import Limits, Mechanism
from clipkit.ceiling.choose import open_ceiling
ceiling = open_ceiling(Limits(None, None), Mechanism("{mechanism}"))
process = subprocess.Popen(ceiling.wrap(["sleep", "60"]), stdout=subprocess.DEVNULL)
ceiling.adopt(process.pid)
while b"sleep" not in open(f"/proc/{{process.pid}}/cmdline", "rb").read()[:5]: time.sleep(.01)
print(os.getpid(), process.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize(
    "mechanism", [Mechanism.CGROUP2, Mechanism.CGROUP1, Mechanism.SYSTEMD, Mechanism.WATCHDOG]
)
def test_the_groups_and_processes_of_a_killed_clipkit_are_removed(
    mechanism: Mechanism, opened: Opens
) -> None:
    opened(mechanism).close()
    killed = subprocess.run(
        [sys.executable, "-c", KILLED.format(mechanism=mechanism)],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    owner, job = map(int, killed.stdout.split())
    assert killed.returncode == -9
    assert alive(job)
    remove_stale()
    time.sleep(0.1)
    assert not alive(job)
    assert groups_of(owner) == []


def test_the_groups_of_the_living_are_kept(opened: Opens, kernel_mechanism: Mechanism) -> None:
    ceiling = opened(kernel_mechanism)
    process = start(ceiling, "import time; time.sleep(60)")
    while process.pid not in ceiling.pids():
        time.sleep(0.01)
    standing = own_groups()
    remove_stale()
    assert own_groups() == standing != []
    assert alive(process.pid)


def test_a_name_tells_its_owner_from_a_later_process_with_the_number() -> None:
    name = groups.new_name()
    assert not groups.is_stale(name)
    pid, start_ticks = str(os.getpid()), str(groups.start_ticks(os.getpid()))
    assert groups.is_stale(name.replace(start_ticks, str(int(start_ticks) - 1), 1))
    assert groups.is_stale(name.replace(pid, str(2**22 + 1), 1))


def test_names_that_are_not_ours_and_those_of_other_containers_are_kept() -> None:
    dead = groups.new_name().replace(str(os.getpid()), str(2**22 + 1), 1)
    namespace = str(Path("/proc/self/ns/pid").stat().st_ino)
    assert groups.is_stale(dead)
    assert not groups.is_stale(dead.replace(namespace, "1"))
    assert not groups.is_stale("clipkit-of-somebody")
    assert not groups.is_stale("docker")
