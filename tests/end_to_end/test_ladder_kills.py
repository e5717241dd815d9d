"""Which attempts the kernel really kills where a smart cut of 4K does not fit: none of them twice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from talk import engine

from clipkit.ceiling.base import Ceiling
from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.format import MIB
from clipkit.media.probe import probe_upload
from clipkit.plan import modes
from clipkit.plan.clips import Clip, Job
from clipkit.plan.ladder import rungs, tasks_that_fit
from clipkit.settings import Settings

CORES = 2


@pytest.fixture(scope="module")
def film(make: Callable[..., Path]) -> Path:
    x264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "25")
    source = ("-f", "lavfi", "-i", "testsrc2=size=3840x2160:rate=25:duration=2")
    return make("uhd.mp4", *x264, source=source)


def test_what_was_killed_is_not_begun_again_with_the_same_words(
    film: Path, build: FfmpegBuild, real_ceiling: Callable[..., Ceiling], tmp_path: Path
) -> None:
    """Beside a copy of an upload without B-frames there are none to give up: that rung is none."""
    upload = probe_upload(film)
    asked = Settings(mode="smart", preset="veryfast", encoder_threads=2, decoder_threads=2)
    job = Job(upload, (Clip(0.2, 1.5),))
    steps = rungs(asked, CORES, upload.avc)
    ladder = [(rung, modes.tasks(job, rung.settings, build)) for rung in steps]
    (task,) = tasks_that_fit(ladder, None)
    ceiling = real_ceiling(memory_bytes=350 * MIB)
    with engine(tmp_path, ceiling) as running:
        (clip,) = running.run([task])
    assert clip["status"] == "ok", clip
    said = clip["change"].rsplit(": killed", 1)[0]
    made = next(attempt for attempt in task.attempts if attempt.change == said)
    begun = {
        repr(next(each.steps for each in task.attempts if each.rung == rung))
        for rung in range(made.rung)
    }
    assert ceiling.usage().oom_kills == len(begun) >= 2
