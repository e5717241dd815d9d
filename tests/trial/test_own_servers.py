"""A user's own server in a trial, by its description alone: real ffmpeg, real ceilings, and each way in which
a server or its description can be wrong."""

from __future__ import annotations

import os
import socket
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import own_servers
import pytest
from running import groups_of, processes_with

from clipkit.ceiling.base import Ceiling
from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.format import MIB
from clipkit.hosts import Host
from clipkit.media.probe import probe_upload
from clipkit.plan.clips import Clip, Job
from clipkit.plan.drive_file import routes_of
from clipkit.plan.own_service import OwnServer, own_service
from clipkit.records.outcome import Outcome
from clipkit.records.record import Record
from clipkit.records.status import Status
from clipkit.settings import Settings
from clipkit.trial import serving
from clipkit.trial.asked import Identity, Trial
from clipkit.trial.run import run_trial
from clipkit.trial.visit import Manner

CLIPS = (Clip(0.5, 0.4), Clip(1.25, 0.6), Clip(2.0, 0.4))
FORMS = {
    "the clip": own_servers.ANSWERS_WITH_THE_CLIP,
    "when done": own_servers.ANSWERS_WHEN_DONE,
    "asked": own_servers.IS_ASKED,
}
Runs = Callable[..., Outcome]


@pytest.fixture
def run(
    small: Path, build: FfmpegBuild, real_ceiling: Callable[..., Ceiling], tmp_path: Path
) -> Iterator[Runs]:
    """`run(form, *words)`: a trial in 256 MB, after which nothing is left."""

    def run_one(form: str, *words: str, **changes: Any) -> Outcome:
        server = OwnServer(
            name="mine",
            start=own_servers.start_of(*words, f"mark={tmp_path}"),
            folder=Path.cwd(),
            routes=routes_of(tomllib.loads(form), "drive.toml"),
        )
        told: dict[str, Any] = {
            "identity": Identity("trying", "service-0123abcd", 0, 7, 1, "grid"),
            "job": Job(probe_upload(changes.pop("film", small)), changes.pop("clips", CLIPS)),
            "subject": own_service(server),
            "settings": Settings(),
            "build": build,
            "host": Host("test", 256 * MIB, None),
            "reserve_bytes": 0,
            "timeout_s": 60.0,
            "accept_noise": True,
            "manner": Manner(rest_s=0.3, health_hz=20.0, poll_s=0.1),
        }
        return run_trial(
            Trial(**told | changes),
            lambda limits: real_ceiling(memory_bytes=limits.memory_bytes, cpus=limits.cpus),
            tmp_path,
            lambda _event: None,
        )

    yield run_one
    assert groups_of(os.getpid()) == []
    assert processes_with(str(tmp_path)) == []
    assert list(tmp_path.iterdir()) == []


def why(outcome: Outcome) -> str:
    """The error of a trial that failed."""
    assert outcome.record.status is Status.FAILED
    return str(outcome.record.error)


