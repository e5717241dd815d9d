"""A service's process inside the ceiling: started, waited for, ended as a host ends it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from clipkit.ceiling.base import Ceiling
from clipkit.errors import OutputError
from clipkit.plan.services import Service
from clipkit.trial.apart import Apart
from clipkit.trial.client import HEALTH, Client, ServiceGoneError

START_PATIENCE_S = 60.0
END_PATIENCE_S = 15.0
"""A service of the contract ends within 10 s of SIGTERM."""
_LOOK_S = 0.005
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TZ")
"""Of our environment; the rest of it is the harness' own, and no host would have it."""


class NotServingError(Exception):
    """It ended or stayed silent before it served. The message is why, as far as it said."""


@dataclass(frozen=True, slots=True)
class Workplace:
    """Where a service works: its own files in `data`, what it says in `logs`."""

    data: Path
    logs: Path

    @property
    def fetched(self) -> Path:
        """What came of its clips, on the client's side."""
        return self.data.with_name("fetched")

    @property
    def said(self) -> Path:
        return self.logs / "service.log"

    @property
    def complained(self) -> Path:
        return self.logs / "service.err"


@dataclass(frozen=True, slots=True)
class Reached:
    """One that answers. `after_s`: from its start."""

    client: Client
    after_s: float


@contextlib.contextmanager
def serving(
    service: Service, apart: Apart, ceiling: Ceiling, place: Workplace
) -> Iterator[subprocess.Popen[bytes]]:
    """Its process, killed with its whole session in the end. It writes into files, so that nobody has to
    read it while it is measured. Raises OutputError."""
    environment = {name: value for name in _INHERITED if (value := os.environ.get(name))}
    environment |= {
        "TMPDIR": str(place.data),
        **service.environment,
        "BIND": "127.0.0.1",
        "PORT": "0",
        "DATA_DIR": str(place.data),
        "FFMPEG": str(apart.launcher.path),
    }
    try:
        place.data.mkdir(exist_ok=True)
        with place.said.open("wb") as said, place.complained.open("ab") as complained:
            process = subprocess.Popen(
                apart.wrap(list(service.argv)),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=complained,
                cwd=place.data,
                env=environment,
                start_new_session=True,
            )
    except OSError as error:
        raise OutputError(f"cannot start {service.argv[0]}: {error.strerror}") from None
    try:
        ceiling.adopt(process.pid)
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_until_served(
    process: subprocess.Popen[bytes], place: Workplace, client_patience_s: float
) -> Reached:
    """Raises NotServingError."""
    began_s = time.monotonic()
    deadline_s = began_s + START_PATIENCE_S
    port: int | None = None
    while time.monotonic() < deadline_s:
        if process.poll() is not None:
            raise NotServingError(f"the service {how_ended(process.returncode)}{_last(place)}")
        port = port or _port(place.said)
        if port and _is_well(Client(port, START_PATIENCE_S)):
            return Reached(Client(port, client_patience_s), time.monotonic() - began_s)
        time.sleep(_LOOK_S)
    silent = "does not listen" if port is None else "does not answer its health route"
    raise NotServingError(f"the service {silent} after {START_PATIENCE_S:g} s{_last(place)}")


def terminate(process: subprocess.Popen[bytes]) -> tuple[float | None, int | None]:
    """By SIGTERM: how long it took, and what it ended with; None: it did not, and is killed."""
    began_s = time.monotonic()
    process.terminate()
    try:
        code = process.wait(END_PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return None, None
    return time.monotonic() - began_s, code


def how_ended(code: int) -> str:
    """`ended with exit code 1`, `was killed by signal 9`."""
    return f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"


def _port(said: Path) -> int | None:
    """From the event `listening`, its first whole line."""
    line, whole, _ = said.read_bytes().partition(b"\n")
    if not whole:
        return None
    try:
        event = json.loads(line)
        return int(event["port"])
    except (ValueError, KeyError, TypeError):
        raise NotServingError(f"its first line is no event 'listening': {line[:80]!r}") from None


def _is_well(client: Client) -> bool:
    with contextlib.suppress(ServiceGoneError):
        return client.get(HEALTH).status == 200
    return False


def _last(place: Workplace) -> str:
    lines = place.complained.read_bytes()[-4096:].decode("utf-8", "replace").strip().splitlines()
    return f": {lines[-1][:200]}" if lines else ""
