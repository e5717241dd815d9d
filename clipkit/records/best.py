"""Which cells are the best for their condition, which cannot be told apart from it, which to use. Pure.

Best is the least mean time among the cells of one condition, subject and picture that did not fail and
leave a margin of memory. Tied is what the noise of the repeats cannot tell from it. Recommended is
the tied one that needs the least memory. Whoever shows a best shows this one.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clipkit.plan.modes import may_be_chosen
from clipkit.plan.subjects import TUNABLE
from clipkit.records.condition import CONDITION
from clipkit.records.identity import plain
from clipkit.records.noise import Noise
from clipkit.settings import PICTURE

Places = NDArray[np.intp]
Values = NDArray[np.float64]
Bools = NDArray[np.bool_]

RECOMMENDED, TIED = "recommended", "tie"

USABLE_FRACTION = 0.9
"""Of the memory beside the reserve, how much settings may need: an out-of-memory kill takes a small
host's whole instance, so the rest is kept for what was not measured."""


def leaves_margin(peak_bytes: float | None, room_bytes: float | None) -> bool:
    """Whether a peak leaves the usual part of the memory free; an unknown one is not held against it."""
    return room_bytes is None or peak_bytes is None or peak_bytes <= USABLE_FRACTION * room_bytes


def need_first(peak_bytes: float | None, wall_s: float) -> tuple[float, float]:
    """Which of several ties to take: the lowest. An unknown peak comes last, the faster first."""
    return (math.inf if peak_bytes is None else peak_bytes), wall_s


def margin_words() -> str:
    """`10 %`: what is kept free."""
    return f"{100 * (1 - USABLE_FRACTION):.0f} %"


def ranked(cells: pd.DataFrame, noise: Noise | None) -> pd.DataFrame:
    """The cells (`records.cells.cells_of`) with how each stands in its condition:

    `standing`: `recommended`, `tie`, or nothing, among the cells that make the same picture with the
    same subject; `roomy`: it leaves a margin of memory; `contends`: it finished and is roomy, or none
    of these is;
    `fastest`: the least time of these; `leads`: its picture is the one to show for its condition,
    since its recommended cell takes the least time; `best`: its `standing` where it leads.

    What nobody can choose never leads: a baseline, a mode whose clips are not exact.
    """
    found = cells.assign(roomy=_roomy(cells))
    finished, roomy = cells["wall_s"].notna().to_numpy(dtype=bool), found["roomy"].to_numpy()
    times = cells["s_per_clip"].to_numpy(dtype=float)
    runs = cells["runs"].to_numpy(dtype=float)
    standing = np.full(len(cells), "", dtype=object)
    contends, fastest, leads = (np.zeros(len(cells), dtype=bool) for _ in range(3))
    conditions = cells.groupby(list(CONDITION), dropna=False, sort=False).ngroup().to_numpy()
    leaders: dict[int, tuple[float, Places]] = {}
    for group in _groups(cells):
        ended = group[finished[group]]
        contending = ended[roomy[ended]] if roomy[ended].any() else ended
        if not len(contending):
            continue
        least = contending[times[contending].argmin()]
        tied = contending[
            _tied(times[contending] / times[least], runs[contending], runs[least], noise)
        ]
        best = int(min(tied, key=lambda at: _need(cells, int(at))))
        contends[contending], fastest[least] = True, True
        standing[tied] = TIED
        standing[best] = RECOMMENDED
        place, wall_s = int(conditions[best]), float(cells["wall_s"].iloc[best])
        if _may_lead(cells.iloc[best]) and wall_s < leaders.get(place, (math.inf, group))[0]:
            leaders[place] = wall_s, group
    for _, group in leaders.values():
        leads[group] = True
    found = found.assign(standing=standing, contends=contends, fastest=fastest, leads=leads)
    return found.assign(best=found["standing"].where(leads, ""))


def _groups(cells: pd.DataFrame) -> list[Places]:
    """Where the cells stand that are compared with each other."""
    alike = [*CONDITION, "subject", "command", *PICTURE]
    keys = cells.groupby(alike, dropna=False, sort=False).ngroup()
    numbers = keys.to_numpy()
    return [np.flatnonzero(numbers == number) for number in range(int(numbers.max(initial=-1)) + 1)]


def _tied(ratios: Values, runs: Values, runs_of_least: float, noise: Noise | None) -> Bools:
    """Where the 95 % interval of the ratio to the least time includes 1."""
    same: Bools = ratios <= 1
    if noise is not None:
        same |= np.log(ratios) <= noise.half_width * np.sqrt(1 / runs + 1 / runs_of_least)
    return same


def _roomy(cells: pd.DataFrame) -> list[bool]:
    room = cells["memory_limit_bytes"] - cells["reserve_bytes"]
    needs = zip(cells["peak_need_bytes"], room, strict=True)
    return [leaves_margin(plain(need), plain(free)) for need, free in needs]


def _may_lead(row: pd.Series[Any]) -> bool:
    """Whether a tuner may choose such settings: not a baseline's, nor a mode whose clips are not exact."""
    return row["subject"] in TUNABLE and may_be_chosen(plain(row["mode"]))


def _need(cells: pd.DataFrame, at: int) -> tuple[float, float]:
    row = cells.iloc[at]
    return need_first(plain(row["peak_need_bytes"]), float(row["wall_s"]))
