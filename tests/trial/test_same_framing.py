"""What crops and scales: the engine and our baselines make the same picture of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import requirements
from looking import pictures
from making import Make

from clipkit.ceiling.base import Limits, Mechanism
from clipkit.ceiling.choose import open_ceiling
from clipkit.errors import UsageError
from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.media.probe import probe_upload
from clipkit.plan.clips import Clip, Job
from clipkit.plan.subject import Cuts
from clipkit.plan.subjects import subject_named
from clipkit.settings import Settings
from clipkit.trial.execute import Run, execute


@pytest.mark.parametrize("name", ["sketch", "fluent", "moviepy"])
@pytest.mark.parametrize(
    "asked",
    [
        Settings(crop="9:16", scale_height=90, crf=10),
        Settings(crop="120:100:151:41", crf=10),
        Settings(scale_height=90, crf=10),
    ],
    ids=repr,
)
def test_a_baseline_shows_what_the_engine_shows(
    name: str, asked: Settings, make: Make, each_build: FfmpegBuild, tmp_path: Path
) -> None:
    film = make(
        "film.mp4",
        "-g",
        "25",
        source=("-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25:duration=2"),
    )
    job = Job(probe_upload(film), (Clip(1.0, 0.6),))
    shown = []
    for who in ("clipkit", name):
        try:
            subject = subject_named(who, asked)
        except UsageError as error:
            requirements.missing(who, str(error))
        assert isinstance(subject, Cuts)
        assert subject.used(asked).crop == asked.crop
        assert subject.used(asked).scale_height == asked.scale_height
        tasks = subject.tasks(job, asked, each_build)
        run = Run(tmp_path / who, concurrency=1, timeout_s=60.0, stop_on_failure=True)
        with open_ceiling(Limits(None, None), Mechanism.NONE) as ceiling:
            (outcome,) = execute(tasks, run, ceiling, lambda _event: None).clips
        assert outcome.status == "ok", outcome.error
        shown.append(pictures(tmp_path / who / tasks[0].output))
    ours, theirs = shown
    assert (theirs.width, theirs.height) == (ours.width, ours.height)
    assert np.abs(ours.thumbnails[0] - theirs.thumbnails[0]).mean() < 3
