"""The tables of `results/ENGINE.md` are those of the records beside it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
PAGE = REPOSITORY / "results" / "ENGINE.md"
SCRIPT = REPOSITORY / "experiments" / "benchmarks" / "engine" / "page.py"


def test_the_page_is_what_its_script_makes_of_the_runs() -> None:
    before = PAGE.read_text("utf-8")
    subprocess.run([sys.executable, SCRIPT], check=True, timeout=120)
    after = PAGE.read_text("utf-8")
    PAGE.write_text(before, "utf-8")
    assert after == before


def test_every_run_that_is_told_cut_all_that_was_asked_of_it_or_says_so() -> None:
    lines = (REPOSITORY / "results" / "engine.jsonl").read_text("utf-8").splitlines()
    runs = [json.loads(line) for line in lines]
    assert len(runs) > 20
    whole = [run for run in runs if run["status"] == "ok"]
    assert all(run["clips"] == run["clips_asked"] for run in whole)
    assert {run["subject"] for run in whole} >= {"fluent", "encode", "smart", "copy"}
