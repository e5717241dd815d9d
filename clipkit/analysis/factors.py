"""What varies between the cells of a table, and in which order its levels read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from clipkit.settings import knobs

_PLACE = ("memory_limit_bytes", "cpu_quota")
_ORDERS = {knob.name: knob.choices for knob in knobs() if knob.choices}


@dataclass(frozen=True, slots=True)
class Factor:
    """A column and the levels that occur in it, None for unknown or left out; `along`: columns
    that change with it and with nothing else."""

    column: str
    levels: tuple[Any, ...]
    along: tuple[str, ...] = ()


def factors(cells: pd.DataFrame) -> tuple[Factor, ...]:
    """What varies, of columns that always change together only the first.

    Hosts that are no grid of memory and CPU, as hosting plans are not, count as `host`.
    """
    found: list[Factor] = []
    for column in _candidates(cells):
        levels = levels_of(column, cells[column])
        if len(levels) < 2:
            continue
        leader = next((f for f in found if _goes_along(cells, f.column, column)), None)
        if leader is None:
            found.append(Factor(column, levels))
        else:
            along = (*leader.along, column)
            found[found.index(leader)] = Factor(leader.column, leader.levels, along)
    return tuple(found)


def levels_of(column: str, values: pd.Series[Any]) -> tuple[Any, ...]:
    """The levels that occur, in the order of their declaration or else ascending, None last."""
    known = list(values.dropna().unique())
    order = _ORDERS.get(column)
    known.sort(key=order.index if order and set(known) <= set(order) else None)
    return (*known, None) if values.isna().any() else tuple(known)


def at(cells: pd.DataFrame, column: str, levels: Iterable[Any]) -> pd.Series[bool]:
    """Which rows have one of these levels; None stands for a missing one."""
    wanted = set(levels)
    found = cells[column].isin([level for level in wanted if level is not None])
    return (found | (cells[column].isna() & (None in wanted))).astype(bool)


def _candidates(cells: pd.DataFrame) -> list[str]:
    upload = "upload" if "upload" in cells else "upload_sha256"
    sizes, cores = (cells[column].nunique(dropna=False) for column in _PLACE)
    places = len(cells[list(_PLACE)].drop_duplicates())
    host = list(_PLACE) if places == sizes * cores else ["host"]
    settings = [knob.name for knob in knobs()]
    job = ["subject", upload, "clip_s", "clips"]
    return [*job, *host, "reserve_bytes", *settings, "ffmpeg_version", "host_id", "ceiling"]


def _goes_along(cells: pd.DataFrame, one: str, other: str) -> bool:
    """Whether each level of `one` comes with one level of `other`, and the other way round."""
    pairs = len(cells[[one, other]].drop_duplicates())
    return pairs == cells[one].nunique(dropna=False) == cells[other].nunique(dropna=False)
