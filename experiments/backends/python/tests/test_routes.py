"""Pages, methods, ranges, and what errors look like."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Start
from driving import Backend, answer_of, part, until
from test_uploads import CHUNKED, chunk


def test_paths_are_matched_to_the_letter(backend: Backend) -> None:
    assert backend.http.get("/health").status_code == 200
    for path in (
        b"/", b"/health/", b"/HEALTH", b"//health", b"/%68ealth", b"/docs", b"/redoc",
        b"/openapi.json", b"/uploads/", b"/jobs/", b"/jobs/a/b", b"/health%0a", b"/jobs/%2e",
        b"/favicon.ico", b"/docs/oauth2-redirect", b"/..", b"/\x2e/health",
    ):  # fmt: skip
        with backend.socket() as sock:
            sock.sendall(b"GET " + path + b" HTTP/1.1\r\nHost: x\r\n\r\n")
            code, headers, body = answer_of(sock)
            assert code == 404, path
            assert headers["content-type"] == "application/problem+json"
            assert b'"status": 404' in body


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/uploads", {"POST"}), ("/uploads/x", {"DELETE"}), ("/jobs", {"POST"}),
        ("/jobs/x", {"GET", "DELETE"}), ("/jobs/x/clips/1", {"GET", "HEAD"}),
        ("/health", {"GET"}), ("/metrics", {"GET"}),
    ],
)  # fmt: skip
def test_a_wrong_method_is_405_with_all_that_are_right(
    path: str, allowed: set[str], backend: Backend
) -> None:
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"):
        if method in allowed:
            continue
        answer = backend.http.request(method, path)
        assert answer.status_code == 405, method
        assert {word.strip() for word in answer.headers["allow"].split(",")} == allowed
        assert answer.headers["content-type"] == "application/problem+json"


def test_health_and_metrics(backend: Backend) -> None:
    health = backend.http.get("/health")
    assert health.headers["content-type"].startswith("application/json")
    assert health.json().keys() == {"status", "backend", "version", "ffmpeg"}
    assert health.json()["status"] == "ok"
    text = backend.http.get("/metrics")
    assert text.headers["content-type"].startswith("text/plain")
    assert "_created" not in text.text
    for name in ("clips_total{", "jobs{", "clip_seconds_bucket{", "ffmpeg_processes ",
                 "uploads_total ", "upload_bytes_total ", "process_resident_memory_bytes "):  # fmt: skip
        assert f"\n{name}" in text.text
    own = backend.metric("process_resident_memory_bytes")
    assert 10_000_000 < own < 200_000_000


def test_unknown_things_are_404(backend: Backend) -> None:
    for method, path in (
        ("GET", "/jobs/abcdefghijklmnop"), ("DELETE", "/jobs/abcdefghijklmnop"),
        ("DELETE", "/uploads/abcdefghijklmnop"), ("GET", "/jobs/abcdefghijklmnop/clips/1"),
        ("HEAD", "/jobs/abcdefghijklmnop/clips/1"),
    ):  # fmt: skip
        assert backend.http.request(method, path).status_code == 404


def test_a_clip_is_sent_whole_and_in_ranges(start: Start, film: Path) -> None:
    backend = start()
    job = backend.ended(backend.order(backend.upload(film), (0, 1)))
    url = job["clips"][0]["url"]
    whole = backend.http.get(url)
    size, tag = len(whole.content), whole.headers["etag"]
    assert whole.headers["accept-ranges"] == "bytes"

    head = backend.http.head(url, headers={"Range": "bytes=0-1"})
    assert (head.status_code, head.content) == (200, b"")
    assert int(head.headers["content-length"]) == size
    assert head.headers["etag"] == tag

    for asked, first, last in (
        ("bytes=0-0", 0, 0), ("bytes=5-99", 5, 99), (f"bytes={size - 1}-", size - 1, size - 1),
        ("bytes=-7", size - 7, size - 1), (f"bytes=-{size * 9}", 0, size - 1),
        (f"bytes=3-{'9' * 40}", 3, size - 1), ("Bytes=1-2", 1, 2),
    ):  # fmt: skip
        answer = backend.http.get(url, headers={"Range": asked})
        assert answer.status_code == 206, asked
        assert answer.content == whole.content[first : last + 1]
        assert answer.headers["content-range"] == f"bytes {first}-{last}/{size}"
        assert int(answer.headers["content-length"]) == last - first + 1
    for asked in (f"bytes={size}-", "bytes=-0", f"bytes={'9' * 40}-"):
        answer = backend.http.get(url, headers={"Range": asked})
        assert answer.status_code == 416
        assert answer.headers["content-range"] == f"bytes */{size}"
        assert answer.headers["content-type"] == "application/problem+json"
    for asked in ("bytes=0-1,3-4", "bytes=5-2", "bytes=x-", "bytes=-", "lines=0-1", "bytes", "",
                  "bytes=--1", "bytes=0x1-2"):  # fmt: skip
        answer = backend.http.get(url, headers={"Range": asked})
        assert answer.status_code == 200, asked
        assert answer.content == whole.content
    half = {"Range": "bytes=0-1", "If-Range": '"other"'}
    assert backend.http.get(url, headers=half).status_code == 200
    half["If-Range"] = tag
    assert backend.http.get(url, headers=half).status_code == 206
    for number in ("0", "2", "01", "+1", "-1", "1.0", "9" * 5000, "%31", "x"):
        assert backend.http.get(f"/jobs/{job['id']}/clips/{number}").status_code in (404, 400)


def test_what_is_no_http_is_told_so(backend: Backend) -> None:
    for nonsense in (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", b"GET /health\r\n\r\n",
                     b"GET /health HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nHost: x\r\nX: "
                     + b"a" * 100_000):  # fmt: skip
        with backend.socket() as sock:
            sock.sendall(nonsense)
            code, headers, _ = answer_of(sock)
            assert code == 400
            assert headers["content-type"] == "application/problem+json"
    assert backend.http.get("/health").status_code == 200


def test_a_body_that_is_no_http_any_more_leaves_nothing(backend: Backend) -> None:
    with backend.socket() as sock:
        sock.sendall(CHUNKED + chunk(part(b"x" * 1_000_000)[:-2]))
        until(backend.files)
        sock.sendall(b"this is no chunk\r\n")
        assert answer_of(sock)[0] == 400
        until(lambda: not backend.files(), within_s=2)


def test_requests_may_follow_each_other_without_waiting(backend: Backend) -> None:
    with backend.socket() as sock:
        sock.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n" * 50)
        sock.settimeout(5)
        data = b""
        while data.count(b"HTTP/1.1 200") < 50 or not data.endswith(b"}"):
            data += sock.recv(65536)
