"""What `experiments/benchmarks/engine` makes of runs: pairs, the width of xargs, goals; and that it goes on where it ended."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

ENGINE = Path(__file__).parents[2] / "experiments" / "benchmarks" / "engine"


@pytest.fixture(scope="module")
def bench() -> Iterator[Any]:
    """Its modules, which import each other by their plain names."""
    before, names = sys.modules.copy(), ("kept", "goals", "timing")
    sys.path.insert(0, str(ENGINE))
    try:
        yield {name: __import__(name) for name in names}
    finally:
        sys.path.remove(str(ENGINE))
        for name in set(sys.modules) - set(before):
            if str(getattr(sys.modules[name], "__file__", "")).startswith(str(ENGINE)):
                del sys.modules[name]


@pytest.fixture
def run(bench: Any) -> Any:
    plain = bench["kept"].Run(
        case="w1",
        subject="copy",
        started_utc="2026-11-26T12:00:00.000+00:00",
        host_id="here",
        ffmpeg="9",
        round=0,
        order=0,
        wall_s=1.0,
        engine_wall_s=None,
        cpu_s=1.0,
        peak_anon_bytes=1,
        oom_kills=0,
        clips_asked=12,
        clips=12,
        output_bytes=1,
        status="ok",
        modes={},
    )

    def made(subject: str, number: int = 0, wall_s: float = 1.0, **other: Any) -> Any:
        return replace(plain, subject=subject, round=number, wall_s=wall_s, **other)

    return made


def goal(bench: Any, case: str, subject: str, beside: str) -> Any:
    known = [one for one in bench["goals"].GOALS if (one.case, one.subject) == (case, subject)]
    return next(one for one in known if one.beside == beside)


def sides(run: Any, count: int, slow_s: float, fast_s: float) -> list[Any]:
    """Pairs that differ a little from each other."""
    return [
        made
        for number in range(count)
        for made in (
            run("sketch", number, slow_s * (1 + number / 100)),
            run("copy", number, fast_s),
        )
    ]


def test_a_goal_is_met_where_the_lower_limit_of_five_pairs_says_so(bench: Any, run: Any) -> None:
    asked = goal(bench, "w1", "copy", "sketch")
    told = bench["goals"].told
    assert told(asked, sides(run, 5, 400, 1))[2] == "met"
    assert told(asked, sides(run, 3, 400, 1))[2] == "met, by 3 pairs of 5"
    assert told(asked, sides(run, 5, 296, 1))[2] == "not decided"
    assert told(asked, sides(run, 5, 200, 1))[2] == "not met"
    assert told(asked, sides(run, 1, 400, 1))[2] == "not decided: one pair"
    assert told(asked, []) == (asked.words, "", "not measured")


def test_no_slower_leaves_a_margin_of_five_percent(bench: Any, run: Any) -> None:
    asked = goal(bench, "w1", "encode", "xargs")
    told = bench["goals"].told

    def beside(own_s: float) -> str:
        runs = [run("xargs-3", n, 10 + n / 1000) for n in range(5)]
        return told(asked, [*runs, *(run("encode", n, own_s) for n in range(5))])[2]

    assert (beside(10.4), beside(10.6)) == ("met", "not met")


def test_the_best_of_the_others_is_what_a_goal_is_measured_by(bench: Any, run: Any) -> None:
    asked = goal(bench, "30s", "smart", bench["goals"]._BEST)
    walls = {"fluent": 8.0, "xargs-2": 5.0, "encode": 7.0, "smart": 1.0}
    runs = [run(name, n, wall_s) for name, wall_s in walls.items() for n in range(2)]
    assert {one.subject for one, _ in bench["goals"].found_pairs(asked, runs)} == {"xargs-2"}


def test_pairs_are_of_one_round_near_in_time_whole_and_no_estimates(bench: Any, run: Any) -> None:
    pairs, own = bench["kept"].pairs, run("copy")
    later = "2026-11-26T12:0{}:00.000+00:00"
    assert pairs([run("sketch", wall_s=200)], [run("copy", started_utc=later.format(5))])
    assert not pairs([run("sketch", wall_s=100)], [run("copy", started_utc=later.format(5))])
    assert not pairs([run("sketch", 1)], [own])
    assert not pairs([run("sketch", clips=11)], [own])
    assert not pairs([run("sketch", clips=1, clips_asked=1)], [own])


def test_the_width_of_xargs_is_the_fastest_whole_one_of_the_runs_for_choosing(
    bench: Any, run: Any
) -> None:
    choosing = {"purpose": bench["kept"].CHOOSING}
    runs = [
        run("xargs-2", wall_s=3, **choosing),
        run("xargs-3", wall_s=2, **choosing),
        run("xargs-4", wall_s=1, clips=2, **choosing),
        run("xargs-1", wall_s=1),
    ]
    assert bench["kept"].best_width(runs) == "xargs-3"
    assert bench["kept"].best_width(runs[-1:]) is None


def test_a_session_is_what_the_last_clipkit_measured(bench: Any, run: Any) -> None:
    old, new = run("copy", code="a"), run("copy", code="b")
    assert bench["kept"].session([old, old, new]) == [new]
    assert bench["kept"].session([old, new, old]) == [old, old]


def test_its_rounds_go_on_where_the_last_ones_ended_and_its_looks_say_what_is_exact(
    tmp_path: Path,
) -> None:
    words = [sys.executable, ENGINE, "w1", "--short", "--into", tmp_path, "--subjects"]
    for _ in range(2):
        subprocess.run([*words, "xargs", "copy"], cwd=tmp_path, check=True, timeout=400)
    lines = (tmp_path / "engine.jsonl").read_text().splitlines()
    runs = [json.loads(line) for line in lines]
    chosen = {run["subject"] for run in runs if run["purpose"] == "choosing"}
    measured = [(run["round"], run["subject"]) for run in runs if run["purpose"] == "measuring"]
    assert chosen == {"xargs-1", "xargs-2", "xargs-3", "xargs-4"}
    assert sorted(number for number, _ in measured) == [0, 0, 1, 1]
    assert len({subject for _, subject in measured}) == 2
    assert all(run["clips"] == run["clips_asked"] for run in runs)

    subprocess.run([*words, "copy", "floor", "--look"], cwd=tmp_path, check=True, timeout=400)
    looks = [
        json.loads(line) for line in (tmp_path / "engine-looks.jsonl").read_text().splitlines()
    ]
    ours, floor = looks
    assert ours["exact"] == ours["clips_looked_at"] == 3
    assert ours["same_pictures"] == ours["pictures"] == 150
    assert ours["hidden_s"] < 0.02 < floor["hidden_s"]
    assert floor["exact"] == 0
    assert not list(tmp_path.glob(".engine-*"))


def test_what_a_program_left_unfinished_is_no_clip(bench: Any, small: Path, tmp_path: Path) -> None:
    whole, part, empty = (tmp_path / f"clip-00{number}.mp4" for number in (1, 2, 3))
    whole.write_bytes(small.read_bytes())
    part.write_bytes(small.read_bytes()[:5000])
    empty.write_bytes(b"")
    assert bench["timing"].clips_in(tmp_path) == {1: whole}
