"""A service in a process of its own: started, waited for, asked for its health, ended."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import selectors
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any

from clipkit.backends.building import how_it_ended, is_built, missing_for
from clipkit.backends.declared import Backend
from clipkit.backends.programs import absolute_argv
from clipkit.errors import BackendError

START_PATIENCE_S = 15
END_PATIENCE_S = 12
"""A service ends within 10 s of SIGTERM, whatever its clients do."""

_DATA = "DATA_DIR"


@dataclass(frozen=True, slots=True)
class Health:
    """What a started service answered, and how long after its start."""

    answer: dict[str, Any]
    seconds: float


def start_argv(backend: Backend) -> tuple[str, ...]:
    """What to start, absolute. Raises BackendError where it is not built."""
    if not is_built(backend):
        missing = missing_for(backend)
        first = f"install {', '.join(missing)}, then" if missing else "type"
        raise BackendError(
            f"{backend.name} is not built: {first} clipkit backends build {backend.name}"
        )
    return absolute_argv(backend, backend.command)


@contextlib.contextmanager
def data_folder(environment: Mapping[str, str]) -> Iterator[str]:
    """The folder that the environment names for a service's files, or a temporary one that is gone
    afterwards."""
    if named := environment.get(_DATA):
        yield named
    else:
        with tempfile.TemporaryDirectory(prefix="clipkit-backend-") as folder:
            yield folder


def serve(backend: Backend, data: str, environment: Mapping[str, str]) -> int:
    """Run it in the foreground until it ends: the code that it ended with.

    An interrupt (Ctrl-C, SIGTERM) ends it as a host would, by one SIGTERM, and is no failure.
    """
    process = subprocess.Popen(
        start_argv(backend), env={**environment, _DATA: data}, start_new_session=True
    )
    try:
        return process.wait()
    except KeyboardInterrupt:
        return _end(process)
    finally:
        process.kill()


def check_health(backend: Backend) -> Health:
    """Start it on a free port, ask it whether it is well, end it. Raises BackendError."""
    started_s = time.monotonic()
    with data_folder({}) as data:
        process = subprocess.Popen(
            start_argv(backend),
            env={**os.environ, _DATA: data, "BIND": "127.0.0.1", "PORT": "0"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            answer = _health(_port(process))
            seconds = time.monotonic() - started_s
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BackendError(f"{backend.name} does not answer: {error}{_why(process)}") from None
        else:
            if code := _end(process):
                raise BackendError(f"{backend.name}, told to end, {how_it_ended(code)}")
        finally:
            process.kill()
            process.communicate()
    return Health(answer, seconds)


def _port(process: subprocess.Popen[bytes]) -> int:
    """From its first line, the event `listening`."""
    assert process.stdout is not None  # noqa: S101 (PIPE, above)
    line = _first_line(process.stdout)
    event = json.loads(line)
    if event["event"] != "listening":
        raise ValueError(f"its first line is {line!r}")
    return int(event["port"])


def _first_line(stream: IO[bytes]) -> str:
    deadline_s = time.monotonic() + START_PATIENCE_S
    line = b""
    with selectors.DefaultSelector() as ready:
        ready.register(stream, selectors.EVENT_READ)
        while not line.endswith(b"\n"):
            if not ready.select(max(0.0, deadline_s - time.monotonic())):
                raise TimeoutError(f"not listening after {START_PATIENCE_S} s")
            byte = os.read(stream.fileno(), 1)
            if not byte:
                raise ValueError("it ended without listening")
            line += byte
    return line.decode("utf-8", "replace").strip()


def _health(port: int) -> dict[str, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=START_PATIENCE_S)
    with contextlib.closing(connection):
        connection.request("GET", "/health")
        response = connection.getresponse()
        answer = json.loads(response.read())
    if response.status != 200 or answer["status"] != "ok":
        raise ValueError(f"/health says {response.status}: {answer}")
    return dict(answer)


def _end(process: subprocess.Popen[bytes]) -> int:
    process.terminate()
    try:
        return process.wait(END_PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def _why(process: subprocess.Popen[bytes]) -> str:
    """The last line that it wrote to stderr."""
    process.kill()
    _, said = process.communicate()
    lines = said.decode("utf-8", "replace").strip().splitlines()
    return f": {lines[-1]}" if lines else ""
