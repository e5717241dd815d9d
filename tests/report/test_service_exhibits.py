"""Records of services' lives and of their users' load: kept as they are, and shown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from inventing_records import TEMPLATE

from clipkit.errors import CampaignError
from clipkit.format import MIB
from clipkit.model.waiting import waiting
from clipkit.records.record import Record
from clipkit.records.served import Served
from clipkit.records.service_lives import (
    Arrival,
    ServiceLife,
    ServiceLoad,
    UserJob,
    append_start,
    read_lives,
    read_loads,
)
from clipkit.records.status import Status
from clipkit.report.exhibits.service_exhibits import in_a_row_table, lives_table, loads_table

START: dict[str, Any] = {
    "service": "node",
    "service_environment": None,
    "service_versions": "Node.js; express 5",
    "service_told_apart": "kernel",
    "host": "512M-2cpu",
    "memory_limit_bytes": 512 * MIB,
    "cpu_quota": 2.0,
    "ceiling": "cgroup1",
    "concurrency": 1,
    "film": "film.mp4",
    "clips": 3,
    "clip_s": 1.0,
    "started_utc": "2026-11-26T07:00:00.000+00:00",
    "clipkit_version": "0.1.0",
    "ffmpeg_version": "invented",
    "host_id": "invented",
}
TAKEN = Arrival(upload_bytes=500 * MIB, took_s=1.0, peak_bytes=60 * MIB, told=None, died=False)
KILLED = replace(TAKEN, told="connection broken off", died=True, peak_bytes=500 * MIB)
LIFE = ServiceLife(
    **START,
    soon_s=3.0,
    soon_bytes=50 * MIB,
    later_s=60.0,
    later_bytes=51 * MIB,
    jobs=50,
    after_first_bytes=55 * MIB,
    after_last_bytes=58 * MIB,
    arrivals=(TAKEN,),
    oom_kills=0,
    service_oom_kills=0,
)


def jobs(*took_s: float, error: str | None = None) -> tuple[UserJob, ...]:
    """One every ten seconds."""
    return tuple(
        UserJob(due_s=10.0 * n, began_s=10.0 * n, ready_s=10.0 * n + s, cut_s=s, error=error)
        for n, s in enumerate(took_s)
    )


LOAD = ServiceLoad(
    **START,
    users=1,
    jobs_per_hour=None,
    asked_s=30.0,
    jobs=jobs(10.0, 10.0, 10.0),
    peak_bytes=60 * MIB,
    oom_kills=0,
    service_died=False,
    client_cpu_s=1.0,
)


def test_what_was_appended_is_read_as_it_was(tmp_path: Path) -> None:
    lives, loads = tmp_path / "services" / "memory.jsonl", tmp_path / "services" / "load.jsonl"
    for life in (LIFE, replace(LIFE, arrivals=(TAKEN, KILLED), later_bytes=None)):
        append_start(lives, life)
    append_start(loads, LOAD)
    assert read_lives(lives) == [LIFE, replace(LIFE, arrivals=(TAKEN, KILLED), later_bytes=None)]
    assert read_loads(loads) == [LOAD]
    with pytest.raises(CampaignError, match=r"load\.jsonl, line 1 is no record of a ServiceLife"):
        read_lives(loads)


def test_a_life_is_a_row_of_medians_with_their_range() -> None:
    lives = [replace(LIFE, soon_bytes=size * MIB) for size in (50, 54, 51)]
    (row,) = lives_table(lives).rows
    assert row == ("node", "3", "51 MB (50 MB – 54 MB)", "51 MB", "55 MB", "58 MB", "60 MB")


def test_an_upload_that_ends_the_service_is_told_with_what_the_client_heard() -> None:
    in_memory = replace(LIFE, service_environment="UPLOAD_TO=memory", arrivals=(TAKEN, KILLED))
    (row,) = lives_table([in_memory]).rows
    assert row[0] == "node, UPLOAD_TO=memory"
    assert row[-2] == "60 MB"
    assert row[-1] == "500 MB: the service is killed, the client is told: connection broken off"
    sooner = replace(in_memory, arrivals=(KILLED,))
    assert lives_table([in_memory, sooner]).rows[0][-1].startswith("500 MB: the service is killed")


def test_capacity_is_from_the_first_byte_to_the_last_clip() -> None:
    assert LOAD.done_per_hour == 360.0
    assert replace(LOAD, jobs=jobs(1.0, error="500")).done_per_hour is None


def test_jobs_at_random_stand_beside_what_the_queue_foretells() -> None:
    late = replace(LOAD.jobs[0], began_s=4.0)
    at_random = replace(LOAD, users=None, jobs_per_hour=180.0, jobs=(late, *jobs(5.0, 45.0)[1:]))
    failed = replace(at_random, jobs=(*at_random.jobs, *jobs(1.0, error="clip 1 killed")))
    full, half, wrong = loads_table([LOAD, at_random, failed]).rows
    assert full[1:6] == ("1 user, one job after the other", "3", "360", "10 s", "–")
    assert half[1] == "at random, 50 % of capacity"
    mean_s = waiting(180 / 3600, 10.0).mean_s
    assert half[4:8] == ("27.5 s", f"{mean_s:.3g} s", "45 s", "45 s")
    assert (half[8], wrong[8], wrong[2]) == ("0", "1", "2")


def in_a_row(status: Status = Status.OK, kills: int = 0) -> Record:
    return replace(
        TEMPLATE,
        cell="service-1",
        subject="service",
        status=status,
        clips=100,
        oom_kills=kills,
        peak_anon_bytes=98 * MIB,
        served=Served(service="node", service_argv="same"),
    )


def test_no_kill_of_so_many_bounds_the_chance_by_the_rule_of_three() -> None:
    (row,) = in_a_row_table([in_a_row(), in_a_row()]).rows
    assert row == ("720p", "node", "1", "200", "0", "under 1.5 %", "100 MB of 512 MB")
    (row,) = in_a_row_table([in_a_row(), in_a_row(Status.OOM, kills=2)]).rows
    assert row[3:6] == ("100, 1 jobs failed", "2", "not told")
