"""What starts of a user's own server come to, of starts that nobody ran."""

from __future__ import annotations

import shlex
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import own_servers
import pytest
from inventing_records import TEMPLATE

from clipkit.format import MIB
from clipkit.hosts import Host, find_host
from clipkit.plan.drive_file import routes_of
from clipkit.plan.own_service import OwnServer
from clipkit.records.record import Record
from clipkit.records.served import Served
from clipkit.records.status import Status
from clipkit.settings import Settings
from clipkit.tuning.server_answer import ServerAnswer
from clipkit.tuning.server_lines import server_lines

COMMAND = "ffmpeg -ss {start} -i {input} -t {duration} {output}"


def started(at_once: int = 1, **figures: Any) -> Record:
    """A start that ended well, with a server of 60 MB."""
    plain = {
        "service": "mine",
        "service_argv": "own",
        "service_told_apart": "kernel",
        "service_rest_bytes": 60 * MIB,
        "service_clips_peak_bytes": 80 * MIB,
        "service_after_bytes": 70 * MIB,
        "service_gaps_s": 0.5,
    }
    ended = {name: figures.pop(name) for name in list(figures) if not name.startswith("service_")}
    return replace(
        TEMPLATE,
        subject="service",
        settings=Settings(concurrency=at_once).used,
        wall_s=ended.pop("wall_s", 36.0),
        first_clip_s=3.0,
        orchestrator_cpu_s=1.0,
        ffmpeg_cpu_s=19.0,
        served=Served(**plain | figures),
        **ended,
    )


def answer(
    *records: Record, form: str = own_servers.ANSWERS_WHEN_DONE, **known: Any
) -> ServerAnswer:
    routes = routes_of(tomllib.loads(form), "/x/drive.toml")
    plain: dict[str, Any] = {
        "folder": Path("/x/results/mine"),
        "server": OwnServer("mine", "node server.js", Path("/x"), routes),
        "host": find_host("render-starter"),
        "enforced": "enforced by the kernel",
        "ffmpeg": "7.1",
        "film": "my.mp4",
        "program": ("clipkit",),
        "records": records,
        "command": COMMAND,
        "build": "bundled",
        "job": (12, 12.0),
    }
    return ServerAnswer(**plain | known)


def line(found: ServerAnswer, name: str) -> str:
    (told,) = [each for each in server_lines(found) if each.startswith(f"{name} ")]
    return told.removeprefix(name).strip()


class TestReserve:
    def test_a_start_that_others_kept_from_ending_in_time_did_not_survive(self) -> None:
        late = started(2, status=Status.INVALID_NOISE, wall_s=None, error="the time limit struck")
        assert line(answer(started(), late), "AT ONCE").endswith("2 do not: the time limit struck")

    def test_it_is_the_most_of_any_start_that_ended_well_rounded_up(self) -> None:
        most = started(service_upload_peak_bytes=137 * MIB - 5)
        dead = started(2, status=Status.OOM, service_clips_peak_bytes=400 * MIB)
        found = answer(started(), most, dead)
        assert found.reserve_bytes == 137 * MIB - 5
        assert found.reserve == "137M"

    def test_what_to_type_next_has_it_with_the_servers_own_words(self) -> None:
        words = shlex.split(line(answer(started()), "NEXT"))
        assert words == [
            *("clipkit", "tune", "my.mp4", "--host", "render-starter"),
            *("--reserve", "80M", "--command", COMMAND),
        ]

    def test_it_is_measured_with_the_servers_ffmpeg_on_the_same_job(self) -> None:
        words = shlex.split(line(answer(started(), build="system", job=(4, 2.5)), "NEXT"))
        told = words[words.index("--reserve") + 2 : words.index("--command")]
        assert told == ["--ffmpeg", "system", "--count", "4", "--length", "2.5"]

    def test_a_custom_host_is_named_by_its_size(self) -> None:
        found = answer(started(), host=Host("512M-2cpu", 512 * MIB, 2.0), command=None)
        assert line(found, "NEXT") == "clipkit tune my.mp4 --memory 512M --cpus 2 --reserve 80M"


class TestLines:
    def test_figures_are_medians_with_their_range(self) -> None:
        found = answer(started(wall_s=35.0), started(wall_s=36.0), started(wall_s=40.0))
        assert "the last clip after 36 s (35 s to 40 s), the first after 3 s" in line(found, "TIME")
        assert "none of its ffmpegs ran for 0.5 s of it, 1.4 %" in line(found, "TIME")
        assert line(found, "CPU") == "its own 1 s beside ffmpeg's 19 s: 5.0 % of both"
        assert not any(each.startswith("HEALTH") for each in server_lines(found))

    def test_growth_is_told_by_the_job_where_it_shows(self) -> None:
        grown = started(service_jobs=11, service_later_bytes=90 * MIB)
        assert "2.0 MB more with each of 11 jobs" in line(answer(grown), "MEMORY")
        level = started(service_jobs=11, service_later_bytes=70 * MIB)
        assert line(answer(level), "MEMORY").endswith("no growth shown over 11 jobs")

    def test_one_whose_memory_is_rough_says_so(self) -> None:
        found = answer(started(service_told_apart="process tree"))
        assert "its memory is rough" in line(found, "NOTE")


class TestEdge:
    def dead(self, **known: Any) -> Record:
        plain = {
            "status": Status.OOM,
            "oom_kills": 2,
            "service_oom_kills": 1,
            "service_died": True,
            "service_back_s": 0.4,
            "service_job_lost": True,
            "service_client_told": "connection broken off",
        }
        return started(3, **plain | known)

    def test_it_is_told_with_whom_the_kernel_killed_and_what_the_client_was_told(self) -> None:
        found = answer(started(), *[started(2)] * 3, self.dead())
        assert line(found, "AT ONCE") == (
            "2 at once survive in 3 starts; 3 do not: the kernel killed 1 ffmpeg and the service itself; "
            "the client was told: connection broken off; back in 0.4 s; the job is lost"
        )
        assert found.to_json()["at_once"] == {
            "follows": True,
            "survives": 2,
            "starts": {"1": [True], "2": [True] * 3, "3": [False]},
            "fails": 3,
            "how": line(found, "AT ONCE").split(" do not: ")[1],
        }

    def test_only_the_fewest_at_once_are_its_figures(self) -> None:
        found = answer(started(wall_s=36.0), started(2, wall_s=20.0))
        assert line(found, "TIME").startswith("the last clip after 36 s,")
        assert line(found, "AT ONCE") == "2 at once survive in 1 start; more were not tried"

    def test_one_that_cannot_be_told_how_many_says_what_would_tell_it(self) -> None:
        form = own_servers.IS_ASKED.replace('WORKERS = "{concurrency}"', "")
        told = line(answer(started(), form=form), "AT ONCE")
        assert told.startswith("as the server has it: nothing in drive.toml tells it how many")


@pytest.mark.parametrize("name", ["service_rest_bytes", "wall_s", "service_health_median_s"])
def test_each_figure_for_machines_has_its_starts_or_is_null(name: str) -> None:
    told = answer(started(), started()).to_json()["figures"][name]
    assert told is None if "health" in name else told["starts"] == 2
