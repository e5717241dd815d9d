"""The real service, a process of its own, driven over real sockets; real ffmpeg, unless a test
needs one that misbehaves."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from driving import Backend

HERE = Path(__file__).resolve().parent


@pytest.fixture(scope="session")
def ffmpeg() -> str:
    found = shutil.which("ffmpeg")
    assert found, "these tests run real ffmpeg: install it"
    return found


@pytest.fixture(scope="session")
def film(ffmpeg: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six seconds, 25 pictures each, with sound."""
    path = tmp_path_factory.mktemp("media") / "film.mp4"
    argv = [
        *[ffmpeg, "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=6"],
        *["-f", "lavfi", "-i", "sine=d=6", "-c:v", "libx264", "-preset", "ultrafast"],
        *["-g", "50", "-c:a", "aac", "-shortest", str(path)],
    ]
    subprocess.run(argv, check=True)
    return path


Start = Callable[..., Backend]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts services; each is ended, and looked after, when the test is over."""
    started: list[Backend] = []

    def begin(**environment: str) -> Backend:
        environment.setdefault("DATA_DIR", str(tmp_path / "data"))
        backend = Backend(environment)
        started.append(backend)
        return backend

    yield begin
    for backend in started:
        backend.kill()


@pytest.fixture
def backend(start: Start) -> Backend:
    return start()


@pytest.fixture
def program(tmp_path: Path) -> Callable[[str], str]:
    """A program in ffmpeg's place: answers `-version`, else does what `script` says (sh)."""

    def write(script: str) -> str:
        path = tmp_path / "ffmpeg-of-the-test"
        path.write_text(
            '#!/bin/sh\nif [ "$1" = -version ]; then echo ffmpeg version test; exit 0; fi\n'
            + script
        )
        path.chmod(0o755)
        return str(path)

    return write
