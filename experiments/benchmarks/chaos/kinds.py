"""What is run while something is done to it, and what it must have come to in the end."""

from __future__ import annotations

import json
import shlex
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from server import DRIVE
from watched import clipkit_words

GRID = """
[job]
uploads = "{film}"
clips = 2
length_s = 1
[settings]
preset = ["ultrafast", "medium"]
[run]
{run}
"""
_VALID = ("ok", "oom", "timeout", "failed", "oom_inferred")

Trials = Counter[tuple[str, int, str]]
"""Cell, block and end of each attempt that counts."""


@dataclass(frozen=True)
class Kind:
    """`prepare` writes what the command needs into its folder and says the argv; the same again goes on, or
    begins anew where `resumes` is False. `targets`: of its processes. `campaign`: where its records are;
    `like`: the kind that comes to the same."""

    prepare: Callable[[Path, Path], list[str]]
    targets: Sequence[str]
    campaign: str | None = None
    resumes: bool = True
    weight: int = 1
    told_by_jupyter: bool = False
    like: str | None = None


def _sweep(run: str) -> Callable[[Path, Path], list[str]]:
    def prepare(folder: Path, film: Path) -> list[str]:
        (folder / "trying.toml").write_text(GRID.format(film=film, run=run))
        return clipkit_words("sweep", "trying.toml")

    return prepare


def _cut(folder: Path, film: Path) -> list[str]:
    del folder
    words = ("--count", 3, "--length", 1, "--preset", "medium", "--overwrite")
    return clipkit_words("cut", film, "--out", "clips", *words)


def _tune(folder: Path, film: Path) -> list[str]:
    number = len(list(folder.glob("results/*")))  # a name is taken by what was begun under it
    words = ("--count", 2, "--length", 1, "--budget", "0.4", "--no-report", "--memory", "512M")
    return clipkit_words("tune", film, *words, "--as", f"tuned-{number}")


def _server(folder: Path, film: Path) -> list[str]:
    (folder / "drive.toml").write_text(DRIVE)
    start = shlex.join([sys.executable, str(Path(__file__).with_name("server.py"))])
    words = ("--count", 2, "--length", 1, "--starts", 2, "--jobs", 1, "--most", 1, "--rest", "0.2")
    return clipkit_words(
        "measure-server", film, "--start", start, "--drive", "drive.toml", *words, "--as", "served"
    )


def _report(folder: Path, film: Path) -> list[str]:
    del film
    return clipkit_words("report", folder / "swept")


def _background(folder: Path, film: Path) -> list[str]:
    (folder / "trying.toml").write_text(GRID.format(film=film, run="blocks = 2"))
    code = "import clipkit; clipkit.sweep('trying.toml', background=True).wait()"
    return [sys.executable, "-P", "-c", code]


def _notebook(folder: Path, film: Path) -> list[str]:
    notebook = Path(__file__).resolve().parents[3] / "notebooks" / "1-measure.ipynb"
    number = len(list(folder.glob("results/*")))
    given = {"video": film, "budget_minutes": 0.4, "memory": "512M", "results": f"results/{number}"}
    words = [word for name, value in given.items() for word in ("-p", name, str(value))]
    return [sys.executable, "-m", "papermill", str(notebook), "out.ipynb", *words]


_ENGINE = ("cli", "describe", "engine", "ffmpeg", "group")
KINDS: Mapping[str, Kind] = {
    "grid": Kind(_sweep("blocks = 2"), _ENGINE, "results/trying", weight=6),
    "random": Kind(_sweep('strategy = "random"\ntrials = 3'), _ENGINE, "results/trying", weight=2),
    "cut": Kind(_cut, _ENGINE, weight=4),
    "server": Kind(_server, ("cli", "server", "ffmpeg", "group"), "results/served", weight=2),
    "background": Kind(
        _background,
        ("supervisor", *_ENGINE),
        "results/trying",
        weight=2,
        told_by_jupyter=True,
        like="grid",
    ),
    "report": Kind(_report, ("cli", "kernel", "group"), "swept", weight=2, told_by_jupyter=True),
    "tune": Kind(_tune, _ENGINE, resumes=False, weight=1),
    "notebook": Kind(
        _notebook,
        ("papermill", "kernel", *_ENGINE),
        resumes=False,
        weight=1,
        told_by_jupyter=True,
    ),
}
"""`report` is papermill inside clipkit, `notebook` clipkit inside papermill's kernel."""


def lines_of(campaign: Path) -> list[str]:
    """The lines of its records, whole or not."""
    path = campaign / "runs.jsonl"
    return path.read_text("utf-8").splitlines() if path.is_file() else []


def trials_of(campaign: Path) -> Trials:
    """Raises ValueError for a line that is no record."""
    rows: list[dict[str, Any]] = [json.loads(line) for line in lines_of(campaign)]
    return Counter(
        (row["cell"], row["block"], row["status"]) for row in rows if row["status"] in _VALID
    )
