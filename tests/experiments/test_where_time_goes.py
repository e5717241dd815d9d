"""The script that tells where the time of one `clipkit cut` goes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "experiments/benchmarks/where_time_goes.py"


def test_its_parts_add_up_to_the_time_from_the_command_to_its_end(
    small: Path, tmp_path: Path
) -> None:
    ran = subprocess.run(
        [sys.executable, SCRIPT, small, "--runs", "1", "--", "--count", "2", "--length", "1"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    _, _, *rows = ran.stdout.splitlines()
    found = {line[:50].strip(): float(line[50:58]) for line in rows}
    seconds = {name: value for name, value in found.items() if "CPU" not in name}
    beside_s = seconds.pop("beside it: until the engine is started")
    all_s = seconds.pop("all")
    assert min(found.values()) >= 0
    assert sum(seconds.values()) == pytest.approx(all_s, abs=0.01)
    assert beside_s < seconds["probe"]
    assert found["CPU of the clips' own processes"] < found["CPU of everything"]
    assert not list(tmp_path.iterdir())
