"""What this clipkit costs beside another version of it: the same job cut by both, in adjacent pairs.

    git worktree add ../before REVISION
    python experiments/benchmarks/cost_of_checks.py ../before [--pairs 7]

Both run as `python -m clipkit cut` of their own checkout in this Python, started in turn and in the other order every
second time: the original's job (12 clips of 12 s by mode `encode`) and one clip of it. From outside: starting clipkit,
describing the upload, the ceiling and all checks are in the time. Prints the ratio of the times with its 95 % interval,
and the seconds that one clip takes more.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from clipkit import format as fmt
from clipkit.analysis.statistics import paired_ratio
from clipkit.media.sample import find_sample

_HERE = Path(__file__).resolve().parents[2]


def cut_s(checkout: Path, film: Path, words: list[str]) -> float:
    """Seconds from the command typed to its end. Raises CalledProcessError where it fails."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        argv = [sys.executable, "-P", "-m", "clipkit", "cut", str(film)]
        began_s = time.monotonic()
        subprocess.run(
            [*argv, "--out", f"{folder}/clips", *words],
            env={**os.environ, "PYTHONPATH": str(checkout)},
            stdout=subprocess.DEVNULL,
            check=True,
        )
        return time.monotonic() - began_s


def in_pairs(before: Path, film: Path, words: list[str], pairs: int) -> list[tuple[float, float]]:
    """Seconds of (this one, the other) in each pair; a first one of each is discarded."""
    found = []
    for pair in range(-1, pairs):
        order = [_HERE, before] if pair % 2 else [before, _HERE]
        took_s = {checkout: cut_s(checkout, film, words) for checkout in order}
        if pair >= 0:
            found.append((took_s[_HERE], took_s[before]))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("before", type=Path, help="another checkout")
    parser.add_argument("--film", default="sample")
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--host", default="render-pro", help="a plan of `clipkit hosts`")
    asked = parser.parse_args()
    before, film = asked.before.resolve(), find_sample(asked.film, Path.cwd())
    for name, words, pairs in (
        ("12 clips of 12 s", ["--count", "12", "--length", "12"], asked.pairs),
        ("one clip of 12 s", ["--count", "1", "--length", "12"], 3 * asked.pairs),
    ):
        found = in_pairs(before, film, [*words, "--host", asked.host], pairs)
        now_s, then_s = zip(*found, strict=True)
        ratio = paired_ratio(now_s, then_s)
        more_s = sorted(now - then for now, then in found)
        print(
            f"{name:<18}{fmt.seconds(sum(now_s) / pairs)} instead of {fmt.seconds(sum(then_s) / pairs)}: "
            f"{ratio.value:.3f} times{fmt.interval(ratio.interval, lambda value: f'{value:.3f}')}, "
            f"{more_s[pairs // 2]:+.3f} s in the median pair, {pairs} pairs",
            flush=True,
        )


if __name__ == "__main__":
    main()
