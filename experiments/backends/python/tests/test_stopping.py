"""SIGTERM and SIGINT: exit 0 within seconds, whatever clients do, and no ffmpeg is left."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Start
from driving import Backend, answer_of, is_alive, part, until
from test_uploads import CHUNKED, chunk


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_service_at_rest_ends_with_0(number: int, backend: Backend) -> None:
    assert backend.http.get("/health").status_code == 200  # a connection is kept open
    began = time.monotonic()
    assert backend.stop(number) == 0
    assert time.monotonic() - began < 4
    assert [line["event"] for line in backend.lines[-2:]] == ["stopping", "stopped"]


def test_a_signal_in_the_middle_of_everything(start: Start, film: Path) -> None:
    backend = start(PRESET="placebo", MAX_CONCURRENT="2", CRF="0")
    upload = backend.upload(film)
    first = backend.ended(backend.order(upload, (0, 6)), 60)["clips"][0]
    backend.order(upload, (0, 6), (0, 6), (0, 6))
    uploading = socket.create_connection(("127.0.0.1", backend.port))
    uploading.sendall(CHUNKED + chunk(part(b"x" * 1_000_000)[:-2]))
    until(
        lambda: [
            name for name in backend.files() if name.startswith("uploads/") and ".part" in name
        ]
    )
    unread = socket.create_connection(("127.0.0.1", backend.port))
    ask = f"GET {first['url']} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    unread.sendall(ask * (20_000_000 // first["bytes"] + 1))
    head = socket.create_connection(("127.0.0.1", backend.port))
    head.sendall(b"GET /hea")
    pids = until(lambda: len(backend.children()) == 2 and backend.children())
    assert pids
    began = time.monotonic()
    backend.process.send_signal(signal.SIGTERM)
    assert answer_of(uploading)[0] == 503
    assert backend.process.wait(10) == 0
    assert time.monotonic() - began < 10
    assert not any(is_alive(pid) for pid in pids)
    assert not [name for name in backend.files() if "part" in name]
    for sock in (uploading, unread, head):
        sock.close()


def test_an_upload_that_never_pauses_does_not_hold_the_service(start: Start) -> None:
    backend = start()
    sock = socket.create_connection(("127.0.0.1", backend.port))
    sock.sendall(CHUNKED + chunk(part(b"")[:-2]))
    block = chunk(b"x" * 1_000_000)
    for _ in range(100):
        sock.sendall(block)
    began = time.monotonic()
    backend.process.send_signal(signal.SIGTERM)
    try:
        while time.monotonic() - began < 12:
            sock.sendall(block)
    except OSError:
        pass
    assert backend.process.wait(10) == 0
    assert time.monotonic() - began < 10
    assert backend.files() == []


def test_an_ffmpeg_that_hears_no_signal_is_ended_too(
    start: Start, film: Path, program: Callable[[str], str]
) -> None:
    backend = start(FFMPEG=program("trap '' TERM INT\nwhile :; do sleep 1; done\n"))
    backend.order(backend.upload(film), (0, 1))
    pid = until(backend.children)[0]
    assert backend.stop() == 0
    assert not is_alive(pid)


def test_signals_up_to_the_last_moment_are_one(backend: Backend) -> None:
    while backend.process.poll() is None:
        backend.process.send_signal(signal.SIGTERM)
        time.sleep(0.0005)
    assert backend.process.returncode == 0


def test_two_signals_are_one(start: Start, film: Path) -> None:
    backend = start(PRESET="placebo")
    backend.order(backend.upload(film), (0, 6))
    backend.process.send_signal(signal.SIGTERM)
    backend.process.send_signal(signal.SIGINT)
    assert backend.stop() == 0
