"""What busy processes beside a measurement do to it, with real ones."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from running import clipkit

STRICT = {"CLIPKIT_ACCEPT_NOISE": "0"}

EXPERIMENT = """
[job]
uploads = "{upload}"
clips = 2
length_s = 1
[host]
memory = "256M"
cpus = 0.5
[run]
blocks = 1
"""


@contextlib.contextmanager
def busy() -> Iterator[None]:
    """A process for each core that does nothing but use it."""
    spinning = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"])
        for _ in range(os.cpu_count() or 1)
    ]
    try:
        yield
    finally:
        for process in spinning:
            process.kill()
            process.wait()


@pytest.fixture
def experiment(small: Path, tmp_path: Path) -> Path:
    path = tmp_path / "trying.toml"
    path.write_text(EXPERIMENT.format(upload=small))
    return path


def rows(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "runs.jsonl").read_text().splitlines()]


def test_a_trial_beside_busy_processes_is_marked_repeated_and_told(
    experiment: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "results" / "trying"
    with busy():
        ran = clipkit("sweep", experiment, cwd=tmp_path, **STRICT)
        found = rows(folder)
        assert [(row["attempt"], row["status"]) for row in found] == [
            (number, "invalid_noise") for number in (1, 2, 3)
        ]
        for row in found:
            assert row["other_cpu_fraction"] > 0.4
            assert "of the machine" in row["error"]
            assert row["wall_s"] > 0  # kept as it was measured
        assert ran.code == 1
        assert "1 of 1 trials were not measured, because others disturbed" in ran.err
        assert "--accept-noise" in ran.err

        again = clipkit("sweep", experiment, "--accept-noise", "--json", cwd=tmp_path, **STRICT)
    assert again.code == 0, again.err
    last = rows(folder)[-1]
    assert (last["attempt"], last["status"]) == (4, "ok")
    assert last["other_cpu_fraction"] > 0.4
    assert (again.json["ok"], again.json["disturbed"]) == (1, 0)


def test_a_comparison_with_a_disturbed_sweep_says_why_it_cannot_say_more(
    experiment: Path, tmp_path: Path
) -> None:
    words = ("sweep", experiment, "--accept-noise", "--as")
    assert clipkit(*words, "before", cwd=tmp_path).code == 0
    with busy():
        assert clipkit(*words, "beside", cwd=tmp_path).code == 0
    ran = clipkit("compare", "results/before", "results/beside", cwd=tmp_path)
    assert ran.code == 0, ran.err
    verdict = ran.out.splitlines()[-1]
    assert "the time of A over 1 cell in common" in verdict
    assert "others disturbed 1 of 1 runs of B (others used" in verdict
    assert "measure again when the machine is quiet" in verdict
    row = rows(tmp_path / "results" / "before")[-1]
    if row["other_cpu_fraction"] < 0.3:  # else something else keeps this machine as busy
        assert ran.out.index("noise ") < ran.out.index("B / A")
