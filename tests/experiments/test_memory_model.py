"""What the page of the results says of the memory of zimg is what is printed, and printing it measures nothing."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
SCRIPTS = REPOSITORY / "experiments" / "benchmarks" / "memory_model"
STORED = REPOSITORY / "results" / "memory" / "zimg.jsonl"


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, SCRIPTS, *words]
    return subprocess.run(
        argv, cwd=folder, capture_output=True, text=True, check=False, timeout=120
    )


def test_how_far_off_the_model_is_by_zimg_is_said_as_it_is_printed(tmp_path: Path) -> None:
    text = (REPOSITORY / "results" / "README.md").read_text("utf-8")
    said = " ".join(text.partition("`zimg.jsonl` has")[2].partition("\n\n")[0].split())
    (tmp_path / "memory-uploads").mkdir()
    before = STORED.read_bytes()
    printed = run(tmp_path, "scalers").stdout
    assert STORED.read_bytes() == before
    (low, usual_low) = re.search(
        r"([\d.]+)% of what it predicts too low at most \(by swscale ([\d.]+)%", printed
    ).groups()
    assert (
        f"too low by {float(low):.0f} % of what it predicts at most, by swscale too {float(usual_low):.0f} %"
        in said
    )
    (margin, beyond) = re.search(
        r"beyond the margin of (\d+)%: (\d+) \(vp9-1920x1080.webm, bundled\)", printed
    ).groups()
    assert f"Beyond the margin of {margin} % are {beyond} of the 58" in said
    assert printed.startswith("58 clips of 9 uploads")


def test_variants_of_no_films_are_wrong_use(tmp_path: Path) -> None:
    ran = run(tmp_path, "variants")
    assert ran.returncode == 2
    assert "give --others DIR" in ran.stderr
