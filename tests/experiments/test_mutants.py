"""A seed is one mutant and no other, and what stays of a run is seen."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import commanded
import ebml
import isobmff
import pytest
import sources
from commanded import Ran
from mutants import kinds_of, mutant
from trying import conduct

SEEDS = range(40)


@pytest.fixture(scope="session")
def films(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("films")
    return {name: sources.source(folder / name) for name in ("plain.mp4", "h264.mkv", "h264.ts")}


def test_a_seed_gives_the_same_mutant_again(films: dict[str, Path], tmp_path: Path) -> None:
    def of(folder: str) -> list[tuple[bytes, object]]:
        (tmp_path / folder).mkdir()
        made = [mutant(seed, films, tmp_path / folder) for seed in SEEDS]
        return [(one.path.read_bytes(), (one.kind, one.clips, one.build)) for one in made]

    assert of("one") == of("other")


def test_nearly_every_mutant_differs_from_its_film(films: dict[str, Path], tmp_path: Path) -> None:
    made = [mutant(seed, films, tmp_path) for seed in SEEDS]
    changed = [one.path.read_bytes() != films[one.source].read_bytes() for one in made]
    assert sum(changed) >= 0.9 * len(made)
    assert len(Counter(one.kind for one in made)) >= 6


def test_each_container_has_mutants_of_its_own() -> None:
    own = {name: set(kinds_of(name)) for name in sources.SOURCES}
    assert (
        "boxes" in own["plain.mp4"]
        and "elements" in own["vp9.webm"]
        and "packets" in own["h264.ts"]
    )
    assert all({"bytes", "length", "times"} <= kinds for kinds in own.values())


def test_boxes_and_elements_of_whole_films_are_found(films: dict[str, Path]) -> None:
    boxes = [one.kind for one in isobmff.boxes(films["plain.mp4"].read_bytes())]
    assert boxes.count(b"trak") == boxes.count(b"stts") == boxes.count(b"elst") == 2
    found = [one.number for one in ebml.elements(films["h264.mkv"].read_bytes())]
    assert found.count(0x1F43B675) >= 1  # clusters
    assert found.count(0xA3) + found.count(0xA1) > 60  # blocks of pictures and of sound


@pytest.mark.parametrize(
    ("code", "err", "fault"),
    [
        (None, "", "never ended"),
        (1, "Traceback (most recent call last):\nValueError: x", "a traceback: ValueError: x"),
        (1, "clipkit: one\nclipkit: two", "not one line"),
        (1, "", "not one line"),
        (-9, "", "exit code -9"),
        (0, "something", "all is right, but it said"),
    ],
)
def test_bad_conduct_is_a_fault(code: int | None, err: str, fault: str) -> None:
    (told,) = conduct(Ran(code, "", err, 1.0, 1.0, 0, ()))
    assert fault in told


def test_one_line_and_nothing_left_is_none() -> None:
    assert conduct(Ran(1, "", "clipkit: it is damaged", 1.0, 1.0, 2**20, ())) == []
    assert conduct(Ran(1, "", "clipkit: it is damaged", 30.0, 30.0, 2**30, ("process 1",))) == [
        "process 1",
        "took 30 CPU seconds",
        "a Python process took 1024 MB",
    ]


def test_what_a_command_leaves_behind_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An interpreter stands in that starts a process, writes a file and ends before both."""
    program = tmp_path / "python-that-leaves"
    program.write_text("#!/bin/sh\nsleep 60 > /dev/null 2>&1 &\ntouch $TMPDIR/kept\nexit 0\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    monkeypatch.setattr(commanded, "_GRACE_S", 0.5)
    ran = commanded.clipkit([], tmp_path)
    assert any(what.endswith("sleep") for what in ran.left)
    assert "temporary file kept" in ran.left