class TestFigures:
    @pytest.mark.parametrize("form", FORMS)
    def test_a_job_is_cut_and_told_apart_however_it_is_ordered(self, form: str, run: Runs) -> None:
        record = run(FORMS[form]).record
        told = record.served
        assert (record.status, record.error) == (Status.OK, None)
        assert (told.service, told.service_argv, record.who) == ("mine", "own", "mine")
        assert told.service_told_apart == "kernel"
        assert told.service_launches == 3
        assert record.wall_s and record.first_clip_s and told.service_gaps_s is not None
        assert 0 < record.first_clip_s < record.wall_s
        assert 0 <= told.service_gaps_s < record.wall_s
        assert told.service_seen_s and told.service_seen_s >= record.wall_s - 0.02
        assert told.service_rest_bytes and told.service_clips_peak_bytes
        assert 3 * MIB < told.service_rest_bytes < 40 * MIB
        assert record.ffmpeg_cpu_s and record.ffmpeg_cpu_s > 0.03
        assert record.output_bytes and record.output_bytes > 3000
        assert Record.from_row(record.to_row()) == record

    def test_its_clips_were_looked_into_and_its_words_are_known(self, run: Runs) -> None:
        outcome = run(own_servers.ANSWERS_WITH_THE_CLIP)
        assert all(9 <= row["frames_kept"] <= 16 for row in outcome.clips)
        starts = [row["argv"][row["argv"].index("-ss") + 1] for row in outcome.clips]
        assert starts == ["0.5", "1.25", "2"]

    def test_only_what_its_environment_names_is_told_to_it_and_recorded(self, run: Runs) -> None:
        outcome = run(own_servers.ANSWERS_WHEN_DONE, settings=Settings(preset="veryfast", crf=30))
        words = outcome.clips[0]["argv"]
        assert words[words.index("-preset") + 1] == "veryfast"
        used = outcome.record.settings
        assert (used.preset, used.concurrency, used.crf, used.seek) == ("veryfast", 1, None, None)

    def test_times_are_those_that_the_kernel_tells_of_its_ffmpegs(
        self, run: Runs, slow: Path
    ) -> None:
        clips = (Clip(0.0, 1.0), Clip(1.0, 1.0))
        one = run(own_servers.ANSWERS_WITH_THE_CLIP, film=slow, clips=clips).record
        both = run(
            own_servers.ANSWERS_WITH_THE_CLIP,
            film=slow,
            clips=clips,
            settings=Settings(concurrency=2),
        ).record
        assert one.wall_s and both.wall_s
        gaps_s = one.served.service_gaps_s or 0.0
        assert one.wall_s == pytest.approx(sum(one.clip_wall_s) + gaps_s, abs=0.02)
        assert sum(both.clip_wall_s) > both.wall_s
        assert both.served.service_launches == 2

    def test_health_is_probed_where_a_route_is_described(self, run: Runs, slow: Path) -> None:
        told = run(own_servers.ANSWERS_WHEN_DONE, film=slow, clips=(Clip(0.0, 1.0),)).record.served
        assert told.service_health_probes and told.service_health_failed == 0
        assert told.service_health_worst_s and told.service_health_worst_s < 1
        none = run(own_servers.IS_ASKED).record.served
        assert none.service_health_probes is None
        assert none.service_health_hz is None

    def test_jobs_that_leave_memory_behind_show_as_growth(self, run: Runs) -> None:
        manner = Manner(rest_s=0.5, poll_s=0.05, jobs=4)
        told = run(own_servers.IS_ASKED, "hold=10", manner=manner).record.served
        assert told.service_jobs == 4
        assert told.service_after_bytes and told.service_later_bytes
        grown = told.service_later_bytes - told.service_after_bytes
        assert grown == pytest.approx(3 * 10 * MIB, rel=0.15)
        assert told.service_later_peak_bytes
        assert told.service_later_peak_bytes >= told.service_later_bytes - MIB
        assert told.service_launches == 3  # of the job that was measured


