"""Whether a worker of a cluster measures what this machine does, as stored and as judged."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("distributed", reason="the extra clipkit[cluster] is not installed")

REPOSITORY = Path(__file__).parents[2]
STORED = json.loads((REPOSITORY / "results" / "worker-and-here.json").read_text("utf-8"))
SCRIPT = runpy.run_path(str(REPOSITORY / "experiments" / "benchmarks" / "worker_and_here.py"))


def turn(worker: float, here: float) -> dict[str, Any]:
    return {"worker": {"cell": worker}, "here": {"cell": here}}


def test_what_is_said_is_what_was_measured() -> None:
    assert SCRIPT["judged"](STORED["turns"]) == STORED
    assert f"{STORED['words']}." in (REPOSITORY / "experiments" / "README.md").read_text("utf-8")


def test_it_is_shown_where_the_whole_interval_is_within() -> None:
    near = SCRIPT["judged"]([turn(1.00, 1.0), turn(1.02, 1.0), turn(0.99, 1.0)])
    apart = SCRIPT["judged"]([turn(1.20, 1.0), turn(1.21, 1.0), turn(1.19, 1.0)])
    wide = SCRIPT["judged"]([turn(0.80, 1.0), turn(1.00, 1.0), turn(1.25, 1.0)])
    assert (near["shown"], apart["shown"], wide["shown"]) == (True, False, False)
    assert apart["ratio"] == pytest.approx(1.2, abs=0.001)
    assert wide["ratio"] == pytest.approx(1.0, abs=0.001)
    assert "not shown to be within 0.9 and 1.1" in wide["words"]


def test_a_cell_that_one_way_has_not_measured_is_left_out() -> None:
    lacking = {"worker": {"cell": 1.0, "other": 9.0}, "here": {"cell": 1.0}}
    assert SCRIPT["judged"]([lacking, turn(1.0, 1.0)])["ratio"] == 1.0
