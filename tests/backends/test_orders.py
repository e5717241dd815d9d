"""Orders of every wrong shape, and what of a right one comes back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from raw_http import SOON_S, Connection
from running_service import Service

NOBODYS = "0123456789abcdefABCDEF_-"
"""An id of the right form that no upload has."""

CLIP = {"start_s": 0, "duration_s": 1}


def order(of: str, **changed: Any) -> dict[str, Any]:
    return {"upload": of, "clips": [CLIP], **changed}


def clip(**changed: Any) -> list[dict[str, Any]]:
    return [{**CLIP, **changed}]


WRONG: dict[str, dict[str, Any]] = {
    "no clips": {"clips": []},
    "clips null": {"clips": None},
    "clips an object": {"clips": CLIP},
    "clips a number": {"clips": 1},
    "a clip null": {"clips": [None]},
    "a clip a list": {"clips": [[0, 1]]},
    "an unknown key": {"preset": "slow"},
    "an unknown key in a clip": {"clips": clip(end_s=2)},
    "a prototype": {"__proto__": {"clips": [CLIP]}},
    "a constructor in a clip": {"clips": clip(constructor=1)},
    "no start": {"clips": [{"duration_s": 1}]},
    "no duration": {"clips": [{"start_s": 1}]},
    "start a string": {"clips": clip(start_s="1")},
    "start empty": {"clips": clip(start_s="")},
    "start true": {"clips": clip(start_s=True)},
    "start null": {"clips": clip(start_s=None)},
    "start a list": {"clips": clip(start_s=[1])},
    "duration a string": {"clips": clip(duration_s="1")},
    "duration false": {"clips": clip(duration_s=False)},
    "start below 0": {"clips": clip(start_s=-0.001)},
    "duration 0": {"clips": clip(duration_s=0)},
    "duration -0": {"clips": clip(duration_s=-0.0)},
    "duration below 0": {"clips": clip(duration_s=-1)},
    "start over 10^7": {"clips": clip(start_s=10_000_000.5)},
    "duration over 10^7": {"clips": clip(duration_s=1e8)},
    "a wrong one behind a right one": {"clips": [CLIP, {"start_s": -1, "duration_s": 1}]},
    "upload a number": {"upload": 1},
    "upload null": {"upload": None},
    "upload a list": {"upload": [NOBODYS]},
}


class TestShape:
    @pytest.mark.parametrize("changed", WRONG.values(), ids=WRONG)
    def test_json_of_another_shape(
        self, shared: Service, uploaded: str, changed: dict[str, Any]
    ) -> None:
        shared.send_json("/jobs", order(uploaded, **changed)).refuses(422)

    @pytest.mark.parametrize("document", [[], "x", 1, None, True, {}, [[]], {"upload": NOBODYS}])
    def test_json_that_is_no_order(self, shared: Service, document: Any) -> None:
        shared.send_json("/jobs", document).refuses(422)

    @pytest.mark.parametrize(
        "number",
        [b"NaN", b"Infinity", b"-Infinity", b"1e309", b"-1e309", b"9" * 400, b"1" * 5_000],
        ids=lambda number: number[:9].decode(),
    )
    @pytest.mark.parametrize("key", [b"start_s", b"duration_s"])
    def test_numbers_that_are_none(
        self, shared: Service, uploaded: str, key: bytes, number: bytes
    ) -> None:
        other = b"duration_s" if key == b"start_s" else b"start_s"
        body = b'{"upload":"%s","clips":[{"%s":%s,"%s":1}]}' % (
            uploaded.encode(),
            key,
            number,
            other,
        )
        shared.send_json("/jobs", body).refuses(400, 422)

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"{",
            b"not json",
            b"{'upload': 'x'}",
            b'{"upload":"x","clips":[],}',
            b'{"upload":"x"} {"upload":"y"}',
            b'{"upload":"x","clips":[{"start_s":01,"duration_s":1}]}',
            b'{"upload":"x","clips":[{"start_s":+1,"duration_s":1}]}',
            b'{"upload":"x","clips":[{"start_s":.5,"duration_s":1}]}',
            b'{"upload":"x","clips":[{"start_s":0x10,"duration_s":1}]}',
            b'{"upload":"x","clips":[{"start_s":1_0,"duration_s":1}]}',
            b'{"upload":"\xff\xfe","clips":[]}',
            b'{"upload":"a\nb","clips":[]}',
            b"\0",
        ],
    )
    def test_what_is_no_json(self, shared: Service, body: bytes) -> None:
        shared.send_json("/jobs", body).refuses(400)

    @pytest.mark.parametrize(
        "body",
        [
            b"[" * 100_000 + b"]" * 100_000,
            b'{"upload":' * 50_000 + b"1" + b"}" * 50_000,
            b'{"upload":"\\ud800","clips":[{"start_s":0,"duration_s":1}]}',
            b'{"upload":"x","clips":[],"\\ud800":1}',
            b'{"upload":"\\u0000","clips":[{"start_s":0,"duration_s":1}]}',
            b'{"upload":"../../../etc/passwd","clips":[{"start_s":0,"duration_s":1}]}',
            b'{"upload":"","clips":[{"start_s":0,"duration_s":1}]}',
            b'{"upload":"%s","clips":[{"start_s":0,"duration_s":1}]}' % (b"x" * 100_000),
        ],
        ids=["deep", "deep objects", "lone surrogate", "in a key", "nul", "path", "empty", "long"],
    )
    def test_what_is_json_by_the_letter_and_still_no_order(
        self, shared: Service, body: bytes
    ) -> None:
        shared.send_json("/jobs", body).refuses(400, 404, 422)

    def test_a_key_that_stands_twice_is_no_way_around_the_rules(
        self, shared: Service, uploaded: str
    ) -> None:
        body = b'{"upload":"%s","clips":[{"start_s":0,"duration_s":1,"duration_s":-1}]}'
        shared.send_json("/jobs", body % uploaded.encode()).refuses(400, 422)


class TestSize:
    def padded(self, upload: str, size: int) -> bytes:
        document = json.dumps(order(upload)).encode()
        return document + b" " * (size - len(document))

    def test_up_to_1_mib_is_read(self, shared: Service, uploaded: str) -> None:
        assert shared.send_json("/jobs", self.padded(uploaded, 1 << 20)).status == 202
        shared.send_json("/jobs", self.padded(uploaded, (1 << 20) + 1)).refuses(413)

    def test_without_a_length_it_is_refused_while_it_is_still_open(self, shared: Service) -> None:
        with Connection(shared.port) as connection:
            kind = "application/json"
            connection.head("POST", "/jobs", content_type=kind, transfer_encoding="chunked")
            connection.chunk(self.padded(NOBODYS, (1 << 20) + 100))
            connection.answer(SOON_S).refuses(413)

    def test_a_length_over_it_is_refused_at_once(self, shared: Service) -> None:
        with Connection(shared.port) as connection:
            kind = "application/json"
            connection.head("POST", "/jobs", content_type=kind, content_length=5 << 20)
            connection.answer(SOON_S).refuses(413)

    def test_max_clips_are_taken_and_one_more_is_not(
        self, start: Callable[..., Service], film: Path
    ) -> None:
        service = start(MAX_CLIPS=3)
        upload = service.upload(film)
        service.send_json("/jobs", order(upload, clips=[CLIP] * 4)).refuses(422)
        assert service.send_json("/jobs", order(upload, clips=[CLIP] * 3)).status == 202


class TestType:
    @pytest.mark.parametrize(
        "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "x"]
    )
    def test_another_type_is_refused(self, shared: Service, uploaded: str, kind: str) -> None:
        body = json.dumps(order(uploaded)).encode()
        shared.ask("POST", "/jobs", body, content_type=kind).refuses(415)

    def test_no_type_is_another_one(self, shared: Service, uploaded: str) -> None:
        shared.ask("POST", "/jobs", json.dumps(order(uploaded)).encode()).refuses(415)

    @pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "Application/JSON"])
    def test_its_own_may_be_written_otherwise(
        self, shared: Service, uploaded: str, kind: str
    ) -> None:
        body = json.dumps(order(uploaded)).encode()
        assert shared.ask("POST", "/jobs", body, content_type=kind).status == 202


class TestRightOnes:
    def test_an_unknown_upload(self, shared: Service) -> None:
        shared.send_json("/jobs", order(NOBODYS)).refuses(404)

    @pytest.mark.parametrize("number", ["0", "-0.0", "0e5", "1E0", "10000000", "0.1e1"])
    def test_numbers_in_every_form(self, shared: Service, uploaded: str, number: str) -> None:
        body = f'{{"upload":"{uploaded}","clips":[{{"start_s":{number},"duration_s":1}}]}}'
        answer = shared.send_json("/jobs", body.encode())
        assert answer.status == 202, answer
        assert answer.json["clips"][0]["start_s"] == float(number)

    def test_the_job_as_it_is_told(self, shared: Service, uploaded: str) -> None:
        answer = shared.try_order(uploaded, (0.5, 0.4), (1, 0.2))
        assert answer.status == 202
        job = answer.json
        assert answer.headers["location"].endswith(f"/jobs/{job['id']}")
        assert set(job) == {"id", "upload", "status", "created_s", "clips"}
        assert job["upload"] == uploaded
        assert job["status"] in ("queued", "running")
        done = shared.ended(job["id"])
        assert done["status"] == "done", done
        assert done["created_s"] == job["created_s"]
        for number, (start_s, duration_s) in enumerate([(0.5, 0.4), (1, 0.2)], start=1):
            cut = done["clips"][number - 1]
            path = f"/jobs/{job['id']}/clips/{number}"
            told = {key: cut[key] for key in ("number", "start_s", "duration_s", "status", "url")}
            assert told == {
                "number": number,
                "start_s": start_s,
                "duration_s": duration_s,
                "status": "ok",
                "url": path,
            }
            assert cut["error"] is None
            assert cut["bytes"] == len(shared.ask("GET", path).body)
            assert done["created_s"] <= cut["started_s"] < cut["ended_s"]
