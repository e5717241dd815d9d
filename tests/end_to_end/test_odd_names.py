"""Uploads whose names are no text, or are made to do something to whoever prints them: through every
command. `test_cut.py` has more names, for `cut` and `probe`."""

from __future__ import annotations

import json
import os
import shutil
import tomllib
from pathlib import Path

import pytest
from running import clipkit

ODD = (b"caf\xe9 \xff.mp4", b"two\nlines \x1b[31m $x_{y}$ <b>.mp4")
SHOWN = ("caf\\xe9 \\xff.mp4", "two\\nlines \\x1b[31m $x_{y}$ <b>.mp4")


@pytest.fixture
def uploads(small: Path, tmp_path: Path) -> list[Path]:
    """Two films: the second has an empty box more, so that it is not the first by another name."""
    paths = [tmp_path / os.fsdecode(name) for name in ODD]
    for path in paths:
        shutil.copy(small, path)
    with paths[1].open("ab") as last:
        last.write(b"\0\0\0\x08free")
    return paths


def test_tune_measures_and_reports_them(uploads: list[Path], tmp_path: Path) -> None:
    words = ("--budget", 0.5, "--count", 2, "--length", 0.5, "--results", "results", "--as", "odd")
    ran = clipkit("tune", *uploads, *words, "--json", cwd=tmp_path)
    assert ran.code == 0, ran.err
    assert ran.err.replace("\n", "").isprintable()
    campaign = tmp_path / "results" / "odd"
    for file in (campaign / "report.html", campaign / "clipkit.toml"):
        assert SHOWN[0] in file.read_text("utf-8"), file
        assert "\x1b" not in file.read_text("utf-8"), file
    assert SHOWN[1].replace("<b>", "&lt;b&gt;") in (campaign / "report.html").read_text("utf-8")
    assert tomllib.loads((campaign / "clipkit.toml").read_text("utf-8")).keys() <= {
        "settings",
        "measured",
    }
    asked = tomllib.loads((campaign / "experiment.toml").read_text("utf-8"))
    assert [word.rpartition("/")[2] for word in asked["job"]["uploads"]] == list(SHOWN)
    assert set(json.loads((campaign / "uploads.json").read_text("utf-8"))) == set(SHOWN)
    config = ("--config", campaign / "clipkit.toml")
    for form in ("shell", "python"):
        exported = clipkit("export", "--as", form, *config, cwd=tmp_path)
        assert (exported.code, exported.err) == (0, "")
        assert exported.out.replace("\n", "").isprintable()
    again = clipkit(
        "cut", uploads[0], "--out", "out", "--count", 1, "--length", 1, *config, cwd=tmp_path
    )
    assert again.code == 0, again.err


def test_a_sweep_of_them_is_merged_and_compared_and_reported(
    uploads: list[Path], tmp_path: Path
) -> None:
    """A name in an experiment is text, so of other bytes only its folder can have one."""
    folder = tmp_path / os.fsdecode(b"\xff\x1b[31m")
    folder.mkdir()
    shutil.copy(uploads[1], folder)
    name = json.dumps(uploads[1].name)
    (folder / "e.toml").write_text(
        f"name = 'odd'\n[job]\nuploads = [{name}]\nclips = 1\nlength_s = 0.5\n"
        "[host]\nmemory = ['512M']\ncpus = [2]\n[run]\nblocks = 1\n"
    )
    for words in (
        ("sweep", "e.toml"),
        ("sweep", "e.toml", "--results", "again"),
        ("merge", "results/odd", "--results", "merged"),
        ("compare", "results/odd", "again/odd"),
    ):
        ran = clipkit(*words, cwd=folder)
        assert ran.code == 0, ran.err
        assert (ran.out + ran.err).replace("\n", "").isprintable()
    told = clipkit("report", "results/odd", cwd=folder)
    assert told.code == 1
    assert "no UTF-8 text: rename it" in told.complaint
    moved = folder.rename(tmp_path / "text")
    assert clipkit("report", "results/odd", cwd=moved).code == 0
    assert SHOWN[1].replace("<b>", "&lt;b&gt;") in (moved / "results/odd/report.html").read_text(
        "utf-8"
    )


def test_a_folder_that_no_report_can_name_is_refused_before_anything_is_measured(
    small: Path, tmp_path: Path
) -> None:
    results = os.fsdecode(b"r\xff")
    told = clipkit("tune", small, "--budget", 0.5, "--results", results, cwd=tmp_path)
    assert told.code == 1
    assert "r\\xff" in told.complaint
    assert not (tmp_path / results).exists()


def test_a_command_in_other_bytes_is_refused(small: Path, tmp_path: Path) -> None:
    command = f"ffmpeg -i {{input}} -i {os.fsdecode(bytes([0xFF]))}.png {{output}}"
    told = clipkit("tune", small, "--command", command, cwd=tmp_path)
    assert told.code == 2
    assert "no UTF-8" in told.complaint
