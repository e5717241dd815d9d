"""Uploads that are taken and that are refused: forms, names, limits."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from raw_http import BOUNDARY, CLOSING, FORM, SOON_S, Connection, form, part
from running import until
from running_service import Service

FILM = b"not a film, which nobody looks at before a clip is cut of it"


def new_files(service: Service, before: set[str]) -> set[str]:
    return service.kept() - before


class TestTaken:
    def test_it_is_stored_as_it_came_under_a_name_of_the_services_own(
        self, shared: Service, film: Path
    ) -> None:
        before = shared.kept()
        answer = shared.send_form(part(film.read_bytes(), filename=b"holiday.mp4"))
        assert answer.status == 201, answer
        assert answer.kind == "application/json"
        assert set(answer.json) == {"id", "bytes"}
        assert answer.json["bytes"] == film.stat().st_size
        assert re.fullmatch("[A-Za-z0-9_-]{16,64}", answer.json["id"])
        assert answer.headers["location"].endswith(f"/uploads/{answer.json['id']}")
        (stored,) = new_files(shared, before)
        assert stored.startswith("uploads/")
        assert "holiday" not in stored
        assert (shared.data / stored).read_bytes() == film.read_bytes()

    def test_no_two_have_the_same_name(self, shared: Service) -> None:
        ids = [shared.send_form(part(FILM)).json["id"] for _ in range(8)]
        assert len(set(ids)) == 8

    @pytest.mark.parametrize(
        "parts",
        [
            [part(b"My film", b"title", None), part(FILM)],
            [part(FILM), part(b"My film", b"title", None)],
            [*[part(b"x", b"n%d" % n, None) for n in range(15)], part(FILM)],
            [part(b"x" * 60_000, b"text", None), part(FILM)],
            [part(FILM, more=b"Content-Type: text/x-shellscript\r\n")],
        ],
        ids=["text before", "text after", "16 parts", "60 kB of text", "another type"],
    )
    def test_what_else_may_be_in_the_form(self, shared: Service, parts: list[bytes]) -> None:
        answer = shared.send_form(*parts)
        assert answer.status == 201, answer
        assert answer.json["bytes"] == len(FILM)

    def test_without_a_length_it_is_taken_too(self, shared: Service) -> None:
        with Connection(shared.port) as connection:
            connection.head("POST", "/uploads", content_type=FORM, transfer_encoding="chunked")
            for byte in form(part(FILM)):
                connection.chunk(bytes([byte]))
            connection.send(b"0\r\n\r\n")
            answer = connection.answer()
        assert (answer.status, answer.json["bytes"]) == (201, len(FILM))

    @pytest.mark.parametrize("written", ["----=_Part_1_2.3", '"a b"', "film; charset=utf-8"])
    def test_a_boundary_that_is_written_in_another_way(self, shared: Service, written: str) -> None:
        boundary = written.partition(";")[0].strip('"').encode()
        body = form(part(FILM)).replace(BOUNDARY.encode(), boundary)
        kind = f"multipart/form-data; boundary={written}"
        assert shared.ask("POST", "/uploads", body, content_type=kind).status == 201

    def test_a_connection_is_used_again(self, shared: Service) -> None:
        with Connection(shared.port) as connection:
            for _ in range(3):
                body = form(part(FILM))
                connection.head("POST", "/uploads", content_type=FORM, content_length=len(body))
                connection.send(body)
                assert connection.answer().status == 201


REFUSED = {
    "nothing": [],
    "no part of that name": [part(b"x", b"title", None)],
    "another file part": [part(FILM, b"film")],
    "another file part beside it": [part(FILM), part(FILM, b"film")],
    "another file part before it": [part(FILM, b"film"), part(FILM)],
    "two of them": [part(FILM), part(FILM)],
    "no file name": [part(FILM, filename=None)],
    "an empty file name": [part(FILM, filename=b"")],
    "no byte": [part(b"")],
    "17 parts": [*[part(b"x", b"n%d" % n, None) for n in range(16)], part(FILM)],
    "17 parts, it first": [part(FILM), *[part(b"x", b"n%d" % n, None) for n in range(16)]],
    "70 kB of text": [part(b"x" * 70_000, b"text", None), part(FILM)],
    "70 kB of text in ten": [
        *[part(b"x" * 7_000, b"n%d" % n, None) for n in range(10)],
        part(FILM),
    ],
    "20 kB of a header": [part(FILM, more=b"X-Long: %s\r\n" % (b"x" * 20_000))],
    "20 kB of a file name": [part(FILM, filename=b"x" * 20_000)],
}


class TestRefused:
    @pytest.mark.parametrize("parts", REFUSED.values(), ids=REFUSED)
    def test_a_form_that_is_wrong(self, shared: Service, parts: list[bytes]) -> None:
        before = shared.kept()
        shared.send_form(*parts).refuses(400)
        until(lambda: not new_files(shared, before), patience_s=2)

    @pytest.mark.parametrize(
        "body",
        [
            part(FILM),
            part(FILM)[:-10],
            part(FILM) + CLOSING[:8],
            part(b"x", b"title", None),
            part(FILM)[:40],
            b"",
            b"no form at all",
        ],
        ids=["no closing", "in the film", "half a closing", "text", "in a header", "empty", "none"],
    )
    def test_a_form_that_ends_early(self, shared: Service, body: bytes) -> None:
        before = shared.kept()
        shared.ask("POST", "/uploads", body, content_type=FORM).refuses(400)
        until(lambda: not new_files(shared, before), patience_s=2)

    def test_a_form_without_its_boundary(self, shared: Service) -> None:
        body = form(part(FILM))
        shared.ask("POST", "/uploads", body, content_type="multipart/form-data").refuses(400)

    @pytest.mark.parametrize(
        "kind",
        [None, "", "application/octet-stream", "video/mp4", "application/json", "multipart/mixed"],
    )
    def test_another_type(self, shared: Service, kind: str | None) -> None:
        named = {} if kind is None else {"content_type": kind}
        shared.ask("POST", "/uploads", form(part(FILM)), **named).refuses(415)


NAMES = {
    "a path": b"../../../../etc/cron.d/film",
    "an absolute path": b"/etc/passwd",
    "a path of Windows": b"C:\\\\Windows\\\\film.mp4",
    "the folder": b".",
    "its parent": b"..",
    "an option": b"-f lavfi -i testsrc",
    "a protocol": b"concat:/etc/passwd|/etc/shadow",
    "a command": b"$(touch /tmp/pwned);`id`|&.mp4",
    "a quote": b'a\\"b.mp4',
    "a quote of a browser": b"a%22b%0Ac.mp4",
    "control characters": b"\x1b[2J\x07.mp4",
    "no UTF-8": b"\xff\xfe\xc3\x28.mp4",
    "wide letters": "película 電影.mp4".encode(),
    "a long one": b"x" * 5_000 + b".mp4",
    "a log line": b'","level":"error","event":"forged',
    "spaces": b" ",
}


class TestNames:
    @pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
    def test_the_name_that_the_client_gives_is_not_used(self, shared: Service, name: bytes) -> None:
        before, lines = shared.kept(), len(shared.lines)
        answer = shared.send_form(part(FILM, filename=name))
        assert answer.status == 201, answer
        (stored,) = new_files(shared, before)
        assert re.fullmatch(r"uploads/[\w.-]+", stored), stored
        assert not (shared.data / stored).is_symlink()
        assert all(event.keys() >= {"event", "level"} for event in shared.events[lines:])
        assert not [event for event in shared.events if event["event"] == "forged"]

    @pytest.mark.parametrize("name", [b"a\nb.mp4", b"a\r\nX: y\r\n\r\nb.mp4", b"a\0b.mp4"])
    def test_a_name_that_breaks_its_header_harms_nothing(
        self, shared: Service, name: bytes
    ) -> None:
        before = shared.kept()
        answer = shared.send_form(part(FILM, filename=name))
        assert answer.status in (201, 400), answer
        assert len(new_files(shared, before)) == (answer.status == 201)
        assert shared.ask("GET", "/health").status == 200


class TestLimit:
    LIMIT = 300_000

    @pytest.fixture
    def service(self, start: Callable[..., Service]) -> Service:
        return start(MAX_UPLOAD_BYTES=self.LIMIT)

    def test_exactly_the_limit_is_taken_and_a_byte_more_is_not(self, service: Service) -> None:
        answer = service.send_form(part(b"x" * self.LIMIT))
        assert (answer.status, answer.json["bytes"]) == (201, self.LIMIT)
        before = service.kept()
        service.send_form(part(b"x" * (self.LIMIT + 1))).refuses(413)
        until(lambda: service.kept() == before, patience_s=2)

    def test_far_over_the_limit_it_is_refused_before_the_body_comes(self, service: Service) -> None:
        with Connection(service.port) as connection:
            size = self.LIMIT + (1 << 20) + 2_000
            connection.head("POST", "/uploads", content_type=FORM, content_length=size)
            connection.answer(SOON_S).refuses(413)

    @pytest.mark.parametrize("with_length", [True, False])
    def test_it_is_refused_while_the_body_is_still_open(
        self, service: Service, with_length: bool
    ) -> None:
        whole = part(b"x" * (self.LIMIT + 50_000))
        length = {"content_length": len(whole) + 100} if with_length else {}
        told = length or {"transfer_encoding": "chunked"}
        with Connection(service.port) as connection:
            connection.head("POST", "/uploads", content_type=FORM, **told)
            connection.send(whole) if with_length else connection.chunk(whole)
            connection.answer(SOON_S).refuses(413)
        until(lambda: not service.kept(), patience_s=2)

    def test_a_client_that_sends_it_all_can_read_the_refusal(self, service: Service) -> None:
        """No reset meets it: some of the rest is read and dropped."""
        body = form(part(b"x" * (20 << 20)))
        with Connection(service.port) as connection:
            connection.head("POST", "/uploads", content_type=FORM, transfer_encoding="chunked")
            for at in range(0, len(body), 1 << 20):
                assert connection.chunk(body[at : at + (1 << 20)]), "it was cut off"
            connection.answer().refuses(413)
        assert service.ask("GET", "/health").status == 200
