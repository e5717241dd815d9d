"""clipkit inside a small container: what surrounds it is seen, told and held against what is asked."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from clipkit.ceiling.base import Ceiling
from clipkit.format import MIB

Inside = Callable[..., subprocess.CompletedProcess[str]]

# A user's server in many small processes: when memory runs out, the kernel chooses the largest.
PART_MB = 30
PART = f"held = b'x' * ({PART_MB} << 20); print(flush=True); import time; time.sleep(300)"


@pytest.fixture
def inside(real_ceiling: Callable[..., Ceiling], tmp_path: Path) -> Inside:
    """Runs `clipkit` in a group of so much memory, as a container would, beside a server in so many parts."""

    def run(memory_mb: int, *words: object, parts: int = 0) -> subprocess.CompletedProcess[str]:
        group = real_ceiling(memory_bytes=memory_mb * MIB)
        argv = group.wrap([sys.executable, "-m", "clipkit", *map(str, words)])
        with contextlib.ExitStack() as stack:
            for _ in range(parts):
                part = subprocess.Popen(
                    group.wrap([sys.executable, "-c", PART]), stdout=subprocess.PIPE
                )
                stack.enter_context(part)
                stack.callback(part.kill)
                assert part.stdout is not None
                assert part.stdout.readline()
            return subprocess.run(
                argv, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
            )

    return run


def test_a_kill_says_that_memory_ran_out_there_also_where_no_host_was_asked_for(
    slow: Path, inside: Inside, tmp_path: Path
) -> None:
    ran = inside(300, "cut", slow, "--out", "clips", "--count", 1, "--length", 2, parts=7)
    assert ran.returncode == 1
    assert "memory ran out in the surrounding group (limit 300 MB)" in ran.stderr
    assert not (tmp_path / "clips").exists()


def test_no_more_clips_at_once_than_the_surrounding_group_holds(slow: Path, inside: Inside) -> None:
    """Three of these would need half as much again."""
    words = ("--count", 3, "--length", 0.4, "--preset", "slower", "--concurrency", 3)
    ran = inside(300, "cut", slow, "--out", "clips", *words, "--json")
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    assert [clip["status"] for clip in told["clips"]] == ["ok"] * 3
    assert 3 * max(clip["peak_rss_bytes"] for clip in told["clips"]) > 300 * MIB
    assert told["peak_anon_bytes"] < 300 * MIB


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
