"""Every mode on films whose pictures count: clips that start around an access point, judged by the oracle.

    python experiments/benchmarks/fuzz/starts.py [--mode MODE] [--ffmpeg BUILD] [--only WORD]

Of each film (`counted.FILMS`) clips from each of the 8 pictures before an access point, from it and
the 2 behind it, and from between two pictures; of different lengths, so that they end everywhere in
a group of pictures. Prints a row for each film, mode and build; ends with 1 where a clip is not right.
"""

from __future__ import annotations

import argparse
import itertools
import math
import sys
import tempfile
from pathlib import Path

from copied import WAYS
from counted import FILMS, Counted, number_of
from oracle import Oracle
from table import BUILDS, Order, ask

from clipkit.plan.modes import MODES

_BEFORE, _BEHIND = 8, 2
_SHORTEST = 14  # pictures


def around(film: Counted, oracle: Oracle) -> Order:
    """To the microsecond below a picture's time: what a person types from a player's clock."""
    pictures = oracle.films[0].pictures
    # Where pictures are left out, their numbers say where the others were.
    access = next(i for i, one in enumerate(pictures) if number_of(one.grey) >= film.access)
    times = [one.at for one in pictures]

    def clip(start: float, end: float) -> tuple[str, str]:
        first, last = (math.floor(at * 1_000_000) for at in (start, end))
        return f"{first / 1e6:.6f}", f"{(last - first) / 1e6:.6f}"

    clips = [
        clip(times[access + number], times[access + number + _SHORTEST + number + _BEFORE])
        for number in range(-_BEFORE, _BEHIND + 1)
    ]
    between = (times[access - 5] + times[access - 4]) / 2
    clips.append(clip(between, (times[access + 9] + 2 * times[access + 10]) / 3))
    clips.append(clip(times[0], times[3]))
    return Order(oracle.upload, tuple(clips))


def main() -> None:
    modes = [mode for mode in WAYS if mode in MODES]
    parser = argparse.ArgumentParser(description="Clips around access points, judged.")
    parser.add_argument("--mode", choices=modes, action="append", help="default: all of them")
    parser.add_argument("--ffmpeg", choices=BUILDS, action="append", help="default: both")
    parser.add_argument("--only", default="", metavar="WORD", help="films with that in their name")
    given = parser.parse_args()
    wrong = 0
    for name, film in FILMS.items():
        if given.only not in name:
            continue
        with tempfile.TemporaryDirectory() as folder:
            oracle = Oracle(film.make(Path(folder)))
            for build, mode in itertools.product(given.ffmpeg or BUILDS, given.mode or modes):
                row = ask(around(film, oracle), build, oracle, mode)
                right = sum(one.outcome == "right" for one in row.verdicts)
                wrong += len(row.verdicts) - right
                others = dict.fromkeys(str(v) for v in row.verdicts if v.outcome != "right")
                told = "; ".join(others)
                print(
                    f"{name:<24} {build:<8} {mode:<7} {right:>2} of {len(row.verdicts)} {told}",
                    flush=True,
                )
    print(f"{wrong} not right")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
