"""Which modes stand beside a command of the user's own, of a real film that can be copied: those alone that
make what it makes."""

from __future__ import annotations

from pathlib import Path

import pytest

from clipkit.media.probe import probe_upload
from clipkit.media.upload import Upload
from clipkit.plan.baselines import parse_template
from clipkit.plan.clips import Clip, Job
from clipkit.settings import Settings
from clipkit.tuning.own_command import modes_beside, same_picture_as


@pytest.fixture(scope="module")
def upload(small: Path) -> Upload:
    """160x90, H.264, a key frame each second."""
    return probe_upload(small)


def offered(upload: Upload, words: str, **flags: object) -> list[str]:
    job = Job(upload, (Clip(0.5, 1.0), Clip(1.5, 1.0)))
    command = parse_template(
        f"ffmpeg -ss {{start}} -t {{duration}} -i {{input}} {words} {{output}}"
    )
    fixed = same_picture_as(command, Settings(**flags))  # type: ignore[arg-type]
    return [mode.words for mode in modes_beside(command, (job,), fixed)]


@pytest.mark.parametrize(
    "words",
    [
        "-c:v libx265",
        "-c:v libx265 -vf scale=-2:48",
        "-c:v libvpx-vp9",
        "-c:v h264_nvenc",
        "-vf scale=-2:48",
        "-c:v libx264 -vf scale=-2:480",
        "-s 80x44",
        "-vf crop=ih*9/16:ih",
        "-vf crop=80:44:0:0",
        "-vf crop=80:44:0:0,scale=-2:22",
        "-filter_complex [0:v]scale=-2:48[v] -map [v]",
        "-vf hflip",
        "-vf fps=15",
        "-r 12",
        "-b:v 300k",
        "-profile:v baseline",
        "-c:a libopus",
    ],
)
def test_nothing_is_offered_that_makes_another_picture_or_sound(upload: Upload, words: str):
    assert offered(upload, words) == []


@pytest.mark.parametrize(
    "words",
    ["-c:v libx264 -preset veryfast", "-crf 18", "-c:a copy", "-an", "-movflags +faststart"],
)
def test_modes_are_offered_where_the_command_only_cuts(upload: Upload, words: str):
    assert offered(upload, words) == ["smart", "copy"]


def test_without_a_command_what_flags_crop_or_scale_is_encoded(upload: Upload):
    job = Job(upload, (Clip(0.5, 1.0),))
    assert modes_beside(None, (job,), Settings(crop="1:1")) == ()
    assert modes_beside(None, (job,), Settings(scale_height=48)) == ()
    assert [mode.words for mode in modes_beside(None, (job,), Settings())] == ["smart", "copy"]
