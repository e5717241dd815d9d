"""Predictions of tunings against the times that confirmed them.

    python experiments/benchmarks/predictions.py CAMPAIGN …

Each campaign is a folder that `clipkit tune` wrote. Prints a line for each: what was predicted before the
confirming runs, with the interval in which their mean was to lie nine times in ten, and what they took;
then how many held, the median bias and the usual width. 85 to 95 % of 60 were to hold, at a bias of at
most 3 %.
"""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from scipy import stats

from clipkit import format as fmt
from clipkit.tables import Table
from clipkit.tuning.recommendation import read_recommendation


@dataclass(frozen=True, slots=True)
class Prediction:
    """Of the whole job's wall seconds: `low_s` to `high_s` was to hold `confirmed_s`."""

    name: str
    predicted_s: float
    low_s: float
    high_s: float
    confirmed_s: float

    @property
    def holds(self) -> bool:
        return self.low_s <= self.confirmed_s <= self.high_s


def read(folder: Path) -> Prediction | None:
    known = read_recommendation(folder)
    if known.predicted_ci90_s is None or known.confirmed_wall_s is None:
        return None
    return Prediction(
        folder.name, known.predicted_wall_s, *known.predicted_ci90_s, known.confirmed_wall_s
    )


def summary(found: list[Prediction]) -> str:
    held = sum(each.holds for each in found)
    chance = stats.binomtest(held, len(found)).proportion_ci(0.95, "exact")
    bias = median(math.log(each.predicted_s / each.confirmed_s) for each in found)
    width = median(math.log(each.high_s / each.low_s) / 2 for each in found)
    return (
        f"{held} of {len(found)} held ({fmt.percent(held / len(found))}; 95 %: {fmt.percent(chance.low)} to "
        f"{fmt.percent(chance.high)}); median bias {100 * math.expm1(bias):+.1f} %; half width "
        f"{fmt.percent(math.expm1(width))}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("campaigns", nargs="+", type=Path)
    found = [read(folder) for folder in parser.parse_args().campaigns]
    known = [each for each in found if each is not None]
    rows = tuple(
        (
            each.name,
            fmt.seconds(each.predicted_s),
            f"{fmt.seconds(each.low_s)} to {fmt.seconds(each.high_s)}",
            fmt.seconds(each.confirmed_s),
            "yes" if each.holds else "no",
        )
        for each in known
    )
    print("\n".join(Table(("tuning", "predicted", "90 %", "confirmed", "held"), rows).lines()))
    if left := len(found) - len(known):
        print(f"{left} without a confirmed time")
    print(summary(known))


if __name__ == "__main__":
    main()
