"""Whether a worker of a cluster measures what this machine measures: the same grid in turn by one worker here, and without.

    PYTHONPATH=tests python experiments/benchmarks/worker_and_here.py [--turns 4] [--into results/worker-and-here.json]

A real Dask scheduler and a real worker, on this machine, so that nothing but the way differs: a pack, a process of its own
in a clean environment, its trials sent home. Each turn runs the grid once in each way, in random order. A cell's ratio is
its seconds by the worker over those without, of one turn; the sentence speaks of the mean of all cells. Ends with 1 unless
its 95 % interval lies within 0.9 and 1.1. Takes six minutes; left out for that: more than one machine, which no ratio of
1 can be asked of.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from dask_clusters import Cluster

from clipkit import format as fmt
from clipkit.records.noise import t_quantile
from clipkit.records.table import read_table

BETWEEN = (0.9, 1.1)
WORKER, HERE = "worker", "here"
EXPERIMENT = """
[job]
uploads = "sample"
clips = 4
length_s = 4
[host]
memory = "512M"
cpus = 1
[settings]
concurrency = [1, 2]
preset = ["ultrafast", "veryfast"]
[run]
blocks = 1
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--turns", type=int, default=4, metavar="N")
    parser.add_argument("--into", type=Path, metavar="FILE")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        turns = in_turn(Path(temporary), asked.turns)
    found = judged(turns)
    print(found["words"])
    if asked.into:
        asked.into.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    sys.exit(0 if found["shown"] else 1)


def in_turn(folder: Path, turns: int) -> list[dict[str, Any]]:
    """Of each turn the seconds of each cell in each way."""
    cluster, experiment = Cluster(folder), folder / "grid.toml"
    drawn = random.Random(1)  # noqa: S311 (an order, no secret)
    experiment.write_text(EXPERIMENT, "utf-8")
    try:
        cluster.scheduler()
        cluster.worker("this")
        found = []
        for turn in range(turns):
            ways = [WORKER, HERE]
            drawn.shuffle(ways)
            seconds = {}
            for way in ways:
                words = ["--as", f"{way}-{turn}", "--results", str(folder / "results")]
                words += ["--dask", cluster.address] if way == WORKER else []
                argv = [sys.executable, "-m", "clipkit", "sweep", str(experiment), *words]
                subprocess.run(argv, check=True, stdout=sys.stderr)
                seconds[way] = wall_s(folder / "results" / f"{way}-{turn}")
            found.append({"first": ways[0], **seconds})
        return found
    finally:
        cluster.close()


def wall_s(campaign: Path) -> dict[str, float]:
    """Of each cell, by its name; without what others disturbed."""
    table = read_table(campaign)
    good = table[table["status"] == "ok"]
    return {str(cell): float(rows["wall_s"].mean()) for cell, rows in good.groupby("cell")}


def judged(turns: list[dict[str, Any]]) -> dict[str, Any]:
    """A turn's cells share what the machine did meanwhile: they count once, by the mean of their logarithms."""
    logs = [
        fmean(math.log(turn[WORKER][cell] / turn[HERE][cell]) for cell in both)
        for turn in turns
        if (both := turn[WORKER].keys() & turn[HERE].keys())
    ]
    half = t_quantile(len(logs)) * stdev(logs) / math.sqrt(len(logs))
    ratio, low, high = (math.exp(fmean(logs) + by) for by in (0.0, -half, half))
    shown = low >= BETWEEN[0] and high <= BETWEEN[1]
    words = (
        f"by a worker the grid takes {ratio:.3f} ({low:.3f} to {high:.3f}) times as long as without, in "
        f"{fmt.counted(len(logs), 'turn')}: {'' if shown else 'not shown to be '}within {BETWEEN[0]:g} and {BETWEEN[1]:g}"
    )
    return {
        "shown": shown,
        "ratio": ratio,
        "between": [low, high],
        "turns": turns,
        "words": words,
    }


if __name__ == "__main__":
    main()
