"""Which cells are the best for their condition, which cannot be told apart from it, which to use. Pure.

Best is the least mean time among the cells of one condition, subject and picture that did not fail and
leave a margin of memory. Tied is what the noise of the repeats cannot tell from it. Recommended is
the tied one that needs the least memory. Whoever shows a best shows this one.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from clipkit.plan.modes import may_be_chosen
from clipkit.plan.subjects import TUNABLE
from clipkit.records.condition import CONDITION
from clipkit.records.noise import Noise
from clipkit.settings import PICTURE

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
    same subject; `contends`: it finished and leaves a margin of memory, or none of these does;
    `fastest`: the least time of these; `leads`: its picture is the one to show for its condition,
    since its recommended cell takes the least time; `best`: its `standing` where it leads.

    A baseline leads only where no subject was measured whose settings can be chosen.
    """
    found = cells.assign(standing="", contends=False, fastest=False, leads=False)
    columns = {name: found.columns.get_loc(name) for name in ("standing", "contends", "fastest")}
    leaders: dict[object, tuple[tuple[float, ...], np.ndarray]] = {}
    positions = cells.groupby(list(CONDITION), dropna=False, sort=False).ngroup().to_numpy()
    groups = cells.groupby([*CONDITION, "subject", *PICTURE], dropna=False, sort=False).indices
    for group in groups.values():
        inside = cells.iloc[group]
        finished = inside["wall_s"].notna().to_numpy(dtype=bool)
        if not finished.any():
            continue
        roomy = finished & _roomy(inside)
        contending = group[roomy if roomy.any() else finished]
        times = cells["s_per_clip"].to_numpy(dtype=float)[contending]
        tied = contending[_tied(cells, contending, times, noise)]
        best = min(tied, key=lambda at: _need(cells, at))
        found.iloc[contending, columns["contends"]] = True
        found.iloc[contending[times.argmin()], columns["fastest"]] = True
        found.iloc[tied, columns["standing"]] = TIED
        found.iloc[best, columns["standing"]] = RECOMMENDED
        row = cells.iloc[best]
        chosen = row["subject"] in TUNABLE and may_be_chosen(_known(row["mode"]))
        place, wall_s = positions[best], float(row["wall_s"])
        rank = (0.0 if chosen else 1.0, wall_s)
        if place not in leaders or rank < leaders[place][0]:
            leaders[place] = rank, group
    leading = np.zeros(len(cells), dtype=bool)
    for _, group in leaders.values():
        leading[group] = True
    return found.assign(leads=leading, best=found["standing"].where(leading, ""))


def _roomy(inside: pd.DataFrame) -> np.ndarray:
    room = inside["memory_limit_bytes"] - inside["reserve_bytes"]
    needs = zip(inside["peak_need_bytes"], room, strict=True)
    return np.array([leaves_margin(_known(need), _known(free)) for need, free in needs], dtype=bool)


def _tied(
    cells: pd.DataFrame, contending: np.ndarray, times: np.ndarray, noise: Noise | None
) -> np.ndarray:
    """The 95 % interval of its time as a ratio to the least includes 1."""
    least = times.argmin()
    behind = np.log(times) - np.log(times[least])
    if noise is None:
        return np.arange(len(times)) == least
    runs = cells["runs"].to_numpy(dtype=float)[contending]
    same: np.ndarray = behind <= noise.half_width * np.sqrt(1 / runs + 1 / runs[least])
    same[least] = True
    return same


def _need(cells: pd.DataFrame, at: int) -> tuple[float, float]:
    row = cells.iloc[at]
    return need_first(_known(row["peak_anon_bytes"]), float(row["wall_s"]))


def _known(value: object) -> object:
    return None if pd.isna(value) else value
