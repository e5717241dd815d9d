"""Which cells are the best for their condition, which cannot be told apart from it, which to use. Pure.

Among the cells of one condition, subject and picture that did not fail and leave a margin of memory,
`records.choice` says which to take, and whether that is decided. Tied is what the noise of the repeats on
that host cannot tell from the best. Whoever shows a best shows this one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clipkit.plan.modes import may_be_chosen, may_hide
from clipkit.plan.subjects import TUNABLE
from clipkit.records.choice import Chosen, Contender, choose
from clipkit.records.condition import CONDITION
from clipkit.records.identity import WHICH, plain
from clipkit.records.noise import Noise
from clipkit.settings import PICTURE

Places = NDArray[np.intp]

RECOMMENDED, TIED = "recommended", "tie"

_FIGURES = ("upper", "unseen", "shortfall", "flattered")

USABLE_FRACTION = 0.9
"""Of the memory beside the reserve, how much settings may need: an out-of-memory kill takes a small
host's whole instance, so the rest is kept for what was not measured."""

_AS_LABELLED = 0.98
"""Of the label, how much must be held to take its word: what holds it needs some memory of the kernel's itself
(`trial.usable`)."""


def leaves_margin(peak_bytes: float | None, room_bytes: float | None) -> bool:
    """Whether a peak leaves the usual part of the memory free; an unknown one is not held against it."""
    return room_bytes is None or peak_bytes is None or peak_bytes <= USABLE_FRACTION * room_bytes


def real_room_bytes(room_bytes: int | None, usable_bytes: int | None) -> int | None:
    """What of the memory beside the reserve can be counted on: `room_bytes` by the label, or what could be held
    of it (None: that is not known) where that is less by more than was needed to find out."""
    if room_bytes is None or usable_bytes is None:
        return room_bytes
    return usable_bytes if usable_bytes < _AS_LABELLED * room_bytes else room_bytes


def margin_words() -> str:
    """`10 %`: what is kept free."""
    return f"{100 * (1 - USABLE_FRACTION):.0f} %"


def ranked(
    cells: pd.DataFrame, hiding_allowed: bool = False, usable_bytes: int | None = None
) -> pd.DataFrame:
    """The cells (`records.cells.cells_of`) with how each stands in its condition:

    `hides`: its clips may hold pictures that are not shown; `choosable`: it may be recommended at all, by
    `hiding_allowed` (`records.allowed`) too; `standing`: `recommended`, `tie`, or nothing, among the cells
    that make the same picture with the same subject, hidden pictures included; `roomy`: it leaves a margin of memory (of
    `usable_bytes`, where a label says more: `real_room_bytes`); `contends`: it finished and is roomy, or none
    of these is;
    `fastest`: the least time of these; `leads`: its picture is the one to show for its condition,
    since its recommended cell takes the least time; `best`: its `standing` where it leads.
    Of each that contends, from `records.choice`: `decided`, `upper`, `unseen` of the choice that it was part
    of, its own `shortfall`, and `flattered`: the part by which its mean is expected to fall short of its
    time (above 0 for the luckiest).

    What nobody can choose never leads: a baseline, a mode whose clips are not exact, clips that hide pictures
    where that was not allowed.
    """
    found = cells.assign(roomy=_roomy(cells, usable_bytes), hides=_hides(cells))
    found = found.assign(choosable=_choosable(found, hiding_allowed))
    choosable = found["choosable"].to_numpy(dtype=bool)
    finished, roomy = cells["wall_s"].notna().to_numpy(dtype=bool), found["roomy"].to_numpy()
    standing = np.full(len(cells), "", dtype=object)
    contends, fastest, leads, decided = (np.zeros(len(cells), dtype=bool) for _ in range(4))
    known = {name: np.full(len(cells), np.nan) for name in _FIGURES}
    measured = _measured(cells)
    conditions = cells.groupby(list(CONDITION), dropna=False, sort=False).ngroup().to_numpy()
    leaders: dict[int, tuple[float, Places]] = {}
    for group in _groups(found):
        ended = group[finished[group]]
        contending = ended[roomy[ended]] if roomy[ended].any() else ended
        if not len(contending):
            continue
        chosen = choose([measured[at] for at in contending], _noise(cells, contending[0]))
        best = int(contending[chosen.place])
        contends[contending], fastest[contending[chosen.ahead]] = True, True
        standing[contending[list(chosen.tied)]] = TIED
        standing[best] = RECOMMENDED
        decided[contending] = chosen.decided
        for name, values in _figures(chosen, [measured[at] for at in contending]).items():
            known[name][contending] = values
        place, wall_s = int(conditions[best]), float(cells["wall_s"].iloc[best])
        if choosable[best] and wall_s < leaders.get(place, (math.inf, group))[0]:
            leaders[place] = wall_s, group
    for _, group in leaders.values():
        leads[group] = True
    found = found.assign(standing=standing, contends=contends, fastest=fastest, leads=leads)
    return found.assign(best=found["standing"].where(leads, ""), decided=decided, **known)


def _groups(cells: pd.DataFrame) -> list[Places]:
    """Where the cells stand that are compared with each other."""
    alike = [*CONDITION, "subject", *WHICH, "command", *PICTURE, "hides"]
    keys = cells.groupby(alike, dropna=False, sort=False).ngroup()
    numbers = keys.to_numpy()
    return [np.flatnonzero(numbers == number) for number in range(int(numbers.max(initial=-1)) + 1)]


def _measured(cells: pd.DataFrame) -> list[Contender]:
    """Each cell as one of several to choose from; of a choice all are roomy, or none is."""
    with np.errstate(divide="ignore"):
        errors = 1 / np.sqrt(cells["runs"].to_numpy(dtype=float))
    logs = np.log(cells["wall_s"].to_numpy(dtype=float))
    return [
        Contender(float(log_mean), float(error), plain(need), roomy=True)
        for log_mean, error, need in zip(logs, errors, cells["peak_need_bytes"], strict=True)
    ]


def _noise(cells: pd.DataFrame, at: int) -> Noise:
    """Of a run on that cell's host."""
    return Noise(float(cells["host_log_sd"].iloc[at]), int(cells["host_freedom"].iloc[at]))


def _figures(chosen: Chosen, contending: Sequence[Contender]) -> dict[str, Any]:
    """What a choice says of its contenders, in the columns `_FIGURES`."""
    flattered = [
        math.expm1((shrunk or 0.0) - each.log_mean)
        for shrunk, each in zip(chosen.shrunk_log_means, contending, strict=True)
    ]
    return dict(
        zip(
            _FIGURES,
            (chosen.upper, chosen.unseen, chosen.shortfalls, flattered),
            strict=True,
        )
    )


def _roomy(cells: pd.DataFrame, usable_bytes: int | None) -> list[bool]:
    room = cells["memory_limit_bytes"] - cells["reserve_bytes"]
    needs = zip(cells["peak_need_bytes"], room, strict=True)
    return [
        leaves_margin(plain(need), real_room_bytes(plain(free), usable_bytes))
        for need, free in needs
    ]


def _hides(cells: pd.DataFrame) -> list[bool]:
    both = zip(cells["mode"], cells["hidden_preroll"], strict=True)
    return [may_hide(plain(mode), plain(hidden)) for mode, hidden in both]


def _choosable(cells: pd.DataFrame, hiding_allowed: bool) -> list[bool]:
    """Whether a tuner may choose such settings."""
    rows = zip(cells["subject"], cells["mode"], cells["hides"], strict=True)
    return [
        subject in TUNABLE and may_be_chosen(plain(mode)) and (hiding_allowed or not hides)
        for subject, mode, hides in rows
    ]
