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
