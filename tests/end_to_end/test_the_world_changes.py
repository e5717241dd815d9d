"""A campaign whose film, ffmpeg or machine has changed by the time it is gone on with."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from running import clipkit

EXPERIMENT = """
[job]
uploads = ["one.mp4", "two.mp4"]
clips = 1
length_s = 0.5
[settings]
ffmpeg = ["{ffmpeg}"]
[run]
blocks = {blocks}
"""


@pytest.fixture
def films(make: Callable[..., Path], small: Path, tmp_path: Path) -> tuple[Path, Path]:
    one = Path(shutil.copy(small, tmp_path / "one.mp4"))
    return one, Path(shutil.copy(make("plain.mp4", "-g", "25"), tmp_path / "two.mp4"))


@pytest.fixture
def swept(films: tuple[Path, Path], tmp_path: Path) -> Path:
    """Its file asks for one block more by now."""
    path = tmp_path / "trying.toml"
    path.write_text(EXPERIMENT.format(ffmpeg="bundled", blocks=1))
    ran = clipkit("sweep", path, cwd=tmp_path)
    assert ran.code == 0, ran.err
    path.write_text(EXPERIMENT.format(ffmpeg="bundled", blocks=2))
    return path


def rows(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "runs.jsonl").read_text().splitlines()]


def test_a_film_that_was_replaced_is_told_with_what_to_do(
    swept: Path, films: tuple[Path, Path], slow: Path, tmp_path: Path
) -> None:
    kept = films[0].read_bytes()
    shutil.copy(slow, films[0])
    ran = clipkit("sweep", swept, cwd=tmp_path)
    assert ran.code == 1
    assert f"{films[0]} is another film than the one that" in ran.complaint
    assert "put the earlier one back, or choose a name with --as" in ran.complaint
    films[0].write_bytes(kept)
    assert clipkit("sweep", swept, cwd=tmp_path).code == 0


def test_so_are_films_that_were_exchanged(
    swept: Path, films: tuple[Path, Path], tmp_path: Path
) -> None:
    one, two = films
    contents = one.read_bytes(), two.read_bytes()
    one.write_bytes(contents[1])
    two.write_bytes(contents[0])
    ran = clipkit("sweep", swept, cwd=tmp_path)
    assert ran.code == 1
    assert "is another film than the one that" in ran.complaint


def test_a_film_that_is_left_out_by_now_stays_known(swept: Path, tmp_path: Path) -> None:
    swept.write_text(swept.read_text().replace(', "two.mp4"', ""))
    ran = clipkit("sweep", swept, cwd=tmp_path)
    assert ran.code == 0, ran.err
    known = json.loads((tmp_path / "results" / "trying" / "uploads.json").read_text())
    assert set(known) == {"one.mp4", "two.mp4"}


def test_fewer_cores_or_less_priority_are_another_machine(swept: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "clipkit", "sweep", str(swept)]

    def changed(how: Callable[[], object]) -> str:
        ran = subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, check=False, preexec_fn=how
        )
        assert ran.returncode == 1
        return ran.stderr

    cores = os.sched_getaffinity(0)
    if len(cores) > 1:
        assert f"another number of cores ({len(cores)} cores)" in changed(
            lambda: os.sched_setaffinity(0, {min(cores)})
        )
    assert "another priority" in changed(lambda: os.nice(3))
    assert len(rows(tmp_path / "results" / "trying")) == 2


def test_another_ffmpeg_that_says_the_same_of_itself_is_not_mixed_in(
    films: tuple[Path, Path], build: Any, tmp_path: Path
) -> None:
    own = tmp_path / "own-ffmpeg"
    own.write_text(f'#!/bin/sh\nexec {build.path} "$@"\n')
    own.chmod(0o755)
    path = tmp_path / "trying.toml"
    path.write_text(EXPERIMENT.format(ffmpeg=own, blocks=1))
    ran = clipkit("sweep", path, cwd=tmp_path)
    assert ran.code == 0, ran.err
    own.write_text(f'#!/bin/sh\n# newer\nexec {build.path} "$@"\n')
    path.write_text(EXPERIMENT.format(ffmpeg=own, blocks=2))
    ran = clipkit("sweep", path, cwd=tmp_path)
    assert ran.code == 1
    assert "another build of ffmpeg" in ran.err
    assert len(rows(tmp_path / "results" / "trying")) == 2


def test_a_host_larger_than_the_machine_is_refused(
    films: tuple[Path, Path], tmp_path: Path
) -> None:
    path = tmp_path / "trying.toml"
    path.write_text(f"{EXPERIMENT.format(ffmpeg='bundled', blocks=1)}[host]\nmemory = '64000G'\n")
    ran = clipkit("sweep", path, cwd=tmp_path)
    assert ran.code == 1
    assert "this machine only" in ran.complaint
    assert not (tmp_path / "results").exists()
