"""A small client of the service: whole requests by httpx, broken ones by a socket."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx

SERVE = Path(__file__).resolve().parents[1] / "serve.py"
BOUNDARY = "in-between"
FORM = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
T = TypeVar("T")

SOON_S = 4.0
"""What does not wait for a body: a refused one is read on for 5 s."""


def part(
    data: bytes, name: str = "video", filename: str | None = "a.mp4", extra: str = ""
) -> bytes:
    file = "" if filename is None else f'; filename="{filename}"'
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n{extra}\r\n'
    return head.encode() + data + b"\r\n"


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def environment(changes: Mapping[str, str]) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return kept | {"PORT": "0"} | dict(changes)


def argv() -> list[str]:
    return [sys.executable, "-P", str(SERVE)]


def until(look: Callable[[], T], within_s: float = 30.0) -> T:
    """What `look` returns once it is true."""
    end = time.monotonic() + within_s
    while not (found := look()):
        assert time.monotonic() < end, f"not within {within_s} s: {look}"
        time.sleep(0.02)
    return found


class Backend:
    def __init__(self, changes: Mapping[str, str]) -> None:
        self.folder = Path(changes["DATA_DIR"])
        self.lines: list[dict[str, Any]] = []
        self.process = subprocess.Popen(
            argv(), env=environment(changes), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        until(lambda: self.lines or self.process.poll() is not None)
        if not self.lines:
            assert self.process.stderr
            raise AssertionError(self.process.stderr.read().decode())
        assert self.lines[0]["event"] == "listening"
        self.port: int = self.lines[0]["port"]
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=30)

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.append(json.loads(line))  # a line that is no JSON ends this thread loudly

    # Whole requests

    def upload(self, film: Path) -> str:
        answer = self.http.post("/uploads", headers=FORM, content=form(part(film.read_bytes())))
        assert answer.status_code == 201, answer.text
        upload: str = answer.json()["id"]
        return upload

    def order(self, upload: str, *spans: tuple[float, float]) -> str:
        clips = [{"start_s": start, "duration_s": duration} for start, duration in spans]
        answer = self.http.post("/jobs", json={"upload": upload, "clips": clips})
        assert answer.status_code == 202, answer.text
        job: str = answer.json()["id"]
        return job

    def job(self, job: str) -> dict[str, Any]:
        answer = self.http.get(f"/jobs/{job}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def ended(self, job: str, within_s: float = 30.0) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            found = self.job(job)
            return found if found["status"] in ("done", "failed") else None

        return until(look, within_s)

    def metric(self, name: str) -> float:
        for line in self.http.get("/metrics").text.splitlines():
            if line.startswith(f"{name} "):
                return float(line.split()[1])
        raise AssertionError(f"no {name} in the metrics")

    # Broken ones

    @contextmanager
    def socket(self) -> Iterator[socket.socket]:
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as sock:
            yield sock

    # The process

    def files(self) -> list[str]:
        # Not `rglob`, which fails where a folder goes meanwhile.
        found = (Path(folder, name) for folder, _, names in os.walk(self.folder) for name in names)
        return sorted(str(path.relative_to(self.folder)) for path in found)

    def children(self) -> list[int]:
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(word) for word in path.read_text().split()]

    def descriptors(self) -> list[str]:
        found = []
        for entry in Path(f"/proc/{self.process.pid}/fd").iterdir():
            try:
                found.append(str(entry.readlink()))
            except FileNotFoundError:
                continue
        return found

    def peak_bytes(self) -> int:
        return int(status_of(self.process.pid, "VmHWM").split()[0]) * 1024

    def cpu_s(self) -> float:
        stat = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self, number: int = signal.SIGTERM, within_s: float = 10.0) -> int:
        self.process.send_signal(number)
        return self.process.wait(within_s)

    def kill(self) -> None:
        self.http.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)


def answer_of(sock: socket.socket) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of one answer, read until the connection ends or the body does."""
    data = b""
    while b"\r\n\r\n" not in data:
        block = sock.recv(65536)
        if not block:
            raise ConnectionError(f"closed after {data!r}")
        data += block
    head, _, body = data.partition(b"\r\n\r\n")
    first, *rest = head.decode().split("\r\n")
    headers = {line.split(": ", 1)[0].lower(): line.split(": ", 1)[1] for line in rest}
    length = int(headers.get("content-length", 0))
    while len(body) < length and (block := sock.recv(65536)):
        body += block
    return int(first.split()[1]), headers, body


def status_of(pid: int, name: str) -> str:
    """A line of the process' status, as the kernel has it."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(line.split(":", 1)[1] for line in lines if line.startswith(f"{name}:")).strip()


def catches(pid: int, number: int) -> bool:
    """Whether the process has a handler for the signal."""
    return bool(int(status_of(pid, "SigCgt"), 16) >> (number - 1) & 1)


def is_alive(pid: int) -> bool:
    """Not counting what only waits to be reaped."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"
