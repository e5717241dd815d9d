"""The description of a server's routes: what each key means, and how each mistake is told."""

from __future__ import annotations

import tomllib
from pathlib import Path

import own_servers
import pytest

from clipkit import resources
from clipkit.errors import DriveError
from clipkit.plan.clips import Clip
from clipkit.plan.drive_file import contract_routes, read_drive_file, routes_of
from clipkit.plan.routes import AnswerError, Routes, fill_in, filled_path, find_in, own_path

LEAST = own_servers.ANSWERS_WITH_THE_CLIP
ASKED = own_servers.IS_ASKED


def read(text: str) -> Routes:
    return routes_of(tomllib.loads(text), "drive.toml")


def complaint(text: str) -> str:
    with pytest.raises(DriveError) as caught:
        read(text)
    return str(caught.value)


class TestForm:
    def test_the_contract_of_our_services_is_written_in_it(self) -> None:
        routes = contract_routes()
        assert (routes.health, routes.is_theirs) == ("/health", False)
        assert routes.follows == ("concurrency", "seek", "preset", "crf", "encoder_threads")
        assert routes.tells_times
        assert not routes.is_per_clip
        assert routes.upload
        order = routes.order.filled(
            {"upload": "x1", "clips": routes.list_of((Clip(1.0, 2.5),))}, Path("film")
        )
        assert (order.method, order.path) == ("POST", "/jobs")
        assert order.json == {"upload": "x1", "clips": [{"start_s": 1.0, "duration_s": 2.5}]}

    def test_it_comes_with_clipkit(self) -> None:
        path = resources.folder("experiments") / "backends" / "drive.toml"
        assert routes_of(read_drive_file(path), str(path)).order == contract_routes().order

    def test_ten_lines_describe_a_server_that_answers_with_the_clip(self) -> None:
        lines = [line for line in LEAST.splitlines() if line]
        assert len(lines) <= 10
        routes = read(LEAST)
        assert routes.is_per_clip and routes.answers_clip and routes.can_fetch
        assert routes.follows == ("concurrency",)  # the client decides
        sent = routes.order.filled(routes.wanted(Clip(1.5, 2.0), 1), Path("film"))
        assert (sent.film, sent.part) == (Path("film"), "video")
        assert dict(sent.form) == {"start": "1.5", "duration": "2"}

    def test_times_are_the_servers_own_only_where_it_tells_them_all(self) -> None:
        assert not read(ASKED).tells_times

    def test_a_film_may_be_read_from_its_path(self) -> None:
        routes = read(
            '[environment]\nP = "{port}"\n[order]\npath = "/cut"\n'
            'json = { input = "{film}", from = "{start_s}" }'
        )
        values = {"film": "/x/my.mp4", **routes.wanted(Clip(1.0, 2.0), 1)}
        sent = routes.order.filled(values, Path("/x/my.mp4"))
        assert sent.json == {"input": "/x/my.mp4", "from": 1.0}
        assert sent.film is None


MISTAKES = [
    (LEAST.replace("[order]", "[oder]"), "oder: unknown key: did you mean 'order'?"),
    (LEAST.replace('path = "/clip"', 'path = "clip"'), "[order] path: 'clip' is not legal; legal are: paths"),
    (LEAST.replace("{start_s}", "{start}"), "[order] form: "),
    (LEAST.replace("{start_s}", "{start}"), "unknown placeholder '{start}': did you mean 'start_s'?"),
    (LEAST.replace("{start_s}", "{port}"), "unknown placeholder '{port}'"),
    (LEAST.replace('"{start_s}"', '"1"'), "[order]: says nowhere which clip: put {start_s}"),
    (LEAST.replace('PORT = "{port}"', 'HOST = "x"'), 'port: missing: say where it listens, or which variable'),
    (LEAST.replace('PORT = "{port}"', 'PORT = 3000'), "[environment] PORT: 3000 is not legal; legal are: texts"),
    (LEAST.replace('PORT = ', '"MY-PORT" = '), "[environment] MY-PORT: cannot name a variable"),
    (LEAST.replace('"{port}"', '"{prot}"'), "unknown placeholder '{prot}': did you mean 'port'?"),
    (LEAST.replace('answer = "clip"', 'answer = "file"'), "[order] answer: 'file' is not legal; legal are: json, clip"),
    (LEAST.replace('field = "video"', ""), "[order]: says nowhere which film: describe [upload]"),
    (LEAST + 'raw = true\n', "[order] raw: the body is the film alone"),
    (LEAST + 'json = { a = "{start_s}" }\n', "[order] json: a body is either json, or a form"),
    (LEAST + 'at_once = 0\n', "[order] at_once: 0 is not legal; legal are: whole numbers from 1 to 1000"),
    (LEAST + '[fetch]\npath = "/c/{number}"\n', "[order] answer: 'clip' is the clip itself"),
    ("port = 70000" + LEAST, "port: 70000 is not legal; legal are: whole numbers from 1 to 65535"),
    ('name = "My Server"' + LEAST, "name: 'My Server' is not legal; legal are: small letters"),
    (LEAST.split("[order]", maxsplit=1)[0], "order: missing: say by [order] how a clip"),
    (ASKED.replace('id = "job.id"', ""), "[order] id: missing: later paths have {job}"),
    (ASKED.replace('done = "finished"', ""), "[poll] done: missing"),
    (ASKED.replace('done = "finished"', "done = []"), "[poll] done: [] is not legal; legal are: a value, or a list"),
    (ASKED.replace('id = "data.0.id"', ""), "unknown placeholder '{upload}'"),
    (ASKED.replace("{number}", "{url}"), "[fetch] path: "),
    (ASKED.replace('from = "{start_s}"', 'from = "{begin}"'), "[order] clip: "),
    (ASKED.replace('film = "{upload}"', 'at = "{start_s}"'), "has {clips} and {start_s}"),
    (ASKED + '[clips]\nlist = "clips"\nstatus = "state"\n', "[clips] done: missing: which values of 'status'"),
    (ASKED + '[clips]\nstatsu = "state"\n', "[clips] statsu: unknown key: did you mean 'status'?"),
    (ASKED + '[delete]\njob = "/render/{id}"\n', "[delete] job: "),
]  # fmt: skip


