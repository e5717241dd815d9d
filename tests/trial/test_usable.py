"""How much memory can really be held on a host: the kernel is asked, and nobody is harmed by it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from running import groups_of

from clipkit.ceiling.base import Ceiling, Limits, Mechanism
from clipkit.ceiling.choose import open_ceiling
from clipkit.errors import CeilingError
from clipkit.format import MIB
from clipkit.hosts import Host
from clipkit.trial.usable import usable_memory_bytes

Open = Callable[..., Ceiling]

WITHIN = """
import sys
from clipkit.ceiling.choose import open_ceiling
from clipkit.hosts import Host
from clipkit.trial.usable import usable_memory_bytes
label, others = (int(word) << 20 for word in sys.argv[1:])
kept = bytearray(b"x") * others
print(usable_memory_bytes(Host("inner", label, None), 0, open_ceiling), len(kept))
"""
"""A clipkit that shares a group with memory of others."""


@pytest.fixture(autouse=True)
def nothing_is_left() -> object:
    yield
    assert groups_of(os.getpid()) == []
    assert not any(
        "touch.py" in word for child in psutil.Process().children() for word in child.cmdline()
    )


@pytest.fixture
def own_group() -> None:
    """Skips where no group of our own can be had."""
    with open_ceiling(Limits(64 * MIB, None)) as ceiling:
        if ceiling.mechanism not in {Mechanism.CGROUP1, Mechanism.CGROUP2, Mechanism.SYSTEMD}:
            pytest.skip(f"no group of our own here: {ceiling.mechanism}")


@pytest.mark.usefixtures("own_group")
@pytest.mark.parametrize(("label_mb", "reserve_mb"), [(512, 0), (256, 0), (256, 120), (96, 40)])
def test_a_host_of_its_own_has_what_its_label_says(label_mb: int, reserve_mb: int) -> None:
    host = Host("own", label_mb * MIB, 0.5)
    usable = usable_memory_bytes(host, reserve_mb * MIB, open_ceiling)
    room = (label_mb - reserve_mb) * MIB
    assert usable is not None
    assert 0.98 * room < usable < room


@pytest.mark.usefixtures("own_group")
def test_swap_is_no_memory() -> None:
    host = Host("swaps", 96 * MIB, None, swap_bytes=512 * MIB)
    usable = usable_memory_bytes(host, 0, open_ceiling)
    assert usable is not None
    assert usable < 96 * MIB


@pytest.mark.usefixtures("own_group")
def test_what_others_hold_of_a_group_around_is_not_there_and_none_of_them_is_killed(
    real_ceiling: Open,
) -> None:
    around = real_ceiling(memory_bytes=400 * MIB)
    ran = _within(around, 384, 150)
    usable, others = map(int, ran.stdout.split())
    assert others == 150 * MIB
    assert 100 * MIB < usable < 250 * MIB
    assert around.usage().oom_kills == 0
    around.close()


@pytest.mark.usefixtures("own_group")
def test_a_group_around_that_has_enough_left_changes_nothing(real_ceiling: Open) -> None:
    around = real_ceiling(memory_bytes=600 * MIB)
    usable, _ = map(int, _within(around, 96, 50).stdout.split())
    assert 0.98 * 96 * MIB < usable < 96 * MIB
    around.close()


@pytest.mark.usefixtures("own_group")
def test_the_limits_that_clipkit_itself_runs_under_are_never_reached(
    real_ceiling: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    around = real_ceiling(memory_bytes=256 * MIB)
    monkeypatch.setenv("CLIPKIT_CEILING", "ambient")
    assert _within(around, 256, 10).stdout.split()[0] == "None"
    highest = around.usage().peak_total_bytes
    assert highest is not None
    assert highest < 200 * MIB
    around.close()


def _within(around: Ceiling, *words: int) -> subprocess.CompletedProcess[str]:
    root = Path(__file__).resolve().parents[2]
    argv = around.wrap([sys.executable, "-c", WITHIN, *map(str, words)])
    return subprocess.run(argv, capture_output=True, text=True, check=True, cwd=root)


@pytest.mark.parametrize("mechanism", [Mechanism.WATCHDOG, Mechanism.NONE])
def test_where_the_kernel_has_no_group_of_ours_nothing_is_tried(mechanism: Mechanism) -> None:
    """A reserve larger than the host would be refused, were anything started."""

    def opened(limits: Limits) -> Ceiling:
        return open_ceiling(limits, mechanism)

    assert usable_memory_bytes(Host("small", 64 * MIB, None), 128 * MIB, opened) is None


def test_without_a_limit_nothing_is_tried() -> None:
    def refuses(_limits: Limits) -> Ceiling:
        raise AssertionError("no ceiling is needed")

    assert usable_memory_bytes(Host("any", None, 1.0), 0, refuses) is None


@pytest.mark.usefixtures("own_group")
def test_a_reserve_that_does_not_fit_is_refused_as_in_a_trial() -> None:
    with pytest.raises(CeilingError, match="a reserve of 128 MB does not fit"):
        usable_memory_bytes(Host("small", 64 * MIB, None), 128 * MIB, open_ceiling)
