"""Whether an experiment measured as two shards and merged finds what it finds measured whole.

    python experiments/benchmarks/shards.py [--blocks N]

The shards run one after another on this machine: two at once would measure each other. Ends with 1 where a
cell and block is missing or there twice, or where one campaign tells the other's best apart from its own.
Takes a minute; left out for that: more than one ceiling, and presets.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path

import clipkit
from clipkit.records.best import RECOMMENDED, TIED
from clipkit.records.campaign import Campaign

SHARDS = ("1/2", "2/2")


def main() -> None:
    parser = argparse.ArgumentParser(description="A sweep in two shards against the same, whole.")
    parser.add_argument("--blocks", type=int, default=4, metavar="N", help="default 4")
    blocks: int = parser.parse_args().blocks
    experiment = {
        "name": "sharded",
        "job": {"uploads": ["sample"], "clips": 4, "length_s": 2},
        "host": {"memory": "512M", "cpus": 1},
        "settings": {"concurrency": [1, 2], "encoder_threads": [1, 4]},
        "run": {"blocks": blocks},
    }
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        whole = clipkit.sweep(experiment, results=root / "whole")
        parts = [
            clipkit.sweep(experiment, results=root / f"part-{shard[0]}", shard=shard).folder
            for shard in SHARDS
        ]
        merged = clipkit.merge(parts, root / "merged")
        done = Counter(zip(merged.table["cell"], merged.table["block"], strict=True))
        complete = len(done) == 4 * blocks and set(done.values()) == {1}
        print(f"merged: {len(done)} of {4 * blocks} cells and blocks, each once: {complete}")
        agree = [says(whole, "whole", merged), says(merged, "merged", whole)]
        print("\n".join(clipkit.compare(whole, merged).lines()))
    sys.exit(0 if complete and all(agree) else 1)


def says(one: Campaign, name: str, other: Campaign) -> bool:
    """What the one makes of the other's best: its own best too, or tied with it."""
    best = other.cells.loc[other.cells["best"] == RECOMMENDED, "cell"].item()
    own = one.cells.set_index("cell").loc[best]
    print(
        f"{name}: the other's best {best} is {own['best'] or 'told apart'}, {own['s_per_clip']:.3g} s a clip"
    )
    return own["best"] in {RECOMMENDED, TIED}


if __name__ == "__main__":
    main()
