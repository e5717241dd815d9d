"""The edge in stored records: how many clips at once survived, and what was seen beyond."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from inventing_records import TEMPLATE

from clipkit.analysis.edges import Beyond, Survived, edges_in
from clipkit.format import MIB
from clipkit.records.record import Record
from clipkit.records.served import Served
from clipkit.records.status import Status
from clipkit.report.exhibits.edge_exhibits import edge_sentences, edges_table

KILLED = "clip 3 killed: ended by signal 9; 1 of 4 clips not ok"


def ran(at_once: int, status: Status = Status.OK, who: str = "node", **served: Any) -> Record:
    changes = served.pop("changes", {})
    kills = served.pop("oom_kills", 0 if status is Status.OK else 1)
    return replace(
        TEMPLATE,
        subject="service",
        status=status,
        settings=TEMPLATE.settings.changed_to(concurrency=at_once),
        clips=at_once,
        oom_kills=kills,
        peak_anon_bytes=at_once * 100 * MIB,
        served=Served(service=who, service_argv="same", **served),
        **changes,
    )


def test_the_highest_below_the_first_that_died_survived_and_all_its_runs_count() -> None:
    (edge,) = edges_in([ran(1), ran(2), ran(4, Status.OOM), ran(3), ran(3), ran(3), ran(4)])
    assert edge.survived == Survived(3, 3, 302 * MIB)
    assert edge.beyond is not None
    assert (edge.beyond.at_once, edge.beyond.runs, edge.beyond.ran_out) == (4, 2, 1)
    assert edge.farther is None


def test_one_that_died_once_hides_what_survived_above_it() -> None:
    (edge,) = edges_in([ran(1), ran(2), ran(2, Status.OOM), ran(3)])
    assert edge.survived == Survived(1, 1, 102 * MIB)
    assert edge.farther is not None
    assert (edge.farther.at_once, edge.farther.ran_out) == (3, 0)


def test_not_even_one_and_nothing_that_died_are_told() -> None:
    dead, alive = edges_in([ran(1, Status.OOM), ran(5, who="rust")])
    assert (dead.who, dead.survived, alive.beyond) == ("node", None, None)
    assert alive.survived and alive.survived.at_once == 5


def test_what_was_seen_beyond() -> None:
    runs = [
        ran(4, Status.OOM, oom_kills=2, service_oom_kills=0, service_client_told=KILLED),
        ran(4, Status.OOM, service_client_told=KILLED.replace("3", "1")),
        ran(
            4,
            Status.OOM,
            service_oom_kills=1,
            service_died=True,
            service_back_s=0.5,
            service_job_lost=True,
            service_client_told="connection refused",
        ),
    ]
    (edge,) = edges_in([ran(3), *runs])
    assert edge.beyond == Beyond(
        at_once=4,
        most_at_once=4,
        runs=3,
        ran_out=3,
        ffmpegs_killed=3,
        services_killed=1,
        services_died=1,
        back_s=0.5,
        jobs_lost=1,
        told=KILLED,
    )
    (row,) = edges_table([ran(3), *runs]).rows
    assert row[1:] == (
        "node",
        "3 (0 kills in 1 run)",
        "302 MB",
        "4 at once: 3 of 3 ran out",
        "3 ffmpegs, 1 time the service",
        KILLED,
        "gone in 1 of 3, back in 0.5 s",
        "lost in 1 of 3",
        "–",
    )


def test_it_comes_to_so_many_by_film_and_to_how_often_the_service_itself_died() -> None:
    killed = {"service_oom_kills": 1, "service_died": True, "service_job_lost": True}
    runs = [
        ran(3),
        ran(4, Status.OOM, **killed),
        ran(8, Status.OOM),
        ran(1, Status.OOM, who="rust"),
    ]
    assert edge_sentences(runs) == [
        "720p: 3 at once by node, not even 1 at once by rust",
        "node: of 2 runs that ran out, 1 had the service itself killed, 1 were left without it, 1 lost their job",
        "rust: of 1 runs that ran out, 0 had the service itself killed, 0 were left without it, 0 lost their job",
    ]


def test_each_service_film_and_host_has_an_edge_of_its_own_small_films_first() -> None:
    large = {"width": 3840, "height": 2160, "upload_sha256": "1" * 64}
    other = {"host": "512M-2cpu", "cpu_quota": 2.0}
    records = [
        ran(1, changes=large),
        *(ran(2, who=who) for who in ("rust", "node")),
        ran(2, changes=other),
        ran(9, Status.CANCELLED),
    ]
    found = edges_in(records)
    assert [(e.who, e.condition.lines, e.condition.cpus) for e in found] == [
        ("node", 720, 0.5),
        ("rust", 720, 0.5),
        ("node", 2160, 0.5),
        ("node", 720, 2.0),
    ]
    assert [row[1] for row in edges_table(records).rows][-1] == "node on 512M-2cpu"
