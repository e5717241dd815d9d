"""Fetching clips: whole, in parts, not at all."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from pathlib import Path

import av
import pytest
from launchers import HELD, Launcher
from making import Make
from raw_http import Connection
from running import until
from running_service import Service

Launch = Callable[..., Launcher]


@pytest.fixture(scope="module")
def path(shared: Service, uploaded: str) -> str:
    job = shared.ended(shared.order(uploaded, (0.5, 1)))
    assert job["status"] == "done", job
    return str(job["clips"][0]["url"])


@pytest.fixture(scope="module")
def clip(shared: Service, path: str) -> bytes:
    return shared.ask("GET", path).body


def test_the_whole_clip_is_a_film(shared: Service, path: str, clip: bytes, tmp_path: Path) -> None:
    answer = shared.ask("GET", path)
    assert (answer.status, answer.kind) == (200, "video/mp4")
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["etag"].strip("W/").startswith('"')
    assert int(answer.headers["content-length"]) == len(clip) > 1_000
    file = tmp_path / "clip.mp4"
    file.write_bytes(clip)
    assert clip.index(b"moov") < clip.index(b"mdat"), "it can be played while it comes"
    with av.open(str(file)) as film:
        assert len(list(film.decode(video=0))) in (24, 25), "-t may lose the last one"


def test_what_would_come_is_told_without_it(shared: Service, path: str, clip: bytes) -> None:
    whole, head = shared.ask("GET", path), shared.ask("HEAD", path)
    assert (head.status, head.body) == (200, b"")
    for name in ("content-type", "content-length", "accept-ranges", "etag"):
        assert head.headers[name] == whole.headers[name]


PARTS = {
    "bytes=0-0": slice(0, 1),
    "bytes=0-99": slice(0, 100),
    "bytes=100-199": slice(100, 200),
    "bytes=100-": slice(100, None),
    "bytes=0-": slice(0, None),
    "bytes=-1": slice(-1, None),
    "bytes=-100": slice(-100, None),
    "bytes=500-99999999": slice(500, None),
    "bytes=-99999999": slice(0, None),
}


@pytest.mark.parametrize("asked", PARTS)
def test_a_part(shared: Service, path: str, clip: bytes, asked: str) -> None:
    answer = shared.ask("GET", path, range=asked)
    assert answer.status == 206, answer
    wanted = clip[PARTS[asked]]
    assert answer.body == wanted
    first = PARTS[asked].start % len(clip)
    told = f"bytes {first}-{first + len(wanted) - 1}/{len(clip)}"
    assert answer.headers["content-range"] == told
    assert int(answer.headers["content-length"]) == len(wanted)
    assert answer.kind == "video/mp4"
    head = shared.ask("HEAD", path, range=asked)
    assert (head.status, head.body) in ((206, b""), (200, b""))


@pytest.mark.parametrize("asked", ["bytes=99999999-", "bytes=99999999-99999999", "bytes=-0"])
def test_a_part_that_is_none(shared: Service, path: str, clip: bytes, asked: str) -> None:
    answer = shared.ask("GET", path, range=asked)
    answer.refuses(416)
    assert answer.headers["content-range"] == f"bytes */{len(clip)}"


@pytest.mark.parametrize(
    "asked",
    [
        "bytes=0-1,5-6",
        "bytes=-1,-2",
        "bytes=5-1",
        "bytes=a-b",
        "bytes=",
        "bytes",
        "bytes=1",
        "bytes=--1",
        "bytes=0x1-2",
        "bytes=1e1-20",
        "bytes=+1-2",
        "bytes=1-2-3",
        "pages=1-2",
        "bytes=99999999999999999999999999-",
        "bytes=" + ",".join(f"{n}-{n}" for n in range(500)),
    ],
    ids=lambda asked: asked[:20],
)
def test_several_ranges_and_malformed_ones_are_ignored_or_refused(
    shared: Service, path: str, clip: bytes, asked: str
) -> None:
    answer = shared.ask("GET", path, range=asked)
    if answer.status == 200:
        assert answer.body == clip
    else:
        answer.refuses(416)


class TestIfRange:
    def test_the_same_clip_comes_in_part(self, shared: Service, path: str, clip: bytes) -> None:
        tag = shared.ask("HEAD", path).headers["etag"]
        answer = shared.ask("GET", path, range="bytes=1-9", if_range=tag)
        if tag.startswith("W/"):  # a weak one is never the same (RFC 9110, 13.1.5)
            assert (answer.status, answer.body) == (200, clip)
        else:
            assert (answer.status, answer.body) == (206, clip[1:10])

    @pytest.mark.parametrize("tag", ['"another"', "Mon, 01 Jan 2001 00:00:00 GMT", "nonsense"])
    def test_another_one_comes_whole(
        self, shared: Service, path: str, clip: bytes, tag: str
    ) -> None:
        answer = shared.ask("GET", path, range="bytes=1-9", if_range=tag)
        assert (answer.status, answer.body) == (200, clip)

    def test_a_tag_is_the_clips_own_and_stays(
        self, shared: Service, path: str, uploaded: str
    ) -> None:
        other = shared.ended(shared.order(uploaded, (2, 0.5)))["clips"][0]["url"]
        tags = [shared.ask("HEAD", place).headers["etag"] for place in (path, path, other)]
        assert tags[0] == tags[1] != tags[2]


def test_what_is_not_there(shared: Service, path: str) -> None:
    job = path.split("/")[2]
    for number in ("2", "0", "-1", "1.0", "01", "x", "1e0", "99999999999999999999", "%31%00"):
        shared.ask("GET", f"/jobs/{job}/clips/{number}").refuses(404)
    for unknown in ("0123456789abcdef", "x", "..", "%2e%2e%2f%2e%2e"):
        shared.ask("GET", f"/jobs/{unknown}/clips/1").refuses(404)
    assert shared.ask("HEAD", f"/jobs/{job}/clips/2").status == 404


def test_one_that_is_not_ready_is_a_conflict(
    start: Callable[..., Service], launcher: Launch, film: Path
) -> None:
    recorder = launcher(HELD)
    recorder.hold()
    service = start(FFMPEG=recorder.path)
    job = service.order(service.upload(film), (0, 0.2), (1_000, 1))
    recorder.began(1)
    for number in (1, 2):
        service.ask("GET", f"/jobs/{job}/clips/{number}").refuses(409)
        assert service.ask("HEAD", f"/jobs/{job}/clips/{number}").status == 409
    told = service.job(job)
    assert [clip["status"] for clip in told["clips"]] == ["running", "queued"]
    for clip in told["clips"]:
        assert (clip["bytes"], clip["ended_s"], clip["error"]) == (None, None, None)
    assert told["clips"][1]["started_s"] is None
    recorder.release()
    service.ended(job)
    assert service.ask("GET", f"/jobs/{job}/clips/1").status == 200
    service.ask("GET", f"/jobs/{job}/clips/2").refuses(409)


def test_an_answer_that_nobody_reads_is_not_held_for_ever(
    start: Callable[..., Service], make: Make
) -> None:
    picture = "testsrc2=size=640x360:rate=25:duration=2,noise=alls=90:allf=t"
    options = ("-preset", "ultrafast", "-crf", "1", "-pix_fmt", "yuv420p")
    noise = make("noise.mp4", *options, source=("-f", "lavfi", "-i", picture))
    service = start(STALL_TIMEOUT_S=1, CRF=1)
    job = service.cut(noise, (0, 2))
    size = job["clips"][0]["bytes"]
    assert size > 12_000_000, "more than the kernel takes off the service's hands"
    before = service.descriptors()
    with Connection(service.port) as connection:
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.head("GET", job["clips"][0]["url"])
        until(lambda: service.descriptors() > before)
        assert service.ask("GET", "/health").status == 200
        until(lambda: service.descriptors() <= before, patience_s=8)
    whole = service.ask("GET", job["clips"][0]["url"])
    assert len(whole.body) == size, "who reads gets it"


def test_a_slow_reader_gets_it_all(start: Callable[..., Service], film: Path) -> None:
    service = start(STALL_TIMEOUT_S=1)
    job = service.cut(film, (0, 4))
    with Connection(service.port) as connection:
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        connection.head("GET", job["clips"][0]["url"], connection="close")
        answer = bytearray()
        while data := connection.socket.recv(4_000):
            answer += data
            time.sleep(0.02)
    assert answer.endswith(service.ask("GET", job["clips"][0]["url"]).body)
