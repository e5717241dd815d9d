"""The cells that two campaigns share: their order, and what tells one from another in words. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from clipkit.records.campaign import levels_in
from clipkit.records.columns import column
from clipkit.records.evidence import settings_words, varies, varying_settings
from clipkit.records.identity import JOB_AND_HOST, WHICH, plain
from clipkit.settings import knobs

_STARTS = "clip_starts_s"
_OF_SOME = ("command", *WHICH)
"""What the cells of other subjects do not have."""


def in_order(cells: pd.DataFrame) -> list[dict[Any, Any]]:
    """By the levels in the order of their declaration, or ascending."""
    names = [
        name
        for name in (*JOB_AND_HOST, *WHICH, *(knob.name for knob in knobs()))
        if name != _STARTS
    ]
    places = {
        name: {level: place for place, level in enumerate(levels_in(name, cells[name]))}
        for name in names
    }
    return sorted(
        cells.to_dict("records"),
        key=lambda cell: [places[name][plain(cell[name])] for name in places],
    )


def words_of_cells(rows: pd.DataFrame) -> Callable[[Mapping[Any, Any]], str]:
    """How to tell the shared cells apart: by what varies between them, the settings between those of
    one subject, since subjects do not follow the same ones."""
    settings = {
        str(subject): varying_settings(own) for subject, own in rows.groupby("subject", sort=False)
    }
    job = (*JOB_AND_HOST, *WHICH)
    names = [name for name in job if name != _STARTS and varies(name, rows[name])]

    def words(row: Mapping[Any, Any]) -> str:
        levels = {name: plain(row[name]) for name in names}
        told = [
            column(name).words(level)
            for name, level in levels.items()
            if level is not None or name not in _OF_SOME
        ]
        if differing := settings[row["subject"]]:
            told.append(settings_words(row, differing))
        return ", ".join(told) or str(row["subject"])

    return words
