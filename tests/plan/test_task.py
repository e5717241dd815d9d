"""A task as it goes to the engine: what it says survives JSON, and its placeholders become files."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from clipkit.plan.task import (
    OUTPUT,
    Attempt,
    Check,
    Expected,
    Hides,
    Patch,
    Run,
    Task,
    filled,
    scratch,
)

HEAD = scratch("head.ts")
CUT = Run(("ffmpeg", "-i", "film\nwith a line.mp4", HEAD))
JOIN = Run(("ffmpeg", "-i", f"concat:{HEAD}|tail.ts", OUTPUT))
END = Patch("show_until", {"file": OUTPUT, "end_s": 1.25})


def task(*attempts: Attempt) -> Task:
    return Task(7, "clip-007.mp4", attempts, 30, 25, None, 1 << 20)


def test_it_comes_back_from_json_as_it_was() -> None:
    look = Check(("ffmpeg", "-i", OUTPUT), wrong="it is wrong", always=True)
    asked = task(
        Attempt((CUT, JOIN, END, look)), Attempt((Run(("true",)),), change="in another way")
    )
    assert Task.from_json(json.loads(json.dumps(asked.to_json()))) == asked


def test_each_placeholder_becomes_its_file() -> None:
    words = [filled(word, "/out/clip.mp4", "/scratch/1") for word in JOIN.argv]
    assert words == ["ffmpeg", "-i", "concat:/scratch/1/head.ts|tail.ts", "/out/clip.mp4"]


def test_an_upload_cannot_forge_one() -> None:
    word = "output scratch:head.ts \\0output\\0"
    assert filled(word, "/out/clip.mp4", "/scratch/1") == word


@pytest.mark.parametrize("name", ["", ".", "..", "../head", "a/b", "a b", "-y", "a\0"])
def test_a_scratch_file_has_a_plain_name(name: str) -> None:
    with pytest.raises(ValueError, match="no plain name"):
        scratch(name)


def test_an_attempt_knows_whether_it_needs_scratch_files() -> None:
    assert Attempt((CUT, JOIN)).uses_scratch
    assert Attempt((Patch("show_until", {"file": HEAD, "end_s": 1}),)).uses_scratch
    assert not Attempt((Run(("ffmpeg", OUTPUT)), END)).uses_scratch


@pytest.mark.parametrize(
    ("stored", "shown", "judged"), [(None, None, False), (5, None, True), (None, 5, True)]
)
def test_a_task_that_knows_no_frames_is_not_judged(
    stored: int | None, shown: int | None, judged: bool
) -> None:
    assert Task(1, "clip.mp4", (), stored, shown, None, 1).judged is judged


def test_an_attempt_of_another_mode_is_judged_by_what_is_expected_of_it():
    """And crosses to the engine with it."""
    hides = Hides(0.01, 0.05)
    expected = Expected(None, (640, 360), "damaged", None)
    first, second = Attempt(()), Attempt((), expected=expected, needs_bytes=7)
    asked = replace(task(first, second), frames_stored=9, hides=hides)
    assert (asked.of(first).frames_stored, asked.of(first).hides) == (9, hides)
    assert Expected.of(asked.of(second)) == expected
    assert Task.from_json(json.loads(json.dumps(asked.to_json()))) == asked
