"""Tune, rewrite or a larger plan (claim C11): the table and the rule, on invented services and commands."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import inventing_claims
import pytest
from inventing_plans import PRO, STANDARD, STARTER, of_plans, served, written

from clipkit.claims import verdicts
from clipkit.claims.which_way import STATED, Way, WhichWay, which_way
from clipkit.records.record import Record
from clipkit.records.table import read_table
from clipkit.settings import Settings

THREE = Settings(concurrency=3)


def asked(folder: Path, *campaigns: list[Record]) -> WhichWay:
    folders = (written(folder / str(n), trials) for n, trials in enumerate(campaigns))
    return which_way(*map(read_table, folders))


def of_languages() -> list[Record]:
    """On half a core alike; on two three at once help Rust more than the others."""
    trials = []
    for backend, factor in (("node", 1.0), ("python", 1.0), ("rust", 0.995)):
        trials += [
            served(backend, host=STARTER, wall_s=12.0 * factor),
            served(backend, host=STARTER, settings=THREE, wall_s=12.5 * factor),
            served(backend, host=PRO, wall_s=4.2 * factor),
            served(backend, host=PRO, settings=THREE, wall_s=(2.4 if backend == "rust" else 3.0)),
        ]
    return trials


def way(found: WhichWay, what: str) -> Way:
    (own,) = [each for each in found.ways if each.what.startswith(what)]
    return own


def test_tuning_is_what_the_best_settings_of_the_same_picture_bring(tmp_path: Path):
    tuned = way(asked(tmp_path, of_plans()), "settings tuned")
    ratios = {gain.where: gain.ratio and gain.ratio.value for gain in tuned.gains}
    assert ratios == {
        "0.5 CPU, 512 MB, 720p": None,
        "1 CPU, 2 GB, 720p": None,
        "2 CPU, 4 GB, 720p": pytest.approx(1.4, rel=0.02),
    }
    assert tuned.brings == "faster at 2 CPU, 4 GB, 720p"
    assert tuned.room == "3 at once at 2 CPU, 4 GB, 720p"


def test_where_nothing_else_was_tried_tuning_was_not_measured(tmp_path: Path):
    assert way(asked(tmp_path, [served(), served("rust")]), "settings tuned").gains == ()


def test_a_language_is_compared_beyond_tuning_at_the_same_settings(tmp_path: Path):
    found = asked(tmp_path, of_languages())
    rust, python = way(found, "Rust"), way(found, "Python")
    assert {gain.where: round(gain.ratio.value, 2) for gain in rust.gains} == {
        "0.5 CPU, 512 MB, 720p": pytest.approx(1.0, abs=0.02),
        "2 CPU, 4 GB, 720p": pytest.approx(1.25, abs=0.03),
    }
    assert rust.brings == "faster at 2 CPU, 4 GB, 720p"
    assert python.brings == "less than 5 %"
    assert rust.costs == f"2 to 3 weeks ({STATED})"
    assert python.costs == f"3 to 5 days ({STATED})"
    assert rust.room == "the service 8.0 MB instead of 44 MB while it cuts"


def test_a_larger_plan_is_compared_with_the_next_smaller_one(tmp_path: Path):
    found = asked(tmp_path, of_plans())
    larger = way(found, "render-standard in place of render-starter")
    assert larger.gains[0].ratio.value == pytest.approx(2.0, rel=0.02)
    assert larger.costs == "25 instead of 7 USD a month, 3.6x"


def test_the_seek_is_that_of_the_command_lines(tmp_path: Path):
    commands = inventing_claims.table(
        [
            inventing_claims.cut("fluent", wall_s=36.0),
            inventing_claims.cut("sketch", wall_s=270.0),
        ]
    )
    found = which_way(commands, read_table(written(tmp_path / "plans", of_plans())))
    seek = way(found, "seek before")
    assert seek.gains[0].ratio.value == pytest.approx(7.5, rel=0.02)
    assert len(found.today) == 3


def test_what_was_not_measured_is_said_and_never_left_out(tmp_path: Path):
    found = asked(tmp_path, of_plans())
    table = found.table()
    assert [row[0] for row in table.rows] == ["today", *(each.what for each in found.ways)]
    assert way(found, "Rust").brings == "not measured"
    assert "Rust in place of Node.js, at equal work of ffmpeg: not measured" in " ".join(
        found.rule()
    )
    nothing = which_way()
    assert nothing.today == ()
    assert {each.brings for each in nothing.ways} == {"not measured"}
    assert nothing.rule()


def test_a_row_that_is_not_decided_says_so(tmp_path: Path):
    trials = [served(), replace(served("rust"), wall_s=11.4)]
    folder = written(tmp_path / "two", trials, blocks=2)
    assert way(which_way(read_table(folder)), "Rust").brings == "not decided whether 5 %"


def test_a_language_is_not_credited_with_what_ffmpeg_itself_took_less(tmp_path: Path):
    """The machine was faster while Rust ran: ffmpeg's own CPU seconds say so."""
    lucky = served("rust", wall_s=10.0, ffmpeg_cpu_s=5.8 * 10 / 12)
    rust = way(asked(tmp_path, [served(), lucky]), "Rust")
    assert rust.gains[0].ratio.value == pytest.approx(1.0, rel=0.02)


def test_sketches_and_switches_are_no_language(tmp_path: Path):
    trials = [served(), served("rust", words="sketched", wall_s=60.0)]
    assert way(asked(tmp_path, trials), "Rust").gains == ()


def test_plans_of_a_middle_size_are_steps(tmp_path: Path):
    found = asked(tmp_path, of_plans())
    steps = [each.what for each in found.ways if STATED not in each.costs][2:]
    assert steps == [
        f"{STANDARD.name} in place of {STARTER.name}",
        f"{PRO.name} in place of {STANDARD.name}",
    ]


def test_the_claim_is_no_verdict_but_a_table(tmp_path: Path):
    found = {v.id: v for v in verdicts(read_table(written(tmp_path / "plans", of_plans())))}["C11"]
    assert str(found.outcome) == "no verdict"
    assert "table" in found.found
