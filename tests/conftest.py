"""What all tests share: uploads, ffmpeg builds, ceilings of the kernel, the command line."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import pytest
import requirements
import shared_media
from making import Make

from clipkit import ffmpeg_builds
from clipkit.ceiling.base import Ceiling, Limits, Mechanism
from clipkit.ceiling.choose import open_ceiling
from clipkit.errors import FfmpegError
from clipkit.ffmpeg_builds import FfmpegBuild

# The machine that tests run on is as busy as it is: what is not about noise takes it as it comes.
os.environ.setdefault("CLIPKIT_ACCEPT_NOISE", "1")

_BY_THE_KERNEL = (Mechanism.CGROUP2, Mechanism.CGROUP1, Mechanism.SYSTEMD)


@pytest.fixture(scope="session", autouse=True)
def _own_data(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Packs and measured hosts of whoever runs the tests are theirs."""
    os.environ["CLIPKIT_DATA"] = str(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="session")
def media() -> Path:
    """The folder of the shared media: real uploads with a manifest of their properties."""
    if not shared_media.present():
        requirements.missing("media", shared_media.WHY_NOT)
    return shared_media.FOLDER


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """`real_video` and `real_dud`: each shared upload with and without a video, with its entry."""
    for fixture, wanted in (("real_video", True), ("real_dud", False)):
        if fixture in metafunc.fixturenames:
            metafunc.parametrize(fixture, _parameters(wanted), indirect=True)


def _parameters(has_video: bool) -> list[Any]:
    found = shared_media.entries(has_video)
    return [pytest.param(entry, id=entry[0].name) for entry in found] or [
        pytest.param(None, id="none")
    ]


@pytest.fixture
def real_video(request: pytest.FixtureRequest) -> tuple[Path, dict[str, Any]]:
    return request.param or requirements.missing("media", shared_media.WHY_NOT)


@pytest.fixture
def real_dud(request: pytest.FixtureRequest) -> tuple[Path, dict[str, Any]]:
    return request.param or requirements.missing("media", shared_media.WHY_NOT)


@pytest.fixture(scope="session")
def make(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """make("a.mp4", *options): two seconds of a moving test picture and a tone, made once."""
    made_of: dict[tuple[object, ...], Path] = {}

    def made(name: str, *options: str | Path, source: tuple[str | Path, ...] | None = None) -> Path:
        recipe = (name, options, source)
        if recipe in made_of:
            return made_of[recipe]
        path = tmp_path_factory.mktemp("made") / name
        picture = ("-f", "lavfi", "-i", "testsrc2=size=160x90:rate=25:duration=2")
        sound = ("-f", "lavfi", "-i", "sine=duration=2")
        head = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-y"]
        argv = [*head, *(source or (*picture, *sound)), *options, path]
        subprocess.run(list(map(str, argv)), check=True, timeout=60)
        made_of[recipe] = path
        return path

    return made


@pytest.fixture(scope="session")
def small(make: Make) -> Path:
    """Four seconds, 160x90 at 25 frames a second, a key frame each second, AAC."""
    source = ("-f", "lavfi", "-i", "testsrc2=size=160x90:rate=25:duration=4")
    sound = ("-f", "lavfi", "-i", "sine=duration=4")
    return make("small.mp4", "-g", "25", "-c:a", "aac", source=(*source, *sound))


@pytest.fixture(scope="session")
def slow(make: Make) -> Path:
    """Noise of 1080p: at preset `veryslow` one clip of it keeps an ffmpeg busy for many seconds."""
    picture = "testsrc2=size=1920x1080:rate=25:duration=4,noise=alls=40:allf=t"
    options = ("-preset", "ultrafast", "-threads", "2", "-crf", "40")
    return make("slow.mp4", *options, source=("-f", "lavfi", "-i", picture))


@pytest.fixture(scope="session")
def build() -> FfmpegBuild:
    return ffmpeg_builds.find_build("bundled")


@pytest.fixture(params=["bundled", "system"])
def each_build(request: pytest.FixtureRequest) -> FfmpegBuild:
    """The ffmpeg from pip, and the system's where there is one."""
    try:
        return ffmpeg_builds.find_build(request.param)
    except FfmpegError as error:
        requirements.missing(f"{request.param}-ffmpeg", str(error))


@pytest.fixture
def real_ceiling() -> Iterator[Callable[..., Ceiling]]:
    """`real_ceiling(memory_bytes=…, cpus=…)`: enforced by the kernel, closed after the test."""
    with ExitStack() as stack:

        def make(memory_bytes: int | None = None, cpus: float | None = None) -> Ceiling:
            ceiling = stack.enter_context(open_ceiling(Limits(memory_bytes, cpus)))
            if ceiling.mechanism not in _BY_THE_KERNEL:
                requirements.missing("ceiling", "no ceiling of the kernel's can be set up here")
            return ceiling

        yield make
