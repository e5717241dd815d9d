"""The campaigns in git, which an older clipkit measured, and what their experiments lay out today."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

from inventing_uploads import AAC, upload

from clipkit.campaign.design import design_of
from clipkit.campaign.experiment_file import read_experiment_file
from clipkit.campaign.sweep import Planned
from clipkit.media.upload import Upload

RESULTS = Path(__file__).resolve().parents[1] / "results"
SWEEPS = ("reference-grid", "quick-wins")
TUNINGS = ("reference-tune", "tune-default", "tune-own-command")
NAMES = (*SWEEPS, *TUNINGS)


def film(facts: dict[str, Any]) -> Upload:
    """The upload of those facts: nobody needs the film itself to lay out a job."""
    return upload(
        [n / facts["fps"] for n in range(facts["frames"])],
        fps=facts["fps"],
        path=Path(facts["path"]),
        time_base=Fraction(1, 12800),
        key_frame_times_s=tuple(facts["key_frame_times_s"]),
        audio=(AAC,),
        **{
            name: facts[name]
            for name in ("sha256", "size_bytes", "duration_s", "profile", "width", "height")
        },
    )


def planned(name: str) -> Planned:
    """What the campaign's own experiment asks for today, on the films that it was measured on."""
    experiment = read_experiment_file(RESULTS / name / "experiment.toml")
    known = json.loads((RESULTS / name / "uploads.json").read_text("utf-8"))
    by_height = {facts["height"]: film(facts) for facts in known.values()}
    words = {levels["upload"] for levels in experiment.combinations()}
    films = {word: by_height[1080 if word.endswith("1080p") else 720] for word in words}
    return Planned(experiment, films, design_of(experiment, films))


def rows_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "runs.jsonl").read_text("utf-8").splitlines()]


def copied(
    name: str, to: Path, change: Callable[[dict[str, Any]], dict[str, Any] | None] = lambda row: row
) -> Path:
    """A copy of the campaign whose rows are changed; None leaves a row out."""
    shutil.copytree(RESULTS / name, to)
    kept = [new for row in rows_of(to) if (new := change(row)) is not None]
    (to / "runs.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in kept), "utf-8")
    return to
