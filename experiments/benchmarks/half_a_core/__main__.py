"""Seconds by the clock at 0.5 CPU of any mode and setting, foretold from one calibration of the upload, and then run.

    python experiments/benchmarks/half_a_core --media DIR [--uploads DIR] [--runs 5] [--into results/memory/half-a-core.jsonl]
    python experiments/benchmarks/half_a_core --stored results/memory/half-a-core.jsonl

Ten uploads, files of DIR and made ones, are calibrated each by one sitting: four short pieces of it are decoded alone,
copied, cut by mode smart, and encoded at three presets, all on half a core. From that, from what the plan says that
there is to do, and from the constants of `clipkit/model/cpu_seconds.py` three jobs of the upload are foretold, whose mode,
preset, CRF, threads, clips at once, crop and size are drawn by its name, and each is run so often. Prints for each
what was foretold and the mean of the runs, and how many are within 10 %. What is in `--into` is not run again.
The record in git was made where nothing else ran but what read files.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from cells import CELLS_EACH, drawn, uploads
from foretelling import Foretold
from running import calibrated, cut, terms_of

from clipkit import format as fmt
from clipkit.errors import ClipkitError
from clipkit.media.probe import probe_upload
from clipkit.tables import Table

WITHIN = 0.1
_Row = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--media", type=Path)
    parser.add_argument("--uploads", type=Path, default=Path("half-a-core-uploads"))
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--into", type=Path)
    parser.add_argument("--stored", type=Path)
    asked = parser.parse_args()
    if asked.stored:
        if not asked.stored.exists():
            parser.error(f"there is no {asked.stored}: --into writes one")
        rows = _rows(asked.stored)
    elif asked.media:
        rows = _rows(asked.into) if asked.into and asked.into.exists() else []
        known = {row["upload"] for row in rows}
        for path in uploads(asked.media, asked.uploads):
            if path.name not in known:
                more = measured(path, asked.runs)
                rows += more
                if asked.into:
                    with asked.into.open("a", encoding="utf-8") as lines:
                        lines.writelines(json.dumps(row) + "\n" for row in more)
    else:
        parser.error("give --media or --stored")
    print("\n".join(told(rows)))


def _rows(path: Path) -> list[_Row]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def measured(path: Path, runs: int) -> list[_Row]:
    """The cells of one upload, each foretold before the first of them is run."""
    upload = probe_upload(path)
    foretold = Foretold.by(calibrated(upload))
    cells = []
    for job, settings in drawn(upload, CELLS_EACH):
        try:
            cells.append((job, settings, foretold.wall(terms_of(job, settings))))
        except ClipkitError as refused:
            print(f"left out: {path.name}, {settings.changed()}: {refused}")
    rows = []
    for job, settings, predicted in cells:
        took = [cut(job, settings) for _ in range(runs)]
        rows.append(
            {
                "upload": path.name,
                "mode": settings.mode,
                "settings": {
                    name: getattr(settings, name) for name in settings.changed() if name != "mode"
                },
                "clips": len(job.clips),
                "clip_s": job.clips[0].duration_s,
                "predicted_wall_s": round(predicted.wall_s, 3),
                "predicted_cpu_s": round(predicted.cpu_s, 3),
                "wall_s": [round(each.wall_s, 3) for each in took],
                "cpu_s": [round(each.cpu_s, 3) for each in took],
                "load_average": round(os.getloadavg()[0], 2),
            }
        )
        print(json.dumps(rows[-1]), flush=True)
    return rows


def told(rows: Sequence[_Row]) -> list[str]:
    heads = ("upload", "mode", "settings", "foretold", "mean of runs", "took", "CPU took")
    lines = Table(heads, tuple(_line(row) for row in rows)).lines()
    for name, words in (("wall_s", "seconds by the clock"), ("cpu_s", "CPU seconds")):
        near = sum(abs(row[f"predicted_{name}"] / fmean(row[name]) - 1) <= WITHIN for row in rows)
        lines.append(f"{words}: {near} of {len(rows)} cells within {fmt.percent(WITHIN)}")
    highest = max((row["load_average"] for row in rows), default=0.0)
    lines.append(f"highest load average meanwhile: {highest:.1f}")
    return list(lines)


def _line(row: _Row) -> tuple[str, ...]:
    settings = " ".join(f"{name} {value}" for name, value in row["settings"].items())
    wall_s, cpu_s = fmean(row["wall_s"]), fmean(row["cpu_s"])
    return (
        row["upload"],
        row["mode"],
        settings or "defaults",
        fmt.seconds(row["predicted_wall_s"]),
        fmt.seconds(wall_s),
        f"{wall_s / row['predicted_wall_s']:.2f}",
        f"{cpu_s / row['predicted_cpu_s']:.2f}",
    )


if __name__ == "__main__":
    main()
