"""Uploads: what is taken, what is refused, and that nothing is left of what was."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Start
from driving import BOUNDARY, FORM, SOON_S, Backend, answer_of, form, part, until

HEAD = (
    "POST /uploads HTTP/1.1\r\nHost: x\r\n"
    f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n"
)
CHUNKED = (HEAD + "Transfer-Encoding: chunked\r\n\r\n").encode()


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def status(backend: Backend, body: bytes, headers: dict[str, str] | None = None) -> int:
    answer = backend.http.post("/uploads", headers=headers or FORM, content=body)
    if answer.status_code != 201:
        assert answer.headers["content-type"] == "application/problem+json"
        assert {"title", "status", "detail"} <= answer.json().keys()
        assert answer.json()["status"] == answer.status_code
    return answer.status_code


@pytest.mark.parametrize("upload_to", ["disk", "memory", "tmp"])
def test_an_upload_arrives_whole_under_a_name_of_ours(
    upload_to: str, start: Start, tmp_path: Path
) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    backend = start(UPLOAD_TO=upload_to, TMPDIR=str(temporary))
    data = os.urandom(3_000_001)
    body = form(part(b"beside", "note", None), part(data, filename="../../etc/é\n.mp4"))
    answer = backend.http.post("/uploads", headers=FORM, content=body)
    assert answer.status_code == 201
    upload = answer.json()["id"]
    assert answer.json() == {"id": upload, "bytes": len(data)}
    assert answer.headers["location"] == f"/uploads/{upload}"
    assert backend.files() == [f"uploads/{upload}"]
    assert (backend.folder / "uploads" / upload).read_bytes() == data
    assert list(temporary.iterdir()) == []
    assert backend.metric("uploads_total") == 1
    assert backend.metric("upload_bytes_total") == len(data)
    assert "etc" not in str(backend.lines)


@pytest.mark.parametrize("upload_to", ["disk", "memory", "tmp"])
def test_what_breaks_the_rules_is_refused_and_leaves_nothing(upload_to: str, start: Start) -> None:
    backend = start(MAX_UPLOAD_BYTES="1000000", UPLOAD_TO=upload_to)
    video = part(b"v" * 1000)
    huge = f"X-A: {'a' * 17_000}\r\n"
    many = "".join(f"X-{number}: {'b' * 100}\r\n" for number in range(170))
    for body in (
        b"", form(), form(part(b"x", "other", None)), form(video, video),
        form(video, part(b"x", "second")), form(part(b"x", "other"), video),
        form(part(b"x", filename=None)), form(part(b"x", filename="")), form(part(b"")),
        video, form(video)[:-8], form(video)[:-4], b"no form at all", b"\r\n" * 5000,
        form(*[part(b"x", str(number), None) for number in range(16)], video),
        form(part(b"t" * 65_537, "note", None), video), form(part(b"x", extra=huge)),
        form(part(b"x", extra=many)),
        b"--" + BOUNDARY.encode() + b"\r\nX: y\r\n\r\nx\r\n" + form(video),
    ):  # fmt: skip
        assert status(backend, body) == 400, body[:80]
    for kind in ("text/plain", "multipart/mixed; boundary=x", "application/json"):
        assert status(backend, form(video), {"Content-Type": kind}) == 415
    for kind in ("multipart/form-data", "multipart/form-data; boundary="):
        assert status(backend, form(video), {"Content-Type": kind}) == 400
    assert status(backend, form(part(b"v" * 1_000_001))) == 413
    assert status(backend, form(part(b"v" * 1_000_000))) == 201
    most = [part(b"x" * 4000, str(number), None) for number in range(15)]
    assert status(backend, form(*most, video)) == 201
    assert len(backend.files()) == 2
    assert not [name for name in backend.descriptors() if "uploads" in name]


def test_a_long_announced_body_is_refused_before_it_comes(start: Start) -> None:
    backend = start(MAX_UPLOAD_BYTES="1000")
    for announced, expected in ((1000 + 1024**2 + 1, 413), (1000 + 1024**2, None)):
        with backend.socket() as sock:
            sock.sendall(f"{HEAD}Content-Length: {announced}\r\n\r\n".encode())
            if expected:
                assert answer_of(sock)[0] == expected
            else:
                sock.settimeout(2)
                with pytest.raises(TimeoutError):
                    sock.recv(1)


def test_expect_100_continue_is_refused_without_the_body(start: Start) -> None:
    backend = start(MAX_UPLOAD_BYTES="1000")
    with backend.socket() as sock:
        sock.sendall(f"{HEAD}Content-Length: 9999999\r\nExpect: 100-continue\r\n\r\n".encode())
        assert answer_of(sock)[0] == 413
    body = form(part(b"x"))
    with backend.socket() as sock:
        sock.sendall(f"{HEAD}Content-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n".encode())
        assert sock.recv(100).startswith(b"HTTP/1.1 100")
        sock.sendall(body)
        assert answer_of(sock)[0] == 201


def test_a_chunked_body_past_the_limit_is_answered_while_it_still_comes(start: Start) -> None:
    backend = start(MAX_UPLOAD_BYTES="1000000")
    opening = part(b"")[:-2]
    with backend.socket() as sock:
        sock.sendall(CHUNKED + chunk(opening))
        for _ in range(17):
            sock.sendall(chunk(b"x" * 65536))  # 1.1 MB, and the body stays open
        sock.settimeout(SOON_S)
        code, headers, body = answer_of(sock)
        assert code == 413
        assert headers["connection"] == "close"
        assert b"1000000" in body
        sock.sendall(chunk(b"x" * 65536))  # still taken, and dropped
        sock.sendall(b"0\r\n\r\n")
        assert sock.recv(1) == b""
    assert backend.files() == []


def test_a_client_that_reads_only_after_sending_gets_the_refusal(start: Start) -> None:
    backend = start(MAX_UPLOAD_BYTES="1000")
    body = form(part(b"x" * 30_000_000))
    with backend.socket() as sock:
        sock.sendall(HEAD.encode() + f"Content-Length: {len(body)}\r\n\r\n".encode())
        sock.sendall(body)
        assert answer_of(sock)[0] == 413
        assert sock.recv(1) == b""


def test_what_is_read_on_after_a_refusal_has_an_end(start: Start) -> None:
    backend = start(MAX_UPLOAD_BYTES="1000")
    with backend.socket() as sock:
        sock.sendall(CHUNKED)
        sent, block = 0, chunk(b"x" * 1_000_000)
        began = time.monotonic()
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            while True:
                sock.sendall(block)
                sent += 1_000_000
        assert sent < 200_000_000
        assert time.monotonic() - began < 10
    with backend.socket() as sock:
        began = time.monotonic()
        sock.sendall(CHUNKED + chunk(b"no form"))
        assert answer_of(sock)[0] == 400
        assert sock.recv(1) == b""  # the client keeps its side open
        try:
            while time.monotonic() - began < 12:
                sock.sendall(chunk(b"x"))
                time.sleep(0.2)
        except OSError:
            pass
        assert 4 < time.monotonic() - began < 10


def test_any_early_answer_ends_that_way(backend: Backend) -> None:
    for line in (b"POST /nothing HTTP/1.1", b"PUT /jobs HTTP/1.1", b"POST /jobs HTTP/1.1"):
        with backend.socket() as sock:
            sock.sendall(line + b"\r\nHost: x\r\nContent-Length: 50000000\r\n\r\n")
            sock.sendall(b"x" * 50_000_000)
            assert answer_of(sock)[0] in (404, 405, 415)
            assert sock.recv(1) == b""


def test_a_broken_off_upload_leaves_nothing(backend: Backend) -> None:
    for way in ("close", "reset", "half"):
        with backend.socket() as sock:
            sock.sendall(CHUNKED + chunk(part(b"x" * 1_000_000)[:-2]))
            until(lambda: [name for name in backend.files() if name.endswith(".part")])
            if way == "reset":
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            if way == "half":
                sock.shutdown(socket.SHUT_WR)
                assert answer_of(sock)[0] == 400
        until(lambda: not backend.files(), within_s=2)
        until(lambda: not [name for name in backend.descriptors() if "uploads" in name], 2)


def test_a_client_that_closes_its_side_after_a_whole_upload_is_answered(backend: Backend) -> None:
    body = form(part(b"x" * 1000))
    with backend.socket() as sock:
        sock.sendall(HEAD.encode() + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
        sock.shutdown(socket.SHUT_WR)
        assert answer_of(sock)[0] == 201
        assert sock.recv(1) == b""


@pytest.mark.parametrize("upload_to", ["disk", "memory", "tmp"])
def test_a_full_disk_is_507_and_leaves_nothing(
    upload_to: str, start: Start, tmp_path: Path
) -> None:
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    disk = tmp_path / "small"
    disk.mkdir()
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)], check=True, timeout=10
    )
    try:
        backend = start(DATA_DIR=str(disk), UPLOAD_TO=upload_to)
        assert status(backend, form(part(b"x" * 5_000_000))) == 507
        until(lambda: not backend.files(), within_s=2)
        assert status(backend, form(part(b"x" * 500_000))) == 201
        backend.kill()
    finally:
        subprocess.run(["umount", str(disk)], check=True, timeout=10)


def slow_end() -> Iterator[bytes]:
    yield part(b"x" * 2_090_000)[:-2]
    for _ in range(40):
        time.sleep(0.005)
        yield b"x" * 1000
    yield b"\r\n" + form()


def test_a_full_temporary_folder_is_507_too(start: Start, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(small)]
    subprocess.run(mount, check=True, timeout=10)
    try:
        backend = start(UPLOAD_TO="tmp", TMPDIR=str(small))
        # Little by little at the end: what does not fit stays in the file's buffer.
        answer = backend.http.post("/uploads", headers=FORM, content=slow_end())
        assert answer.status_code == 507
        assert backend.files() == []
        assert status(backend, form(part(b"x" * 1_500_000))) == 201
        backend.kill()
    finally:
        subprocess.run(["umount", str(small)], check=True, timeout=10)


def test_a_large_upload_takes_disk_not_memory(backend: Backend) -> None:
    before = backend.peak_bytes()
    block = b"x" * 1_000_000
    with backend.socket() as sock:
        sock.sendall(CHUNKED + chunk(part(b"")[:-2]))
        for _ in range(300):
            sock.sendall(chunk(block))
        sock.sendall(chunk(b"\r\n" + form()) + b"0\r\n\r\n")
        code, _, body = answer_of(sock)
    assert code == 201
    assert b'"bytes":300000000' in body
    assert backend.peak_bytes() - before < 50_000_000


def test_uploads_are_deleted_unless_a_job_uses_them(start: Start, film: Path) -> None:
    backend = start()
    upload = backend.upload(film)
    job = backend.order(upload, (0, 6), (0, 6))
    assert backend.http.delete(f"/uploads/{upload}").status_code == 409
    backend.ended(job)
    assert backend.http.delete(f"/uploads/{upload}").status_code == 204
    assert backend.http.delete(f"/uploads/{upload}").status_code == 404
    assert not [name for name in backend.files() if name.startswith("uploads")]
    assert backend.job(job)["upload"] == upload


def test_unused_uploads_and_ended_jobs_are_kept_for_a_time(start: Start, film: Path) -> None:
    backend = start(KEEP_S="2")
    used, began_s = backend.upload(film), time.time()
    job = backend.order(used, (0, 0.5))
    unused = backend.upload(film)
    ended_s = backend.ended(job)["clips"][0]["ended_s"]
    # Seen now, however long ago they went: not before their time.
    until(lambda: f"uploads/{unused}" not in backend.files(), within_s=10)
    assert time.time() - began_s >= 2
    until(lambda: not backend.files(), within_s=10)
    assert time.time() - ended_s >= 2
    assert backend.http.get(f"/jobs/{job}").status_code == 404
    assert backend.http.delete(f"/uploads/{unused}").status_code == 404


def test_many_uploads_at_once(backend: Backend) -> None:
    codes: list[int] = []

    def send() -> None:
        codes.append(status(backend, form(part(os.urandom(2_000_000)))))

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == [201] * 8
    assert len(backend.files()) == 8
