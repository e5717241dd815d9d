"""Building a service, and whether what was built is what its files say today."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from clipkit.backends.declared import Argv, Backend
from clipkit.backends.programs import absolute_argv, programs_of
from clipkit.errors import BackendError
from clipkit.terminal import Line

_STAMP = ".built.json"
_END_PATIENCE_S = 10


def is_built(backend: Backend) -> bool:
    """Whether it can be started as it is now: built, of these sources and libraries, on a machine that
    has its program."""
    if not backend.built_file.exists() or shutil.which(_program(backend)) is None:
        return False
    with contextlib.suppress(OSError, ValueError):
        return bool(json.loads(_stamp(backend).read_text("utf-8")) == _fingerprint(backend))
    # Built by hand: times are all there is to go by.
    built_ns = backend.built_file.stat().st_mtime_ns
    return all(file.stat().st_mtime_ns <= built_ns for file in _made_of(backend))


def missing_for(backend: Backend) -> list[str]:
    """What to install before it can be built or started; nothing where it is built."""
    if is_built(backend):
        return []
    return [found.what_to_install for found in programs_of(backend) if not found.is_enough]


def build_backend(backend: Backend) -> None:
    """Run its commands; what they print goes to stderr. Raises BackendError."""
    if missing := missing_for(backend):
        raise BackendError(f"{backend.name} cannot be built: install {', '.join(missing)}")
    _stamp(backend).unlink(missing_ok=True)
    for argv in backend.build:
        if code := run_for(backend, argv):
            raise BackendError(f"{backend.name}: {' '.join(argv)} {how_it_ended(code)}")
    if shutil.which(_program(backend)) is None:
        raise BackendError(f"{backend.name}: its commands ran, but there is no {_program(backend)}")
    if not backend.built_file.exists():
        backend.built_file.parent.mkdir(parents=True, exist_ok=True)
        backend.built_file.touch()
    _stamp(backend).write_text(json.dumps(_fingerprint(backend)), "utf-8")


def run_for(backend: Backend, argv: Argv) -> int:
    """Run one of its commands in its folder, all that it prints on stderr: the code it ended with.

    In a session of its own, and all of it is ended where we are: a package manager starts others.
    Raises BackendError where the program is missing.
    """
    words = absolute_argv(backend, argv)
    Line().final(f"{backend.name}: {' '.join(argv)}")
    try:
        process = subprocess.Popen(
            words,
            cwd=backend.folder,
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr,
            start_new_session=True,
        )
    except OSError as error:
        raise BackendError(f"{backend.name}: cannot run {words[0]}: {error.strerror}") from None
    try:
        return process.wait()
    finally:
        _end_group(process)


def how_it_ended(code: int) -> str:
    return f"ended with {code}" if code >= 0 else f"was ended by signal {-code}"


def _end_group(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_END_PATIENCE_S)
            return


def _program(backend: Backend) -> str:
    return backend.filled_in(backend.command)[0]


def _stamp(backend: Backend) -> Path:
    return backend.folder / _STAMP


def _fingerprint(backend: Backend) -> dict[str, str]:
    """What the service was built of: a hash of each file, and the commands."""
    files = {
        str(file.relative_to(backend.folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in _made_of(backend)
    }
    return {**files, "build": json.dumps(backend.build)}


def _made_of(backend: Backend) -> Iterator[Path]:
    for name in (backend.lock, *backend.sources):
        path = backend.folder / name
        yield from sorted(file for file in path.rglob("*") if file.is_file()) or (
            [path] if path.is_file() else []
        )