class TestMisbehaviour:
    def test_one_that_ends_at_once_shows_the_end_of_what_it_said(self, run: Runs) -> None:
        error = why(run(own_servers.IS_ASKED, "exit"))
        assert "the service ended with exit code 1" in error
        assert "Cannot find module 'express'" in error
        assert "Module._load" not in error

    def test_one_that_never_listens_is_told_with_the_port(
        self, run: Runs, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(serving, "START_PATIENCE_S", 1.0)
        error = why(run(own_servers.IS_ASKED, "mute"))
        assert "the service does not listen on port " in error

    def test_one_whose_ready_route_is_none_is_told_with_it(
        self, run: Runs, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(serving, "START_PATIENCE_S", 1.0)
        form = own_servers.ANSWERS_WITH_THE_CLIP.replace('"/status"', '"/redy"')
        assert "the service does not answer /redy well after 1 s" in why(run(form))

    def test_a_port_that_is_taken_is_told(self, run: Runs) -> None:
        form = "port = {port}\n" + own_servers.IS_ASKED.replace('PORT = "{port}"', "")
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            error = why(run(form.replace("{port}", str(port)), f"port={port}"))
        assert f"port {port} is in use" in error

    def test_one_that_always_listens_on_the_same_port_is_found_there(self, run: Runs) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        form = "port = {port}\n" + own_servers.IS_ASKED.replace('PORT = "{port}"', "")
        assert run(form.replace("{port}", str(port)), f"port={port}").record.status is Status.OK

    @pytest.mark.parametrize(
        ("word", "said"),
        [
            ("413", "drive.toml [upload] path: POST /film answered 413: at most 1 kB"),
            ("500", "drive.toml [upload] path: POST /film answered 500: Internal Server Error"),
            ("html", "drive.toml [upload] id: POST /film: the answer is no JSON but text/html"),
            ("null", "drive.toml [upload] id: POST /film: 'data.0.id' names nothing: it is null"),
            (
                "keyless",
                "drive.toml [upload] id: POST /film: no 'data' in the answer; it has the keys ok, name",
            ),
        ],
    )
    def test_what_an_upload_is_answered_with_is_told_with_the_key_that_does_not_match(
        self, run: Runs, word: str, said: str
    ) -> None:
        error = why(run(own_servers.IS_ASKED, word))
        assert said in error
        if word == "500":
            assert "TypeError: file is undefined" in error

    def test_a_route_that_it_does_not_have_is_told(self, run: Runs) -> None:
        form = own_servers.ANSWERS_WITH_THE_CLIP.replace('"/clip"', '"/clips"')
        assert "drive.toml [order] path: POST /clips answered 404: Not Found" in why(run(form))

    def test_an_answer_that_does_not_tell_how_the_job_stands_is_told(self, run: Runs) -> None:
        form = own_servers.IS_ASKED.replace("job.state", "job.status")
        error = why(run(form))
        assert "drive.toml [poll] status: GET /render/{job}: no 'status' in the answer" in error
        assert "it has the keys state, why, at" in error

    @pytest.mark.parametrize(
        ("word", "said"), [("iso", "is no number"), ("ms", "looks like milliseconds")]
    )
    @pytest.mark.parametrize("key", ["[poll] created_s", "[clips] started_s"])
    def test_times_that_are_no_seconds_are_told_with_their_key(
        self, run: Runs, key: str, word: str, said: str
    ) -> None:
        table, name = key.split()
        line = f'{name} = "job.at"'
        form = own_servers.IS_ASKED
        form = (
            f"{form}\n[clips]\n{line}\n"
            if table == "[clips]"
            else form.replace(table, f"{table}\n{line}")
        )
        error = why(run(form, f"clock={word}"))
        assert f"drive.toml {key}: GET /render/{{job}}: " in error
        assert f"{said}: it is read as seconds since 1970, so leave this key out" in error

    def test_json_where_a_clip_was_promised_is_told(self, run: Runs) -> None:
        form = own_servers.IS_ASKED.replace(
            'path = "/render/{job}/{number}"', 'path = "/render/{job}"'
        )
        assert "it cannot be fetched: JSON came instead" in why(run(form))

    def test_a_job_that_never_ends_is_a_time_limit(self, run: Runs) -> None:
        record = run(own_servers.IS_ASKED, "endless", timeout_s=2.5).record
        assert (record.status, record.wall_s) == (Status.TIMEOUT, None)
        told = 'drive.toml [poll] done: GET /render/{job} still tells "working"'
        assert record.served.service_client_told == told

    def test_an_address_elsewhere_is_not_asked(self, run: Runs) -> None:
        error = why(run(own_servers.ANSWERS_WHEN_DONE, "away"))
        assert "'http://example.org/files/" in error
        assert "is not at the server itself" in error

    def test_ffmpegs_that_are_not_seen_make_no_figure(self, run: Runs, build: FfmpegBuild) -> None:
        error = why(run(own_servers.IS_ASKED, f"whole={build.path}"))
        assert "none of its ffmpegs was seen" in error
        assert 'drive.toml: [environment] FFMPEG_PATH = "{ffmpeg}"' in error

    def test_one_that_dies_of_too_many_at_once_is_told_with_what_its_client_was(
        self, run: Runs, slow: Path
    ) -> None:
        clips = (Clip(0.0, 1.0), Clip(1.0, 1.0))
        settings = Settings(concurrency=2)
        form = own_servers.ANSWERS_WITH_THE_CLIP
        record = run(form, "crowd=1", film=slow, clips=clips, settings=settings).record
        told = record.served
        assert (told.service_died, told.service_exit_code) == (True, 3)
        assert told.service_client_told == "connection broken off"
        assert record.error == "clip 1: connection broken off; the service ended with exit code 3"
        assert told.service_back_s

    def test_a_refusal_to_cut_is_told_in_its_own_words(self, run: Runs) -> None:
        form = own_servers.ANSWERS_WITH_THE_CLIP.replace('"{duration_s}"', '"-{duration_s}"')
        assert "POST /clip answered 500" in why(run(form))


def test_the_link_of_a_harness_that_was_killed_is_removed_by_the_next(
    run: Runs, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path_factory.mktemp("temporary")
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    left, alive = folder / "clipkit-server-left", folder / "clipkit-server-alive"
    for link, target in ((left, folder / "gone"), (alive, folder)):
        link.mkdir()
        (link / "data").symlink_to(target)
    assert run(own_servers.IS_ASKED).record.status is Status.OK
    assert [path.name for path in folder.iterdir()] == ["clipkit-server-alive"]


def test_its_own_python_is_what_starts_it() -> None:
    server = OwnServer("mine", own_servers.start_of("exit"), Path.cwd(), routes_of(
        tomllib.loads(own_servers.IS_ASKED), "drive.toml"
    ))  # fmt: skip
    assert own_service(server).start[0] == sys.executable