class TestMistakes:
    @pytest.mark.parametrize(("text", "said"), MISTAKES)
    def test_each_names_the_file_the_key_and_what_is_legal(self, text: str, said: str) -> None:
        told = complaint(text)
        assert told.startswith("drive.toml: ")
        assert said in told

    def test_a_table_within_an_experiment_is_named_in_full(self) -> None:
        with pytest.raises(DriveError, match=r"^x\.toml: \[drive\.order\] path: "):
            routes_of(tomllib.loads(LEAST.replace('"/clip"', '"clip"')), "x.toml", "drive")

    @pytest.mark.parametrize(
        ("content", "said"),
        [(b"[order", "is not TOML"), (b"\xff\xfe", "is no text in UTF-8"), (None, "cannot read")],
    )
    def test_a_file_that_is_none_is_told(
        self, tmp_path: Path, content: bytes | None, said: str
    ) -> None:
        path = tmp_path / "drive.toml"
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(DriveError, match=said):
            read_drive_file(path)


class TestFillingIn:
    def test_a_placeholder_alone_keeps_its_kind_and_within_text_is_written_out(self) -> None:
        values = {"start_s": 5.0, "duration_s": 0.25, "clips": [1, 2]}
        template = {
            "a": "{start_s}",
            "b": ["{duration_s}", "t={start_s}"],
            "c": "{clips}",
            "d": True,
        }
        assert fill_in(template, values) == {
            "a": 5.0,
            "b": [0.25, "t=5"],
            "c": [1, 2],
            "d": True,
        }

    def test_what_goes_into_a_path_stays_one_part_of_it(self) -> None:
        assert filled_path("/jobs/{job}/x", {"job": "../a b?c"}) == "/jobs/..%2Fa%20b%3Fc/x"

    def test_what_no_answer_told_cannot_be_asked_for(self) -> None:
        with pytest.raises(AnswerError, match=r"no answer told what \{url\} is"):
            filled_path("{url}", {"url": None})

    @pytest.mark.parametrize(
        ("url", "path"),
        [
            ("/files/a b.mp4", "/files/a%20b.mp4"),
            ("files/1.mp4?k=v", "/files/1.mp4?k=v"),
            ("http://localhost:3000/f/1", "/f/1"),
            ("http://127.0.0.1/f%20/1", "/f%20/1"),
            ("/f?name=Über uns.mp4&sig=a%2Fb", "/f?name=%C3%9Cber%20uns.mp4&sig=a%2Fb"),
        ],
    )
    def test_an_address_of_the_server_is_its_path(self, url: str, path: str) -> None:
        assert own_path(url) == path

    @pytest.mark.parametrize("url", ["http://example.org/x", "//example.org/x", "ftp://10.0.0.1/"])
    def test_nobody_else_is_ever_asked(self, url: str) -> None:
        with pytest.raises(AnswerError, match="only loopback is asked"):
            own_path(url)

    def test_a_line_feed_cannot_get_into_a_request(self) -> None:
        assert "\n" not in own_path("/a\r\nHost: x")


class TestFinding:
    ANSWER = {"data": [{"id": 7, "a/b": {"c.d": 1}}], "ok": True}  # noqa: RUF012

    @pytest.mark.parametrize(
        ("key", "value"),
        [("data.0.id", 7), ("/data/0/id", 7), ("/data/0/a~1b/c.d", 1), ("ok", True), ("", ANSWER)],
    )
    def test_dots_and_pointers(self, key: str, value: object) -> None:
        assert find_in(self.ANSWER, key) == value

    @pytest.mark.parametrize(
        ("key", "said"),
        [
            ("file.id", "no 'file' in the answer; it has the keys data, ok"),
            ("data.1.id", "no '1' in the answer; it has 1 entries"),
            ("ok.id", "no 'id' in the answer; it has True"),
        ],
    )
    def test_what_is_not_there_is_told_with_what_is(self, key: str, said: str) -> None:
        with pytest.raises(AnswerError, match=said):
            find_in(self.ANSWER, key)
