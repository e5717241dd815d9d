"""A service's process inside the ceiling: started, waited for, ended as a host ends it."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from clipkit.ceiling.base import Ceiling
from clipkit.engine.child import FROM_OUTSIDE
from clipkit.errors import OutputError
from clipkit.plan.routes import Routes, fill_in
from clipkit.plan.services import Service
from clipkit.trial.apart import Apart
from clipkit.trial.client import LOOPBACK, Client, ServiceGoneError

START_PATIENCE_S = 60.0
END_PATIENCE_S = 15.0
"""A service of the contract ends within 10 s of SIGTERM."""
_LOOK_S = 0.005
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TZ")
"""Of our environment; the rest of it is the harness' own, and no host would have it. A user's own server
gets all of it: it is started as its user starts it."""
_HARNESS = "CLIPKIT_"
_LAST_LINES, _LAST_BYTES = 6, 600


class NotServingError(Exception):
    """It ended or stayed silent before it served. The message is why, as far as it said."""


@dataclass(frozen=True, slots=True)
class Workplace:
    """Where a service works: its own files in `data`, what it says in `logs`; `port` is where it is to
    listen."""

    data: Path
    logs: Path
    port: int

    @classmethod
    def of(cls, routes: Routes, data: Path, logs: Path) -> Workplace:
        """At its own port, or a free one. Raises NotServingError where its own is taken."""
        if routes.port is None:
            return cls(data, logs, _free_port())
        if any(Client(routes.port, 1.0, host).listens() for host in LOOPBACK):
            raise NotServingError(
                f"port {routes.port} is in use: end what listens there, or let the server be told "
                'another one (PORT = "{port}")'
            )
        return cls(data, logs, routes.port)

    @property
    def fetched(self) -> Path:
        """What came of its clips, on the client's side."""
        return self.logs.with_name("fetched")

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
    try:
        place.data.mkdir(exist_ok=True)
        with place.said.open("wb") as said, place.complained.open("ab") as complained:
            process = subprocess.Popen(
                apart.wrap(list(service.argv)),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=complained,
                cwd=service.folder or place.data,
                env=_environment(service, apart, place),
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


def _environment(service: Service, apart: Apart, place: Workplace) -> dict[str, str]:
    """What the service is told. The launcher comes first on PATH, under ffmpeg's name."""
    if service.inherits:
        known = {k: v for k, v in os.environ.items() if not k.startswith(_HARNESS)}
    else:
        known = {name: value for name in _INHERITED if (value := os.environ.get(name))}
    launcher = apart.launcher.path
    open_ = {"port": str(place.port), "data": str(place.data), "ffmpeg": str(launcher)}
    known |= {
        "TMPDIR": str(place.data),
        "PATH": os.pathsep.join([str(launcher.parent), known.get("PATH", os.defpath)]),
    }
    return known | {name: str(fill_in(text, open_)) for name, text in service.environment.items()}


def wait_until_served(
    process: subprocess.Popen[bytes], place: Workplace, routes: Routes, client_patience_s: float
) -> Reached:
    """Raises NotServingError."""
    began_s = time.monotonic()
    deadline_s = began_s + START_PATIENCE_S
    listens = False
    while time.monotonic() < deadline_s:
        if process.poll() is not None:
            raise NotServingError(f"the service {how_ended(process.returncode)}{_last(place)}")
        for host in LOOPBACK:
            is_ready = _is_ready(Client(place.port, START_PATIENCE_S, host), routes)
            if is_ready:
                reached = Client(place.port, client_patience_s, host)
                return Reached(reached, time.monotonic() - began_s)
            listens = listens or is_ready is not None
        time.sleep(_LOOK_S)
    silent = (
        f"does not answer {routes.ready or routes.health} well" if listens else "does not listen"
    )
    where = "" if listens else f" on port {place.port} of {LOOPBACK[0]}"
    raise NotServingError(f"the service {silent}{where} after {START_PATIENCE_S:g} s{_last(place)}")


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


def is_from_outside(code: int) -> bool:
    """Whether it ended since others wanted it to: by a signal that is not of its own doing, or as one that
    heeds SIGTERM or SIGINT, which ends well or with 128 and the signal."""
    if code < 0:
        return -code in FROM_OUTSIDE
    return code in (0, 128 + signal.SIGINT, 128 + signal.SIGTERM)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind((LOOPBACK[0], 0))
        return int(free.getsockname()[1])


def _is_ready(client: Client, routes: Routes) -> bool | None:
    """By its route for that, or its health; without either it is enough that it listens. None: it does
    not."""
    path = routes.ready or routes.health
    if path is None:
        return client.listens() or None
    try:
        return client.get(path).is_good
    except ServiceGoneError as error:
        return None if isinstance(error.__cause__, ConnectionRefusedError) else False


def _last(place: Workplace) -> str:
    said = last_words(place.complained) or last_words(place.said)
    return f": {said}" if said else ""


def last_words(log: Path) -> str:
    """The end of what it said, without the lines that tell where in its code it was."""
    text = log.read_bytes()[-4096:].decode("utf-8", "replace")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    told = [line for line in lines if not line.startswith(("at ", "File "))][-_LAST_LINES:]
    return " | ".join(told)[-_LAST_BYTES:]
