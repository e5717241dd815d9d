"""What is said of levers of scaling, and of several clips in one process, is what was measured."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from clipkit import format as fmt

REPOSITORY = Path(__file__).parents[2]
STORED = REPOSITORY / "results" / "levers.json"
SCRIPT = REPOSITORY / "experiments" / "benchmarks" / "levers.py"

Row = dict[str, Any]


@pytest.fixture(scope="module")
def stored() -> dict[str, list[Row]]:
    known: dict[str, list[Row]] = json.loads(STORED.read_text("utf-8"))
    return known


@pytest.fixture(scope="module")
def paragraph() -> str:
    text = (REPOSITORY / "experiments" / "README.md").read_text("utf-8")
    part = text.partition("## Scaling and several clips at once\n")[2].partition("\n## ")[0]
    return " ".join(part.split())


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
