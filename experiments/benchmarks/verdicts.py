"""Whether the verdicts on claims hold what they say: coverage of pooled ratios, and how often "it depends" is
said of what does not.

    python experiments/benchmarks/verdicts.py [--times N]

Invented conditions at three levels of a factor; the noise of one ratio is 0.05 on logarithms, known from 40
degrees of freedom, as in `results/quick-wins`. Conditions of one level differ by `spread` times that.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator, Sequence

import numpy as np

from clipkit.analysis.interaction import LEVEL, deviate, gail_simon_p, holm
from clipkit.analysis.pooling import pool_levels
from clipkit.analysis.statistics import Estimate
from clipkit.records.noise import t_quantile

NOISE, FREEDOM = 0.05, 40
EDGE = 1.05
SPREADS = (0.0, 0.5, 1.0, 2.0)

Chance = np.random.Generator


def estimates(chance: Chance, log_mean: float, conditions: int, spread: float) -> list[Estimate]:
    """Of conditions whose true ratios scatter about a mean."""
    truths = log_mean + NOISE * spread * chance.standard_normal(conditions)
    logs = truths + NOISE * chance.standard_normal(conditions)
    error = NOISE * math.sqrt(chance.chisquare(FREEDOM) / FREEDOM)
    factor = math.exp(error * t_quantile(FREEDOM + 1))
    values = np.exp(logs)
    return [Estimate(float(v), float(v / factor), float(v * factor), 3, FREEDOM) for v in values]


def coverage(chance: Chance, conditions: int, spread: float, times: int) -> float:
    """How often the interval of a level's mean holds the mean that its conditions scatter about."""
    held = 0
    for _ in range(times):
        levels = {n: estimates(chance, 0.0, conditions, spread) for n in range(3)}
        for pooled in pool_levels(levels).values():
            low, high = pooled.estimate.interval or (1.0, 1.0)
            held += low <= 1.0 <= high
    return held / (3 * times)


def division_p(chance: Chance, log_means: Sequence[float], conditions: int, spread: float) -> float:
    """Of levels with these true means above the edge, on logarithms."""
    edge = math.log(EDGE)
    levels = {
        n: estimates(chance, edge + mean, conditions, spread) for n, mean in enumerate(log_means)
    }
    found = pool_levels(levels).values()
    return gail_simon_p([deviate(pooled.estimate, EDGE) or 0.0 for pooled in found]) or 1.0


def divided(
    chance: Chance, log_means: Sequence[float], conditions: int, spread: float, times: int
) -> float:
    """How often levels with these true means are said to lie on both sides of the edge."""
    return (
        sum(division_p(chance, log_means, conditions, spread) < LEVEL for _ in range(times)) / times
    )


def any_of_eight(chance: Chance, times: int) -> float:
    """How often at least one of eight claims is said to depend, none of which does: each in the worst
    case, one level far on one side and the others on the edge."""
    wrong = 0
    for _ in range(times):
        found = {n: division_p(chance, (0.5, 0.0, 0.0), 4, 1.0) for n in range(8)}
        wrong += min(holm(found).values()) < LEVEL
    return wrong / times


def lines(times: int, seed: int) -> Iterator[str]:
    chance = np.random.default_rng(seed)
    yield "the interval of a level's mean holds it (95 % is said), by how much conditions differ"
    yield f"{'conditions a level':>20}  " + "  ".join(f"{s:>5g}" for s in SPREADS)
    for conditions in (1, 2, 4, 8):
        held = [coverage(chance, conditions, spread, times) for spread in SPREADS]
        yield f"{conditions:>20}  " + "  ".join(f"{h:5.3f}" for h in held)
    yield f"said to depend, though it does not (at most {LEVEL:.0%} is said), 4 conditions a level"
    for words, means in (
        ("all on the edge", (0.0, 0.0, 0.0)),
        ("one far above, others on the edge", (0.5, 0.0, 0.0)),
        ("all a little above", (0.03, 0.03, 0.03)),
    ):
        wrong = [divided(chance, means, 4, spread, times) for spread in SPREADS]
        yield f"{words:>34}  " + "  ".join(f"{w:5.3f}" for w in wrong)
    yield f"{'any of eight claims, worst case':>34}  {any_of_eight(chance, times // 4):5.3f}"
    yield "said to depend, and it does, 4 conditions a level"
    for gap in (0.05, 0.10, 0.15, 0.20):
        right = [divided(chance, (-gap, -gap, gap), 4, spread, times) for spread in SPREADS]
        yield f"{f'{gap:.2f} on both sides':>34}  " + "  ".join(f"{r:5.3f}" for r in right)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--times", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    for line in lines(asked.times, asked.seed):
        print(line, flush=True)


if __name__ == "__main__":
    main()
