"""What the page of the results says of the CPU seconds of clips is what its command prints."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
SCRIPTS = REPOSITORY / "experiments" / "benchmarks" / "memory_model"
STORED = REPOSITORY / "results" / "memory" / "seconds.jsonl"


def paragraph() -> str:
    text = (REPOSITORY / "results" / "README.md").read_text("utf-8")
    return " ".join(text.partition("`seconds.jsonl` has")[2].partition("\n\n")[0].split())


def test_how_far_runs_of_one_clip_differ_is_printed() -> None:
    printed = subprocess.run(
        [sys.executable, "-c", "import seconds; print(seconds.repeats_told())"],
        cwd=SCRIPTS,
        env={"PYTHONPATH": f"{SCRIPTS}:{REPOSITORY}"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    [clips, percent] = re.findall(r"\d+", printed)[:2]
    assert f"{clips} clips of 37 films" in paragraph()
    assert f"up to {percent} % more" in paragraph()


def test_only_clips_that_are_encoded_whole_were_counted_and_so_it_is_said() -> None:
    rows = [json.loads(line) for line in STORED.read_text("utf-8").splitlines()]
    modes = {row["settings"].get("mode", "encode") for row in rows if "settings" in row}
    assert modes == {"encode"}
    assert "all encoded whole" in paragraph()
