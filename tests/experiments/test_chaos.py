"""A few acts of `experiments/benchmarks/chaos`, as anybody would run it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import requirements

CHAOS = Path(__file__).parents[2] / "experiments" / "benchmarks" / "chaos"


@pytest.mark.timeout(1800)
def test_ten_acts_lose_nothing_double_nothing_and_leave_nothing(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        requirements.missing("ceiling", "full disks are tmpfs, which only root mounts")
    words = ["--count", "5", "--kind", "cut", "--kind", "grid", "--keep", str(tmp_path)]
    ran = subprocess.run(
        [sys.executable, CHAOS, *words], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, f"{ran.stdout}\n{ran.stderr}"
    *_, acts, _, found, _ = ran.stdout.strip().splitlines()
    assert int(acts.partition(" ")[0]) >= 8  # a few may come too late
    assert found == "found: no fault"
