"""Inside a small host already: its limits are the ceiling."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from inside import Opens

from clipkit.ceiling import ambient, standing
from clipkit.ceiling.base import Ceiling, Limits, Mechanism
from clipkit.ceiling.choose import survey
from clipkit.errors import CeilingError
from clipkit.format import MIB

INSIDE = """
import dataclasses, json, subprocess, sys
from clipkit.ceiling.ambient import ambient_if_it_fits
from clipkit.ceiling.base import Limits
with ambient_if_it_fits(Limits({memory} << 20, {cpus})) as ceiling:
    process = subprocess.Popen(ceiling.wrap([sys.executable, "-c", {code!r}]))
    ceiling.adopt(process.pid)
    returncode = process.wait()
    usage = ceiling.usage()
print(json.dumps({{
    "returncode": returncode,
    "enforced": dataclasses.asdict(ceiling.enforced),
    "usage": dataclasses.asdict(usage),
}}))
"""


@pytest.fixture
def small_host(opened: Opens) -> Ceiling:
    there = [found.mechanism for found in survey() if found.available]
    for mechanism in (Mechanism.CGROUP2, Mechanism.CGROUP1):
        if mechanism in there:
            return opened(mechanism, memory_bytes=128 * MIB, cpus=0.2)
    pytest.skip("no control groups can be made here to be inside of")


def _inside(
    host: Ceiling, code: str, memory: int = 256, cpus: float = 1.0
) -> subprocess.CompletedProcess[str]:
    program = INSIDE.format(memory=memory, cpus=cpus, code=code)
    return subprocess.run(
        host.wrap([sys.executable, "-c", program]), capture_output=True, text=True, check=False
    )


def test_existing_limits_at_most_the_asked_ones_are_the_ceiling(small_host: Ceiling) -> None:
    told = json.loads(_inside(small_host, "x = b'x' * (20 << 20)").stdout)
    assert told["returncode"] == 0
    assert told["enforced"]["memory_bytes"] == 128 * MIB
    assert told["enforced"]["cpus"] == 0.2
    assert told["usage"]["oom_kills"] == 0
    assert told["usage"]["total_bytes"] > 0


def test_a_kill_by_the_kernel_is_counted(small_host: Ceiling) -> None:
    told = json.loads(_inside(small_host, "x = b'x' * (300 << 20)").stdout)
    assert told["returncode"] == -9
    assert told["usage"]["oom_kills"] == 1


def test_throttling_is_read_where_the_quota_is(small_host: Ceiling) -> None:
    # Two at once, of a small quota: on a busy machine others leave one process less than that.
    code = (
        "import os, time; os.fork(); end = time.monotonic() + 1\nwhile time.monotonic() < end: pass"
    )
    assert json.loads(_inside(small_host, code).stdout)["usage"]["throttled_cpu_s"] > 0


@pytest.mark.parametrize(("memory", "cpus", "word"), [(64, 1.0, "memory"), (256, 0.1, "CPU")])
def test_tighter_limits_than_exist_are_refused(
    small_host: Ceiling, memory: int, cpus: float, word: str
) -> None:
    refused = _inside(small_host, "", memory, cpus).stderr
    assert "UnavailableError" in refused
    assert f"of {word}" in refused


def test_without_any_limit_there_is_no_ambient_ceiling(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = Limits(memory_bytes=None, cpus=None, pids=None)
    monkeypatch.setattr(standing, "limits_here", lambda: nothing)
    with pytest.raises(CeilingError, match="without limits"):
        ambient.Ambient(nothing)
