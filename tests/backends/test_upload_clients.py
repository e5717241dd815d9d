"""Clients that break off, stand still, crawl or send too much, and disks that are full."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from raw_http import CLOSING, FORM, SOON_S, Connection, form, part
from running import until
from running_service import Service

MIB = 1 << 20
HALF = part(b"x" * 2 * MIB)
"""The beginning of a form that could go on: more than a service may hold before it writes."""


def begin(connection: Connection, body: bytes = HALF, length: int = 4 * MIB) -> None:
    connection.head("POST", "/uploads", content_type=FORM, content_length=length)
    connection.send(body)


class TestBrokenOff:
    @pytest.mark.parametrize("chunked", [False, True])
    @pytest.mark.parametrize("way", ["closed", "half closed", "reset"])
    def test_nothing_of_it_is_left(self, shared: Service, way: str, chunked: bool) -> None:
        assert shared.ask("GET", "/health").status == 200
        before, descriptors = shared.kept(), shared.descriptors()
        with Connection(shared.port) as connection:
            if chunked:
                connection.head("POST", "/uploads", content_type=FORM, transfer_encoding="chunked")
                connection.chunk(HALF)
            else:
                begin(connection)
            until(lambda: shared.kept() - before)
            if way == "half closed":
                connection.socket.shutdown(1)
                assert connection.closed(), "and the service closes the other half"
            elif way == "reset":
                connection.reset()
        until(lambda: shared.kept() == before, patience_s=2)
        until(lambda: shared.descriptors() <= descriptors, patience_s=2)

    def test_many_at_once_leave_no_descriptor_open(self, shared: Service) -> None:
        assert shared.ask("GET", "/health").status == 200
        before, descriptors = shared.kept(), shared.descriptors()
        connections = [Connection(shared.port) for _ in range(30)]
        for connection in connections:
            begin(connection)
        until(lambda: len(shared.kept() - before) == 30)
        for connection in connections:
            connection.reset()
        until(lambda: shared.kept() == before, patience_s=2)
        until(lambda: shared.descriptors() <= descriptors + 2, patience_s=2)


class TestStandingStill:
    STALL_S = 1

    @pytest.fixture
    def service(self, start: Callable[..., Service]) -> Service:
        return start(STALL_TIMEOUT_S=self.STALL_S)

    def test_a_body_that_stands_still(self, service: Service) -> None:
        with Connection(service.port) as connection:
            begin(connection)
            assert connection.closed(patience_s=self.STALL_S + 4)
        until(lambda: not service.kept(), patience_s=2)

    def test_a_body_of_which_next_to_nothing_arrives(self, service: Service) -> None:
        """Under 1 kB in the time: it is the same as nothing."""
        with Connection(service.port) as connection:
            begin(connection)
            until(service.kept)
            deadline_s = time.monotonic() + 2 * self.STALL_S + 4
            while service.kept():
                assert time.monotonic() < deadline_s, "it is held for ever"
                connection.send(b"x")
                time.sleep(0.1)
            assert connection.closed(patience_s=10)

    @pytest.mark.parametrize(
        "sent", [b"", b"POST /uploads HTT", b"GET /health HTTP/1.1\r\nHost: a\r\n"]
    )
    def test_a_head_that_is_not_completed(self, service: Service, sent: bytes) -> None:
        with Connection(service.port) as connection:
            connection.send(sent)
            assert connection.closed(patience_s=self.STALL_S + 4)

    def test_a_job_of_which_the_body_does_not_come(self, service: Service) -> None:
        with Connection(service.port) as connection:
            connection.head("POST", "/jobs", content_type="application/json", content_length=100)
            connection.send(b'{"upload":')
            assert connection.closed(patience_s=self.STALL_S + 4)

    def test_a_slow_upload_that_moves_is_taken_however_long_it_lasts(
        self, service: Service
    ) -> None:
        body = form(part(b"x" * 40_000))
        with Connection(service.port) as connection:
            connection.head("POST", "/uploads", content_type=FORM, content_length=len(body))
            for at in range(0, len(body), 4_000):
                time.sleep(0.4 * self.STALL_S)
                assert connection.send(body[at : at + 4_000])
            answer = connection.answer()
        assert (answer.status, answer.json["bytes"]) == (201, 40_000)

    def test_others_are_not_disturbed(self, start: Callable[..., Service]) -> None:
        service = start(STALL_TIMEOUT_S=20)
        standing = [Connection(service.port) for _ in range(40)]
        for connection in standing[:20]:
            begin(connection)
        try:
            until(lambda: len(service.kept()) == 20)  # they stand still now
            started_s = time.monotonic()
            assert service.ask("GET", "/health").status == 200
            assert service.send_form(part(b"x")).status == 201
            assert time.monotonic() - started_s < 3
        finally:
            for connection in standing:
                connection.socket.close()


class TestEarlyRefusals:
    @pytest.mark.parametrize(
        ("first", "status"),
        [(part(b"x", b"other"), 400), (part(b"x") + part(b"y")[:-2], 400)],
        ids=["another file part", "two of them"],
    )
    def test_it_is_answered_before_the_body_ends(
        self, shared: Service, first: bytes, status: int
    ) -> None:
        before = shared.kept()
        with Connection(shared.port) as connection:
            connection.head("POST", "/uploads", content_type=FORM, transfer_encoding="chunked")
            connection.chunk(first + b"x" * 1_000)
            connection.answer(SOON_S).refuses(status)
        until(lambda: shared.kept() == before, patience_s=2)

    def test_another_type_is_refused_before_the_body_comes(self, shared: Service) -> None:
        with Connection(shared.port) as connection:
            connection.head("POST", "/uploads", content_type="text/plain", content_length=9 * MIB)
            connection.answer(SOON_S).refuses(415)

    def test_the_connection_is_closed_soon_afterwards(self, shared: Service) -> None:
        """However long the client leaves the body open: a rest of it is read for 5 s."""
        kinds = {"content_type": FORM}, {"content_type": FORM}, {"content_type": "text/plain"}
        starts = part(b"x", b"other"), part(b"x") + part(b"y"), b"x"
        connections = [Connection(shared.port) for _ in kinds]
        for connection, kind, body in zip(connections, kinds, starts, strict=True):
            connection.head("POST", "/uploads", transfer_encoding="chunked", **kind)
            connection.chunk(body + b"x" * 1_000)
            connection.answer(SOON_S).refuses(400, 415)
        for connection in connections:
            assert connection.closed(patience_s=10)
            connection.socket.close()

    def test_a_body_without_end_is_not_read_for_ever(self, shared: Service) -> None:
        block, sent = b"x" * MIB, 0
        with Connection(shared.port) as connection:
            connection.head("POST", "/uploads", content_type=FORM, transfer_encoding="chunked")
            connection.chunk(part(b"x", b"other"))
            while connection.chunk(block):
                sent += len(block)
                assert sent < 200 * MIB, "64 MiB are the most that it reads and drops"


class TestMemory:
    SIZE = 200 * MIB
    GROWTH = 100 * MIB
    """What a runtime may hold in buffers and garbage; a body held in memory is `SIZE` at least."""

    def send(self, service: Service, size: int) -> None:
        head, block = part(b"")[:-2], bytes(MIB)
        with Connection(service.port) as connection:
            length = len(head) + size + 2 + len(CLOSING)
            connection.head("POST", "/uploads", content_type=FORM, content_length=length)
            connection.send(head)
            for _ in range(size // MIB):
                assert connection.send(block)
            connection.send(b"\r\n" + CLOSING)
            answer = connection.answer(60)
        assert (answer.status, answer.json["bytes"]) == (201, size)

    def test_it_does_not_grow_with_the_upload(self, start: Callable[..., Service]) -> None:
        service = start()
        self.send(service, 2 * MIB)
        before = service.peak_bytes()
        self.send(service, self.SIZE)
        assert service.peak_bytes() - before < self.GROWTH

    def test_as_found_in_the_wild_it_does(self, start: Callable[..., Service]) -> None:
        service = start(UPLOAD_TO="memory")
        self.send(service, 2 * MIB)
        before = service.peak_bytes()
        self.send(service, self.SIZE)
        assert service.peak_bytes() - before > 0.9 * self.SIZE

    def test_as_found_in_the_wild_it_goes_by_a_temporary_folder(
        self, start: Callable[..., Service], tmp_path: Path
    ) -> None:
        temporary = tmp_path / "temporary"
        temporary.mkdir()
        service = start(UPLOAD_TO="tmp", TMPDIR=temporary)
        body = form(part(b"x" * 6 * MIB))
        with Connection(service.port) as connection:
            begin(connection, body[: 5 * MIB], len(body))
            until(lambda: _bytes_held_in(service, temporary) >= 3 * MIB)
            assert not any((service.data / "uploads").glob("*"))
            connection.send(body[5 * MIB :])
            assert connection.answer().status == 201
        (stored,) = (service.data / "uploads").iterdir()
        assert stored.stat().st_size == 6 * MIB
        assert _bytes_held_in(service, temporary) == 0


def _bytes_held_in(service: Service, folder: Path) -> int:
    """What the files in it take, those too that were removed and are held open."""
    held = {}
    for link in Path(f"/proc/{service.process.pid}/fd").iterdir():
        try:
            if str(link.readlink()).startswith(str(folder)):
                held[link.stat().st_ino] = link.stat().st_size
        except OSError:
            continue
    held |= {file.stat().st_ino: file.stat().st_size for file in folder.iterdir()}
    return sum(held.values())


class TestNoSpace:
    ROOM = "4m"

    def on_a_small_disk(self, data: Path) -> tuple[str, ...]:
        """Words that start a service with a file system of its own, 4 MB large, as its folder."""
        script = f'mount -t tmpfs -o size={self.ROOM} tmpfs "{data}" && exec "$@"'
        words = ("unshare", "--mount", "--map-root-user", "sh", "-c", script, "sh")
        data.mkdir()
        if not shutil.which("unshare") or subprocess.run([*words, "true"], check=False).returncode:
            pytest.skip("no file system can be mounted here, not even for one process")
        return words

    @pytest.mark.parametrize("upload_to", ["disk", "memory"])
    def test_it_says_so_and_leaves_nothing(
        self, start: Callable[..., Service], tmp_path: Path, upload_to: str
    ) -> None:
        data = tmp_path / "small disk"
        service = start(data=data, before=self.on_a_small_disk(data), UPLOAD_TO=upload_to)
        inside = Path(f"/proc/{service.process.pid}/root{data}/uploads")
        service.send_form(part(b"x" * 9 * MIB)).refuses(507)
        until(lambda: not list(inside.iterdir()), patience_s=2)
        answer = service.send_form(part(b"x" * 3 * MIB))
        assert answer.status == 201, "there is room again"
        assert [file.stat().st_size for file in inside.iterdir()] == [3 * MIB]

    def test_the_last_block_that_finds_no_room_is_no_success(
        self, start: Callable[..., Service], tmp_path: Path
    ) -> None:
        """What is written behind the answer's back would be a 201 and half a film."""
        data = tmp_path / "small disk"
        service = start(data=data, before=self.on_a_small_disk(data))
        inside = Path(f"/proc/{service.process.pid}/root{data}/uploads")
        for over in (1, 5_000, 60_000):
            service.send_form(part(b"x" * (4 * MIB + over))).refuses(507)
            until(lambda: not list(inside.iterdir()), patience_s=2)
