"""Which ffmpeg the bundled one is, and what is said where it does not run."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import imageio_ffmpeg
import pytest
from running import clipkit

from clipkit import arguments, ffmpeg_builds
from clipkit.errors import FfmpegError
from clipkit.ffmpeg_builds import FfmpegBuild
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
    build = FfmpegBuild("bundled", "/ffmpeg", version, frozenset(), frozenset())
    assert build.crops_as_told is crops


@pytest.fixture
def silent(tmp_path: Path, build: FfmpegBuild) -> Callable[[str], Path]:
    """An ffmpeg that fails where it is asked with such a word, and is the bundled one else. Beside it `asked` has
    a line for each time it was asked with that word."""

    def make(word: str) -> Path:
        program = tmp_path / "programs" / "ffmpeg"
        program.parent.mkdir()
        program.write_text(
            f'#!/bin/sh\ncase "$*" in *{word}*) echo asked >> {program.parent}/asked; exit 1;; esac\n'
            f'exec {build.path} "$@"\n'
        )
        program.chmod(0o755)
        return program

    return make


@pytest.mark.parametrize("word", ["-encoders", "-filters"])
def test_one_that_does_not_tell_what_it_can_is_a_line_of_what_doctor_finds(
    word: str, silent: Callable[[str], Path]
) -> None:
    program = silent(word)
    ran = clipkit("doctor", "--json", PATH=f"{program.parent}:{os.environ['PATH']}")
    assert ran.code == 0, ran.err
    bundled, system = ran.json["ffmpeg"]
    assert bundled["available"]
    assert not system["available"]
    assert f"{program} {word} failed" in system["why"]


def test_one_that_does_not_list_its_filters_is_told_before_anything_is_measured(
    silent: Callable[[str], Path], small: Path, tmp_path: Path
) -> None:
    words = ("--count", "2", "--length", "1", "--memory", "400M", "--cpus", "0.5", "--budget", "1")
    told = ("--ffmpeg", silent("-filters"), "--results", tmp_path / "results")
    ran = clipkit("tune", small, *words, *told)
    assert ran.code == 1
    assert "-filters failed, so it is no usable ffmpeg" in ran.complaint
    assert not (tmp_path / "results").exists()


def test_one_that_does_not_run_is_asked_as_often_for_a_cut_as_alone(
    silent: Callable[[str], Path], small: Path
) -> None:
    """It may hang, and then each time takes long."""
    program = str(silent("-version"))
    asked = Path(program).with_name("asked")
    with pytest.raises(FfmpegError, match="-version failed"):
        ffmpeg_builds.find_build(program)
    alone = asked.read_text()
    asked.unlink()
    with pytest.raises(FfmpegError, match="-version failed"):
        arguments.upload(str(small), arguments.describing(program))
    assert asked.read_text() == alone
