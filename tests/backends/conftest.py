"""What the contract suite shares: each service that is declared, started by its argv and environment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import pytest
import requirements
from launchers import Launcher
from running_service import Service, service

from clipkit.backends.building import is_built
from clipkit.backends.declared import Backend, read_backends
from clipkit.backends.starting import start_argv
from clipkit.errors import BackendError


@dataclass(frozen=True)
class Subject:
    """A service as one suite tests it."""

    backend: Backend
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return "-".join((self.backend.name, *self.environment.values()))


def _subjects(with_each_wrapper: bool) -> list[Subject]:
    try:
        backends = read_backends()
    except BackendError:
        return []
    subjects = [Subject(backend) for backend in backends]
    if with_each_wrapper:
        node = [backend for backend in backends if backend.name == "node"]
        subjects += [Subject(backend, {"FFMPEG_WRAPPER": "child_process"}) for backend in node]
    return subjects


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each service; in modules about ffmpeg Node.js's second way to run it too."""
    if "subject" in metafunc.fixturenames:
        subjects = _subjects(getattr(metafunc.module, "WITH_EACH_WRAPPER", False))
        parameters = [pytest.param(one, id=one.name) for one in subjects]
        none = [pytest.param(None, id="none")]
        metafunc.parametrize("subject", parameters or none, indirect=True, scope="session")


@pytest.fixture(scope="session")
def subject(request: pytest.FixtureRequest) -> Subject:
    found = request.param
    if found is None:
        pytest.skip("no backend is declared in experiments/backends")
    name = found.backend.name
    if not is_built(found.backend):
        requirements.missing(
            f"backend-{name}", f"{name} is not built: clipkit backends build {name}"
        )
    return Subject(found.backend, found.environment)


@pytest.fixture(scope="session")
def argv(subject: Subject) -> tuple[str, ...]:
    return start_argv(subject.backend)


@pytest.fixture(scope="session")
def ffmpeg() -> str:
    return str(imageio_ffmpeg.get_ffmpeg_exe())


@pytest.fixture
def start(
    subject: Subject, argv: tuple[str, ...], ffmpeg: str, tmp_path: Path
) -> Iterator[Callable[..., Service]]:
    """`start(MAX_CLIPS="3")`: a service of the test's own, that has told that it listens.

    `data=` another folder for its files, `before=` words to put before its argv.
    """
    with ExitStack() as stack:

        def started(
            data: Path | None = None, before: tuple[str, ...] = (), **environment: Any
        ) -> Service:
            own = {"FFMPEG": ffmpeg, **subject.environment}
            words = {name: str(value) for name, value in environment.items()}
            folder = data or tmp_path / "data"
            running = stack.enter_context(service((*before, *argv), folder, **(own | words)))
            assert running.port
            return running

        yield started


@pytest.fixture(scope="session")
def shared(
    subject: Subject,
    argv: tuple[str, ...],
    ffmpeg: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Service]:
    """A service that many tests use, with two clips at once; at the end it ends as it should."""
    data = tmp_path_factory.mktemp("shared") / "data"
    own = {"FFMPEG": ffmpeg, "MAX_CONCURRENT": "2", **subject.environment}
    with service(argv, data, **own) as running:
        assert running.port
        yield running
        assert running.process.poll() is None, f"it died: {running.stderr}"
        running.end()
        assert running.process.returncode == 0, running.stderr
        assert running.events[0]["event"] == "listening"


@pytest.fixture(scope="session")
def film(small: Path) -> Path:
    return small


@pytest.fixture(scope="session")
def uploaded(shared: Service, film: Path) -> str:
    return shared.upload(film)


@pytest.fixture
def launcher(tmp_path: Path, ffmpeg: str) -> Iterator[Callable[[str], Launcher]]:
    """`launcher("sleep 9")`: a program to give as FFMPEG."""
    with ExitStack() as stack:

        def made(body: str = "") -> Launcher:
            own = Launcher.made(tmp_path / "launcher", ffmpeg, body)
            stack.callback(own.close)
            return own

        yield made
