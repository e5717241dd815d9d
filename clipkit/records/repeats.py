"""Repeats of cells: each cell's mean, and how noisy its host and it are. Pure.

Two or three repeats say little of their own noise, so a cell's variance is moderated (`noise.pool`): it is
drawn towards that of all repeats on its host, and that, where there are few, towards what is usual for
such hosts. Hosts are kept apart: half a core is noisier than two.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clipkit.records.condition import PLACE
from clipkit.records.identity import plain
from clipkit.records.noise import Noise, pool
from clipkit.records.usual_noise import CELL_FREEDOM, ENOUGH_CELLS, usual_noise

_FITS = 50
"""Rounds of the fit of blocks; where every block has every cell, the first is exact."""

_TRIMMED_FROM = 6
"""From as many runs on, the fastest and the slowest sixth are left out of the mean: where one run of twenty
takes a third longer, it is nearer to the truth."""

Codes = NDArray[np.intp]
Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Repeats:
    """What the runs of each cell say, cells by their numbers: `log_means` of seconds (NaN: none ran);
    `noises`: of one run of that cell; `host_noises`: of one run of any cell on its host; `seen`: the same
    as its repeats alone say, None where there are none."""

    log_means: Values
    noises: tuple[Noise, ...]
    host_noises: tuple[Noise, ...]
    seen: tuple[Noise | None, ...]


@dataclass(frozen=True, slots=True)
class _Spread:
    """Of each cell: its mean, the variance of one run about it, the degrees of freedom of that."""

    means: Values
    variances: Values
    freedom: Values


def repeats_by_host(ran: pd.DataFrame, codes: Codes, cells: pd.DataFrame) -> Repeats:
    """Of runs that finished; `codes` says which of the `cells` each is of.

    What a block has in common, since the machine drifts and machines differ, is taken out first: of a
    cell that one block lacks, the mean is as if it had been there.
    """
    count = len(cells)
    logs = np.log(ran["wall_s"].to_numpy(dtype=float))
    # A block of one machine: what another one adds to all alike is taken out as a block's drift is.
    blocks = (
        ran.groupby(["phase", "host_id", "block"], sort=False).ngroup().to_numpy().astype(np.intp)
    )
    means = np.full(count, np.nan)
    noises: list[Noise] = [usual_noise(None)] * count
    of_host = list(noises)
    seen: list[Noise | None] = [None] * count
    for own in cells.groupby(list(PLACE), sort=False, dropna=False).indices.values():
        inside = np.isin(codes, own)
        numbers = np.searchsorted(own, codes[inside])
        left, fitted = _without_blocks(logs[inside], numbers, blocks[inside], len(own))
        spread = _spread(left, numbers, len(own))
        repeats = _seen_noise(spread, fitted)
        enough = np.count_nonzero(spread.freedom) >= ENOUGH_CELLS
        usual = () if enough else (usual_noise(plain(cells["cpu_quota"].iloc[own[0]])),)
        known = pool(*usual, *([repeats] if repeats else []))
        means[own] = spread.means
        share = 1 - fitted / max(1.0, spread.freedom.sum())
        for at, variance, freedom in zip(own, spread.variances, spread.freedom, strict=True):
            of_host[at], seen[at] = known, repeats
            noises[at] = _moderated(known, variance / share, freedom * share)
    return Repeats(means, tuple(noises), tuple(of_host), tuple(seen))


def _without_blocks(logs: Values, codes: Codes, blocks: Codes, count: int) -> tuple[Values, int]:
    """Take out what the runs of one block have in common, where enough is left to tell noise from: the
    values, and how many parameters that took.

    A two-way layout on logarithms, fitted by turns: blocks from what the cells leave, and so on.
    """
    repeated = np.bincount(codes, minlength=count)[codes] > 1
    freedom = int(repeated.sum()) - len(np.unique(codes[repeated]))
    fitted = len(np.unique(blocks[repeated])) - 1
    if fitted < 1 or freedom < 2 * fitted:
        return logs, 0
    places = np.unique(blocks, return_inverse=True)[1]
    effects = np.zeros(places.max() + 1)
    for _ in range(_FITS):
        left = logs - effects[places]
        away = left - group_means(codes, left, count)[codes]
        step = group_means(places, away, len(effects))
        effects += step
        if np.abs(step).max() < 1e-12:
            break
    return logs - effects[places], fitted


def _spread(logs: Values, codes: Codes, count: int) -> _Spread:
    """Means and variances, trimmed from some runs on (Yuen, The two-sample trimmed t for unequal
    population variances, Biometrika 61, 1974)."""
    runs = np.bincount(codes, minlength=count)
    order = np.lexsort((logs, codes))
    codes, logs = codes[order], logs[order]
    starts = np.cumsum(runs) - runs
    cut = np.where(runs >= _TRIMMED_FROM, runs // 6, 0)
    rank = np.arange(len(codes)) - starts[codes]
    kept = (rank >= cut[codes]) & (rank < (runs - cut)[codes])
    means = group_means(codes[kept], logs[kept], count)
    left = runs - 2 * cut
    ran = runs > 0
    low, high = np.zeros(count), np.zeros(count)
    low[ran] = logs[(starts + cut)[ran]]
    high[ran] = logs[(starts + runs - cut - 1)[ran]]
    held = np.clip(logs, low[codes], high[codes])
    away = held - group_means(codes, held, count)[codes]
    squares = np.bincount(codes, weights=away**2, minlength=count)
    freedom = np.maximum(left - 1, 0)
    variances = runs * squares / np.maximum(left * freedom, 1)
    return _Spread(means, variances, freedom.astype(np.float64))


def trimmed(values: Values) -> tuple[float, float, int]:
    """Of one cell's: mean, variance of a single value about it, and the degrees of freedom of that."""
    found = _spread(values, np.zeros(len(values), dtype=np.intp), 1)
    return float(found.means[0]), float(found.variances[0]), int(found.freedom[0])


def _seen_noise(spread: _Spread, fitted: int) -> Noise | None:
    freedom = int(spread.freedom.sum()) - fitted
    if freedom <= 0:
        return None
    squares = float((spread.freedom * spread.variances).sum())
    return Noise(math.sqrt(squares / freedom), freedom)


def _moderated(host: Noise, variance: float, freedom: float) -> Noise:
    weight = min(CELL_FREEDOM, host.freedom)
    if freedom <= 0:
        return Noise(host.log_sd, weight)
    squares = weight * host.log_sd**2 + freedom * variance
    return Noise(math.sqrt(squares / (weight + freedom)), int(weight + freedom))


def group_means(codes: Codes, values: Values, count: int) -> Values:
    """The mean of each group; NaN for one without values, those unknown left out."""
    known = ~np.isnan(values)
    sums = np.bincount(codes[known], weights=values[known], minlength=count)
    counts = np.bincount(codes[known], minlength=count)
    means: Values = sums / np.where(counts > 0, counts, np.nan)
    return means
