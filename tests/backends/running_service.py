"""A backend's service in a process of its own, started by its argv and its environment alone."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import raw_http
from raw_http import FORM, Answer, form, part
from running import processes_with, until

START_S = 30
END_S = 10.0
"""A service ends in this time, whatever its clients do."""

ENDED = ("done", "failed")

_READ_BY_ONE = (
    *("BIND", "PORT", "DATA_DIR", "FFMPEG", "MAX_", "SEEK", "PRESET", "CRF", "ARGV", "UPLOAD_TO"),
    *("ENCODER_", "DECODER_", "QUEUE_", "CLIP_", "STALL_", "KEEP_"),
)


@dataclass
class Service:
    """A running service. `events` are the lines of its stdout, as they came."""

    process: subprocess.Popen[bytes]
    data: Path
    errors: Path
    lines: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.lines.extend(self.process.stdout)

    def _read_on(self) -> None:
        """Everything that it wrote, once it has ended."""
        self._reader.join(END_S)

    @property
    def stderr(self) -> str:
        return self.errors.read_text("utf-8", "replace")

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in list(self.lines)]

    @property
    def port(self) -> int:
        until(lambda: self.lines or self.process.poll() is not None, START_S)
        assert self.lines, f"it ended with {self.process.poll()}: {self.stderr}"
        return int(json.loads(self.lines[0])["port"])

    def kept(self) -> set[str]:
        """The files in its two folders."""
        # Not `rglob`, which fails where a folder goes meanwhile.
        walks = (walk for name in ("uploads", "clips") for walk in os.walk(self.data / name))
        found = (Path(folder, name) for folder, _, names in walks for name in names)
        return {str(path.relative_to(self.data)) for path in found}

    def ffmpegs(self) -> list[int]:
        """The processes, no zombies, that work on its files; not itself."""
        found = processes_with(str(self.data))
        return [pid for pid in found if pid != self.process.pid and _works_on_clips(pid)]

    def at_once(self) -> int:
        """How many ffmpegs run at the same time: the process groups that two looks, one after the other,
        both found. A look takes its time, and a shell that starts another program is two for a moment."""
        return len(self._groups() & self._groups())

    def _groups(self) -> set[int]:
        found = set()
        for pid in self.ffmpegs():
            with contextlib.suppress(ProcessLookupError):
                found.add(os.getpgid(pid))
        return found

    def descriptors(self) -> int:
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    def peak_bytes(self) -> int:
        """The highest resident memory of the service's own process so far."""
        status = Path(f"/proc/{self.process.pid}/status").read_text("ascii")
        (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024

    def ask(
        self, method: str, path: str, body: bytes | None = None, **headers: str | int
    ) -> Answer:
        return raw_http.request(self.port, method, path, body, **headers)

    def send_form(self, *parts: bytes) -> Answer:
        return self.ask("POST", "/uploads", form(*parts), content_type=FORM)

    def send_json(self, path: str, document: Any) -> Answer:
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        return self.ask("POST", path, body, content_type="application/json")

    def upload(self, film: Path) -> str:
        answer = self.send_form(part(film.read_bytes()))
        assert answer.status == 201, answer
        return str(answer.json["id"])

    def try_order(self, upload: str, *clips: tuple[float, float]) -> Answer:
        ordered = [{"start_s": start, "duration_s": duration} for start, duration in clips]
        return self.send_json("/jobs", {"upload": upload, "clips": ordered})

    def order(self, upload: str, *clips: tuple[float, float]) -> str:
        answer = self.try_order(upload, *clips)
        assert answer.status == 202, answer
        return str(answer.json["id"])

    def job(self, job: str) -> dict[str, Any]:
        answer = self.ask("GET", f"/jobs/{job}")
        assert answer.status == 200, answer
        return dict(answer.json)

    def ended(self, job: str, patience_s: float = 30) -> dict[str, Any]:
        """The job once it has ended."""
        return dict(
            until(lambda: (j := self.job(job))["status"] in ENDED and j, patience_s=patience_s)
        )

    def cut(self, film: Path, *clips: tuple[float, float]) -> dict[str, Any]:
        return self.ended(self.order(self.upload(film), *clips))

    def metrics(self) -> str:
        return self.ask("GET", "/metrics").body.decode()

    def end(self, number: int = signal.SIGTERM) -> float:
        """Tell it to end, and how long it took. Its exit code is the process' own."""
        started_s = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(END_S + 5)
        self._read_on()
        return time.monotonic() - started_s


def _works_on_clips(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return b"-i" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    return False


@contextlib.contextmanager
def service(argv: Sequence[str], data: Path, **environment: str) -> Iterator[Service]:
    """A service started with these variables beside those of the tests; killed at the end, should it
    still run."""
    data.mkdir(parents=True, exist_ok=True)
    errors = data.with_name(f"{data.name}.stderr")
    own = {"PORT": "0", "DATA_DIR": str(data), **environment}
    with errors.open("wb") as stderr:
        process = subprocess.Popen(
            argv,
            env={**inherited(), **own},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            start_new_session=True,
        )
    running = Service(process, data, errors)
    try:
        yield running
    finally:
        if process.poll() is None:
            running.end(signal.SIGKILL)
        for pid in running.ffmpegs():  # what it left is its fault, and not to outlive the test
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def inherited() -> dict[str, str]:
    """The environment without what a service would read from it."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_READ_BY_ONE)}
