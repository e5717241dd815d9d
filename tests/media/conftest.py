"""Uploads to probe: the project's shared media where they are, and tiny ones made here."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import pytest

_REPOSITORY = Path(__file__).resolve().parents[2]
_SHARED = Path(os.environ.get("CLIPKIT_MEDIA") or _REPOSITORY.parent / "shared" / "media")
_WHY_NOT = "no shared media here: set CLIPKIT_MEDIA to their folder"

Make = Callable[..., Path]


@pytest.fixture(scope="session")
def media() -> Path:
    """The folder of the shared media: real uploads with a manifest of their properties."""
    if not (_SHARED / "manifest.json").is_file():
        pytest.skip(_WHY_NOT)
    return _SHARED


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """`real_video` and `real_dud`: each shared upload with and without a video, with its entry."""
    for fixture, wanted in (("real_video", True), ("real_dud", False)):
        if fixture in metafunc.fixturenames:
            metafunc.parametrize(fixture, _entries(has_video=wanted))


def _entries(has_video: bool) -> list[Any]:
    if not (_SHARED / "manifest.json").is_file():
        return [pytest.param(None, id="none", marks=pytest.mark.skip(reason=_WHY_NOT))]
    files = json.loads((_SHARED / "manifest.json").read_text("utf-8"))["files"]
    return [
        pytest.param((_SHARED / entry["file"], entry["properties"]), id=entry["file"])
        for entry in files
        if bool(entry["properties"]["nvideo"]) == has_video
    ]


@pytest.fixture(scope="session")
def make(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """make("a.mp4", *options): two seconds of a moving test picture and a tone, made once."""
    folder = tmp_path_factory.mktemp("made")

    def made(name: str, *options: str | Path, source: tuple[str | Path, ...] | None = None) -> Path:
        path = folder / name
        if path.exists():
            return path
        picture = ("-f", "lavfi", "-i", "testsrc2=size=160x90:rate=25:duration=2")
        sound = ("-f", "lavfi", "-i", "sine=duration=2")
        head = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-y"]
        argv = [*head, *(source or (*picture, *sound)), *options, path]
        subprocess.run(list(map(str, argv)), check=True, timeout=60)
        return path

    return made
