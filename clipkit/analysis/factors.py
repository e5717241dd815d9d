"""What varies between the cells of a table, and in which order its levels read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from clipkit.records.campaign import levels_in
from clipkit.records.columns import column
from clipkit.records.evidence import varies
from clipkit.records.identity import WHICH
from clipkit.settings import knobs

_PLACE = ("memory_limit_bytes", "cpu_quota")


@dataclass(frozen=True, slots=True)
class Factor:
    """A column and the levels that occur in it, None for unknown or left out; `along`: columns
    that change with it and with nothing else."""

    column: str
    levels: tuple[Any, ...]
    along: tuple[str, ...] = ()


def factors_of(cells: pd.DataFrame) -> tuple[Factor, ...]:
    """What varies, of columns that always change together only the first.

    Hosts that are no grid of memory and CPU, as hosting plans are not, count as `host`.
    """
    found: list[Factor] = []
    for name in _candidates(cells):
        levels = levels_in(name, cells[name])
        if not varies(name, cells[name]):
            continue
        leader = next((f for f in found if _goes_along(cells, f.column, name)), None)
        if leader is None:
            found.append(Factor(name, levels))
        else:
            along = (*leader.along, name)
            found[found.index(leader)] = Factor(leader.column, leader.levels, along)
    return tuple(found)


def cell_words(cells: pd.DataFrame) -> dict[str, str]:
    """Cell -> what sets it apart from the others."""
    names = [factor.column for factor in factors_of(cells)]
    rows = cells[names].to_dict("records")
    return {
        str(cell): ", ".join(column(name).words(row[name]) for name in names) or "all"
        for cell, row in zip(cells["cell"], rows, strict=True)
    }


def _candidates(cells: pd.DataFrame) -> list[str]:
    upload = "upload" if "upload" in cells else "upload_sha256"
    sizes, cores = (cells[name].nunique(dropna=False) for name in _PLACE)
    places = len(cells[list(_PLACE)].drop_duplicates())
    host = list(_PLACE) if places == sizes * cores else ["host"]
    settings = [knob.name for knob in knobs()]
    job = ["subject", *WHICH, upload, "clip_s", "clips"]
    return [*job, *host, "reserve_bytes", *settings, "ffmpeg_version", "ceiling"]


def _goes_along(cells: pd.DataFrame, one: str, other: str) -> bool:
    """Whether each level of `one` comes with one level of `other`, and the other way round."""
    pairs = len(cells[[one, other]].drop_duplicates())
    return pairs == cells[one].nunique(dropna=False) == cells[other].nunique(dropna=False)
