"""clipkit inside a small container: what surrounds it is seen, told and held against what is asked."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from clipkit.ceiling.base import Ceiling
from clipkit.format import MIB

Inside = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def inside(real_ceiling: Callable[..., Ceiling], tmp_path: Path) -> Inside:
    """Runs `clipkit` in a group of so much memory, as a container would."""

    def run(memory_mb: int, *words: object) -> subprocess.CompletedProcess[str]:
        group = real_ceiling(memory_bytes=memory_mb * MIB)
        argv = group.wrap([sys.executable, "-m", "clipkit", *map(str, words)])
        return subprocess.run(
            argv, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
        )

    return run


def test_a_kill_says_that_memory_ran_out_there_also_where_no_host_was_asked_for(
    slow: Path, inside: Inside, tmp_path: Path
) -> None:
    words = ("--count", 3, "--length", 2, "--preset", "slower", "--concurrency", 3)
    ran = inside(300, "cut", slow, "--out", "clips", *words)
    assert ran.returncode == 1
    assert "memory ran out in the surrounding group (limit 300 MB)" in ran.stderr
    assert not (tmp_path / "clips").exists()


def test_what_surrounds_a_sweep_is_in_its_records_and_a_larger_host_is_refused(
    small: Path, inside: Inside, tmp_path: Path
) -> None:
    path = tmp_path / "trying.toml"
    text = f"[job]\nuploads = '{small}'\nclips = 1\nlength_s = 1\n[run]\nblocks = 1\n"
    path.write_text(text)
    ran = inside(400, "sweep", path)
    assert ran.returncode == 0, ran.stderr
    (line,) = (tmp_path / "results" / "trying" / "runs.jsonl").read_text().splitlines()
    row = json.loads(line)
    assert (row["memory_limit_bytes"], row["enforced_memory_bytes"]) == (None, 400 * MIB)
    path.write_text(text.replace("blocks = 1", "blocks = 2"))
    other = inside(500, "sweep", path)
    assert other.returncode == 1
    assert "another enforced memory limit" in other.stderr
    path.write_text(f"{text}[host]\nmemory = '512M'\n")
    refused = inside(400, "sweep", path, "--as", "larger")
    assert refused.returncode == 1
    assert "under a limit of 400 MB: choose --memory 400M" in refused.stderr
