"""What is said of levers of scaling, and of several clips in one process, is what was measured."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from clipkit import format as fmt
from clipkit.ffmpeg_builds import find_build

REPOSITORY = Path(__file__).parents[2]
STORED = REPOSITORY / "results" / "levers.json"
SCRIPT = REPOSITORY / "experiments" / "benchmarks" / "levers.py"

Row = dict[str, Any]


def lever(stored: dict[str, list[Row]], lines: int, name: str) -> tuple[Row, Row]:
    """Its row in 480 lines, and that of the words as they are."""
    rows = {
        row["lever"]: row
        for row in stored["framed"]
        if (row["film"], row["shown"]) == (f"{lines} lines", "scale_height 480")
    }
    return rows[name], rows["as it is"]


def less(row: Row, usual: Row, column: str = "cpu_s") -> str:
    return f"{100 * abs(1 - row[column] / usual[column]):.0f} %"


def test_zimg_makes_the_same_pictures_for_so_much_less_cpu(
    stored: dict[str, list[Row]], paragraph: str
) -> None:
    said = {1080: "less CPU out of a film of 1080 lines", 2160: "less out of one of 2160"}
    for lines, words in said.items():
        row, usual = lever(stored, lines, "scaler zimg")
        assert row["vmaf"] == pytest.approx(usual["vmaf"], abs=0.1)
        assert row["output_bytes"] == pytest.approx(usual["output_bytes"], rel=0.002)
        assert f"{less(row, usual)} {words}" in paragraph


def test_what_is_not_offered_costs_what_is_said(
    stored: dict[str, list[Row]], paragraph: str
) -> None:
    row, usual = lever(stored, 1080, "flags bilinear")
    points = f"{usual['vmaf'] - row['vmaf']:.0f} points of VMAF"
    assert f"{points} for {less(row, usual)} of the CPU" in paragraph
    row, usual = lever(stored, 1080, "skip_loop_filter all")
    assert f"saves {less(row, usual)} and makes clips" in paragraph
    assert f"makes clips {less(row, usual, 'output_bytes')} larger" in paragraph
    for name in ("2 decoder threads", "2 filter threads"):
        for lines in (1080, 2160):
            row, usual = lever(stored, lines, name)
            assert row["cpu_s"] > 0.975 * usual["cpu_s"]
            assert row["vmaf"] == usual["vmaf"]
    assert "saves no more than 2 %" in paragraph


def test_several_clips_in_one_process_cost_what_is_said(
    stored: dict[str, list[Row]], paragraph: str
) -> None:
    (far_each, far), (four_each, four), (end_each, end) = zip(
        stored["shared"][::2], stored["shared"][1::2], strict=True
    )
    assert f"end to end took {less(end, end_each)} less CPU" in paragraph
    assert f"every 4 s {less(four, four_each)} less" in paragraph
    assert f"one a group {far['cpu_s'] / far_each['cpu_s']:.1f} times as much" in paragraph
    assert f"{fmt.size(end['peak_rss_bytes'])} for the twelve" in paragraph


def test_what_is_stored_can_be_printed(stored: dict[str, list[Row]]) -> None:
    ran = subprocess.run(
        [sys.executable, SCRIPT, "--stored", STORED], capture_output=True, check=True, timeout=120
    )
    lines = ran.stdout.decode().splitlines()
    assert len(lines) == 2 + len(stored["framed"]) + len(stored["shared"])
    assert " ".join(lines[2].split()).startswith("1080 lines scale_height 480 scaler zimg 0.68")


def run(*words: object) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, SCRIPT, *map(str, words)]
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=120)


def test_a_record_of_other_rounds_is_not_written_over(tmp_path: Path) -> None:
    into = tmp_path / "levers.json"
    into.write_bytes(STORED.read_bytes())
    ran = run("framed", "--into", into)
    assert ran.returncode == 1
    assert "unknown rounds" in ran.stderr
    assert into.read_bytes() == STORED.read_bytes()


def test_a_record_is_gone_on_with_and_its_other_part_stays(
    stored: dict[str, list[Row]], tmp_path: Path
) -> None:
    """One that lacks nothing: else this would measure."""
    levers = runpy.run_path(str(SCRIPT))
    framings = [" ".join(f"{k} {v}" for k, v in each.items()) for each in levers["FRAMINGS"]]
    usual = stored["framed"][0]
    rows = [usual | {"film": film, "shown": each} for film in levers["FILMS"] for each in framings]
    version = find_build("bundled").version
    known = {"ffmpeg": version, "rounds": 2, "load_average": 0.5}
    into = tmp_path / "levers.json"
    into.write_text(json.dumps(known | {"framed": rows, "shared": stored["shared"]}), "utf-8")
    before = into.read_bytes()
    ran = run("framed", "--rounds", 2, "--into", into)
    assert ran.returncode == 0, ran.stderr
    assert len(ran.stdout.splitlines()) == 2 + len(rows) + len(stored["shared"])
    assert into.read_bytes() == before
    other = run("framed", "--rounds", 3, "--into", into)
    assert "2 rounds; this would be of" in other.stderr


@pytest.mark.parametrize("script", ["levers.py", "together.py"])
def test_a_part_that_there_is_not_is_wrong_use(script: str) -> None:
    argv = [sys.executable, SCRIPT.with_name(script), "nothing"]
    ran = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=120)
    assert ran.returncode == 2
    assert "nothing is none of" in ran.stderr
