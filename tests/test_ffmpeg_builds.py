"""Which ffmpeg the bundled one is, and what is said where it does not run."""

from __future__ import annotations

import sys
from pathlib import Path

import imageio_ffmpeg
import pytest

from clipkit import ffmpeg_builds
from clipkit.errors import FfmpegError
from clipkit.trial.describing import Describing, describe_upload


def test_the_bundled_one_is_found_without_starting_it_and_is_the_one_that_imageio_tries() -> None:
    assert ffmpeg_builds.locate("bundled") == imageio_ffmpeg.get_ffmpeg_exe()


def test_the_variable_of_imageio_names_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", "/opt/ffmpeg")
    assert ffmpeg_builds.locate("bundled") == "/opt/ffmpeg"
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", "ffmpeg")
    with pytest.raises(FfmpegError, match="the bundled ffmpeg does not run: start it again"):
        ffmpeg_builds.locate("bundled")


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An installed imageio-ffmpeg whose file cannot be executed."""
    program = tmp_path / "imageio_ffmpeg/binaries/ffmpeg-linux-v9"
    program.parent.mkdir(parents=True)
    program.parent.with_name("__init__.py").touch()
    program.write_bytes(b"\x7fELF, and cut short")
    program.chmod(0o755)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "imageio_ffmpeg")
    return str(program)


def test_a_bundled_one_that_does_not_run_is_told_as_that_and_never_blamed_on_the_upload(
    broken: str, small: Path
) -> None:
    assert ffmpeg_builds.locate("bundled") == broken
    for use in (
        lambda: ffmpeg_builds.find_build("bundled"),
        lambda: describe_upload(small, Describing((broken,))),
    ):
        with pytest.raises(FfmpegError, match="the bundled ffmpeg does not run: start it again"):
            use()


@pytest.mark.parametrize(
    ("version", "crops"),
    [
        ("9.0.2-static", True),
        ("7.1", True),
        ("n7.1.1-3-gabc", True),
        ("N-118000-g0123", True),
        ("7.0.2", False),
        ("5.1.9-0+deb12u1", False),
        ("N-110000-g0123", False),
        ("of my own", False),
    ],
)
def test_which_builds_leave_out_of_a_picture_what_its_container_does_not_name(
    version: str, crops: bool
) -> None:
    build = ffmpeg_builds.FfmpegBuild("bundled", "/ffmpeg", version, frozenset(), frozenset())
    assert build.crops_as_told is crops
