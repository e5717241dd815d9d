"""What a clip's words say that it gave up, beside what its ffmpeg is told: in each mode, and for uploads whose own
B-frames bind what is encoded beside a copy."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.media.probe import probe_upload
from clipkit.media.upload import Upload
from clipkit.model.held import encoder_of
from clipkit.plan import modes
from clipkit.plan.auto import encoded_for_auto
from clipkit.plan.clips import Clip, Job
from clipkit.plan.ladder import rungs, tasks_that_fit
from clipkit.plan.task import Attempt, Run
from clipkit.settings import Settings

CORES = 2
DEPTHS = {"none": ("-bf", "0"), "one": ("-bf", "1"), "pyramid": ("-bf", "3")}
# One from which pictures can be copied, and one without an IDR inside.
CLIPS = (Clip(0.4, 1.5), Clip(0.2, 0.3))
_SAID = re.compile(r"B-frames (\d+) to (\d+)")


@pytest.fixture(scope="module", params=DEPTHS)
def film(request: Any, make: Any) -> Upload:
    x264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "25")
    source = ("-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25:duration=3")
    path: Path = make(f"{request.param}.mp4", *x264, *DEPTHS[request.param], source=source)
    return probe_upload(path)


def attempts(film: Upload, settings: Settings, build: FfmpegBuild) -> list[Attempt]:
    """Of all rungs, the clips that are encoded whole because that needs less too."""
    job, steps = Job(film, CLIPS), rungs(settings, CORES, film.avc)
    plans = [modes.tasks, encoded_for_auto] if settings.mode != "encode" else [modes.tasks]
    ladders = [[(rung, plan(job, rung.settings, build)) for rung in steps] for plan in plans]
    tasks = [task for ladder in ladders for task in tasks_that_fit(ladder, None)]
    return [attempt for task in tasks for attempt in task.attempts]


def bframes_told(attempt: Attempt, settings: Settings) -> set[int]:
    """What each x264 of an attempt is told, by itself or by its preset."""
    found = set()
    for step in attempt.steps:
        if isinstance(step, Run) and "libx264" in step.argv:
            told = [step.argv[n + 1] for n, word in enumerate(step.argv) if word.startswith("-bf")]
            found |= {int(word) for word in told} or {encoder_of(settings).bframes}
    return found


@pytest.mark.parametrize(
    ("mode", "preset"),
    [*product(("encode", "smart", "auto"), ("ultrafast", "veryfast", "medium"))],
)
def test_b_frames_are_said_to_be_given_up_where_they_are(
    film: Upload, build: FfmpegBuild, mode: str, preset: str
) -> None:
    asked = Settings(mode=mode, preset=preset, encoder_threads=2, decoder_threads=2)
    first: dict[str, set[int]] = {}
    seen = set()
    for attempt in attempts(film, asked, build):
        way = attempt.mode or mode
        told = bframes_told(attempt, asked)
        before = first.setdefault(way, told)
        seen.add((way, attempt.rung > 0))
        said = _SAID.search(attempt.change or "")
        if said:
            assert ({int(said[1])}, {int(said[2])}) == (before, told), attempt
        else:
            assert told == before, attempt
    assert (mode if mode != "auto" else "smart", True) in seen
    assert ("encode", True) in seen


def test_a_clip_encoded_whole_is_admitted_by_what_that_needs(
    film: Upload, build: FfmpegBuild
) -> None:
    """Beside a copy of an upload without B-frames there are none, and encoded whole the preset's."""
    settings = Settings(mode="smart", preset="veryfast")
    encode = modes.tasks(Job(film, CLIPS), Settings(preset="veryfast"), build)
    for task, whole in zip(modes.tasks(Job(film, CLIPS), settings, build), encode, strict=True):
        assert task.predicted_bytes and whole.predicted_bytes
        for attempt in task.attempts:
            if attempt.mode == "encode":
                needs = max(task.predicted_bytes, attempt.needs_bytes or 0)
                assert needs >= whole.predicted_bytes
    without = modes.tasks(Job(film, CLIPS), settings, build)[1]
    assert without.predicted_bytes == encode[1].predicted_bytes


@pytest.mark.parametrize(
    ("mode", "preset"), [*product(("encode", "smart", "auto"), ("veryfast", "medium"))]
)
def test_what_memory_ran_out_for_is_not_begun_again_word_for_word(
    film: Upload, build: FfmpegBuild, mode: str, preset: str
) -> None:
    """The upload decides the B-frames beside a copy: to give them up changes nothing there."""
    asked = Settings(mode=mode, preset=preset, encoder_threads=2, decoder_threads=2)
    job, steps = Job(film, CLIPS), rungs(asked, CORES, film.avc)
    ladder = [(rung, modes.tasks(job, rung.settings, build)) for rung in steps]
    for task in tasks_that_fit(ladder, None):
        begun: list[Attempt] = []
        for rung in range(task.attempts[-1].rung + 1):
            own = [attempt for attempt in task.attempts if attempt.rung == rung]
            assert all(own[0].steps != attempt.steps for attempt in begun)
            begun += own
        assert task.attempts[-1].rung > 1
        lower = [attempt for attempt in task.attempts if attempt.rung]
        assert lower[0].mode == task.attempts[0].mode  # what can be made so with less, is
