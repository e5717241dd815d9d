"""Cut mutated uploads, one a seed, and judge what comes: right, or refused in one line, and nothing left.

    python experiments/benchmarks/fuzz [--from SEED] [--count N] [--minutes M] [--jobs 2] [--keep DIR]

Each is cut by the command as a user runs it. Right is what the oracle calls so, by its full rule where
the mutant can be decoded without a fault, else by its weak one (`oracle.py` says which is which). A
refusal is one line and exit 1. Whatever comes: within 20 CPU seconds, no Python process beyond 300 MB, and
afterwards no process, no control group, no file but clips that are right and their manifest.

Prints every fault with its seed, then what came of all; ends with 1 where there was a fault. The seed
after the last one says where to go on; `--from SEED --count 1 --keep DIR` makes one again and keeps it.
"""

from __future__ import annotations

import argparse
import itertools
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from pathlib import Path

import sources
from trying import Tried, try_seed


def main() -> None:
    parser = argparse.ArgumentParser(description="Mutated uploads, cut and judged.")
    parser.add_argument(
        "--from", type=int, default=0, dest="first", metavar="SEED", help="default 0"
    )
    parser.add_argument(
        "--count", type=int, metavar="N", help="default: as many as the minutes hold"
    )
    parser.add_argument(
        "--minutes", type=float, default=40, metavar="M", help="at most; default 40"
    )
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="at once; default 2")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep what had a fault there")
    given = parser.parse_args()
    seeds = iter(
        range(given.first, given.first + given.count)
        if given.count
        else itertools.count(given.first)
    )
    started_s = time.monotonic()
    tally = Tally()
    with tempfile.TemporaryDirectory() as temporary, ProcessPoolExecutor(given.jobs) as pool:
        folder = Path(temporary)
        films = sources.make_all(folder)
        until_s = started_s + given.minutes * 60
        try:
            for tried in results(pool, seeds, until_s, (films, folder, given.keep), given.jobs):
                tally.add(tried)
                if tried.faults:
                    print(tried, flush=True)
        except KeyboardInterrupt:
            print("interrupted", file=sys.stderr)
            pool.shutdown(wait=False, cancel_futures=True)
        # Before the pool has ended: what was found is told also to who is impatient.
        print("\n".join(tally.lines(time.monotonic() - started_s)))
        print(f"go on with --from {tally.last + 1}", flush=True)
    sys.exit(1 if tally.faulty else 0)


def results(
    pool: ProcessPoolExecutor, seeds: Iterator[int], until_s: float, how: tuple, jobs: int
) -> Iterator[Tried]:
    """As they come; none is begun after `until_s`."""
    running: set[Future[Tried]] = set()
    while True:
        while len(running) < jobs and time.monotonic() < until_s:
            seed = next(seeds, None)
            if seed is None:
                break
            running.add(pool.submit(try_seed, seed, *how))
        if not running:
            return
        done, running = wait(running, return_when=FIRST_COMPLETED)
        for future in done:
            yield future.result()


class Tally:
    """What came of all."""

    def __init__(self) -> None:
        self.last = -1
        self.faulty = 0
        self.came: Counter[str] = Counter()
        self.kinds: Counter[str] = Counter()
        self.longest_s = 0.0
        self.most_cpu_s = 0.0
        self.most_bytes = 0

    def add(self, tried: Tried) -> None:
        self.last = max(self.last, tried.seed)
        self.faulty += bool(tried.faults)
        self.came[tried.came] += 1
        self.kinds[tried.kind] += 1
        self.longest_s = max(self.longest_s, tried.wall_s)
        self.most_cpu_s = max(self.most_cpu_s, tried.cpu_s)
        self.most_bytes = max(self.most_bytes, tried.python_peak_bytes)

    def lines(self, took_s: float) -> Iterator[str]:
        total = sum(self.came.values())
        yield f"{total} mutants in {took_s / 60:.1f} min, {total / took_s * 60:.0f} a minute; {self.faulty} with a fault"
        yield "came: " + ", ".join(f"{n} {what}" for what, n in self.came.most_common())
        yield "kinds: " + ", ".join(f"{n} {kind}" for kind, n in self.kinds.most_common())
        yield (
            f"at most {self.longest_s:.1f} s, {self.most_cpu_s:.1f} CPU seconds, "
            f"{self.most_bytes / 2**20:.0f} MB in a Python process"
        )


if __name__ == "__main__":
    os.environ.setdefault("CLIPKIT_ACCEPT_NOISE", "1")
    main()
