"""Clients that stand still hold nothing for long; those that move, however slowly, are served."""

from __future__ import annotations

import resource
import socket
import time
from pathlib import Path

import pytest
from conftest import Start
from driving import Backend, answer_of, form, part, until
from test_uploads import CHUNKED, HEAD, chunk

STALL_S = 1.0


@pytest.fixture
def impatient(start: Start) -> Backend:
    return start(STALL_TIMEOUT_S=str(STALL_S))


def seconds_until_closed(
    sock: socket.socket, began: float, drip: bytes = b"", every_s: float = 0.1
) -> float:
    """Since `began`, by the monotonic clock."""
    sock.settimeout(every_s)
    while time.monotonic() - began < 10:
        try:
            if drip:
                sock.sendall(drip)
            if sock.recv(65536) == b"":
                break
        except TimeoutError:
            continue
        except OSError:
            break
    return time.monotonic() - began


def test_a_head_has_a_time(impatient: Backend) -> None:
    for opening, drip in ((b"", b""), (b"GET /health HT", b""), (b"GET /he", b"x")):
        with impatient.socket() as sock:
            began = time.monotonic()
            sock.sendall(opening)
            assert STALL_S * 0.8 < seconds_until_closed(sock, began, drip) < STALL_S + 3


def test_a_head_of_a_later_request_has_it_too(impatient: Backend) -> None:
    with impatient.socket() as sock:
        sock.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert answer_of(sock)[0] == 200
        assert seconds_until_closed(sock, time.monotonic(), b"\r\n") < STALL_S + 3
    with impatient.socket() as sock:
        sock.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert answer_of(sock)[0] == 200
        assert seconds_until_closed(sock, time.monotonic()) < STALL_S + 3


@pytest.mark.parametrize("drip", [b"", chunk(b"x")])
def test_a_body_that_stands_still_is_given_up(drip: bytes, impatient: Backend) -> None:
    with impatient.socket() as sock:
        began = time.monotonic()
        sock.sendall(CHUNKED + chunk(part(b"x" * 300_000)[:-2]))
        until(impatient.files)
        assert STALL_S * 0.8 < seconds_until_closed(sock, began, drip) < STALL_S + 3
    until(lambda: not impatient.files(), within_s=2)
    with impatient.socket() as sock:
        sock.sendall(CHUNKED)
        assert answer_of(sock)[0] == 408
    with impatient.socket() as sock:
        sock.sendall(b"POST /jobs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n")
        sock.sendall(b"Content-Length: 100\r\n\r\n{")
        assert answer_of(sock)[0] == 408


def test_an_upload_that_moves_slowly_is_taken(impatient: Backend) -> None:
    body = form(part(b"x" * 12_000))
    with impatient.socket() as sock:
        sock.sendall(HEAD.encode() + f"Content-Length: {len(body)}\r\n\r\n".encode())
        began = time.monotonic()
        for start in range(0, len(body), 1500):
            sock.sendall(body[start : start + 1500])
            time.sleep(STALL_S * 0.3)
        assert answer_of(sock)[0] == 201
        assert time.monotonic() - began > STALL_S * 2


def test_an_answer_that_nobody_reads_is_given_up(start: Start, film: Path) -> None:
    backend = start(STALL_TIMEOUT_S=str(STALL_S), CRF="0")
    job = backend.ended(backend.order(backend.upload(film), (0, 6)))
    clip = job["clips"][0]
    with backend.socket() as sock:
        ask = f"GET {clip['url']} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
        sock.sendall(ask * (20_000_000 // clip["bytes"] + 1))
        until(lambda: [name for name in backend.descriptors() if name.endswith(".mp4")])
        until(lambda: not [name for name in backend.descriptors() if name.endswith(".mp4")], 6)
        until(lambda: sum("socket" in name for name in backend.descriptors()) <= 4, 2)


def seconds_for_a_clip(backend: Backend, upload: str) -> float:
    began = time.monotonic()
    assert backend.http.get("/health").status_code == 200
    assert backend.ended(backend.order(upload, (0, 1)))["status"] == "done"
    return time.monotonic() - began


def test_many_that_stand_still_do_not_disturb_others(start: Start, film: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4096)), hard))
    backend = start(STALL_TIMEOUT_S="10")
    upload = backend.upload(film)
    alone_s = seconds_for_a_clip(backend, upload)
    still = []
    for number in range(1500):
        sock = socket.create_connection(("127.0.0.1", backend.port))
        sock.sendall(CHUNKED if number % 3 else b"GET /he")
        still.append(sock)
    assert seconds_for_a_clip(backend, upload) < 2 * alone_s + 2
    until(lambda: sum("socket" in name for name in backend.descriptors()) < 10, 20)
    for sock in still:
        sock.close()
