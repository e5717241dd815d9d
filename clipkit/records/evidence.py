"""Which rows of a table count, by the rule of `records.status`, and how they differ in settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from clipkit.records.columns import column
from clipkit.records.status import COUNTS, TELLING, Status
from clipkit.settings import knobs

_NEVER_LEFT_OUT = {knob.name for knob in knobs() if not knob.absent}


def evidence(table: pd.DataFrame) -> pd.DataFrame:
    """The rows that say something of their cell: attempts that count, and inferences."""
    return _ended(table, TELLING)


def tried(table: pd.DataFrame) -> pd.DataFrame:
    """The same and what others disturbed, of which a cell may have nothing else."""
    return _ended(table, (*TELLING, Status.INVALID_NOISE))


def finished_rows(rows: pd.DataFrame) -> pd.Series[bool]:
    """Which of the rows ended well and have a time: `status.is_finished`, for a table."""
    return ((rows["status"] == str(Status.OK)) & rows["wall_s"].notna()).astype(bool)


def counted_rows(rows: pd.DataFrame) -> pd.Series[bool]:
    """Which of the rows are attempts that count."""
    return rows["status"].isin([str(status) for status in COUNTS]).astype(bool)


def has_settings(table: pd.DataFrame, settings: Mapping[str, Any]) -> pd.Series[bool]:
    """Which rows were cut with exactly these settings; of one that is left out what held before it
    was declared, and None is NA in the table. What a subject does not follow tells nothing apart."""
    same = pd.Series(True, index=table.index)
    for knob in knobs():
        levels, value = table[knob.name], settings.get(knob.name, knob.before)
        followed = knob.name in _NEVER_LEFT_OUT
        same &= levels.isna() if value is None else (levels == value).fillna(followed)
    return same.astype(bool)


def varying_settings(table: pd.DataFrame) -> list[str]:
    """The settings that differ between rows, in the order of the declaration."""
    return [knob.name for knob in knobs() if varies(knob.name, table[knob.name])]


def varies(name: str, values: pd.Series[Any]) -> bool:
    """Whether a column has several levels. Of a setting None is one only where it means that the
    preset decides; elsewhere it says that a subject does not follow the setting."""
    return int(values.nunique(dropna=name in _NEVER_LEFT_OUT)) > 1


def settings_words(settings: Mapping[Any, Any], differing: Sequence[str]) -> str:
    """`ultrafast, concurrency 2, encoder threads 1`: the settings that make the difference."""
    known = {name: settings[name] for name in differing if not pd.isna(settings[name])}
    return ", ".join(column(name).words(value) for name, value in known.items()) or "defaults"


def _ended(table: pd.DataFrame, statuses: Sequence[Status]) -> pd.DataFrame:
    """Without warm-ups, which older campaigns hold."""
    told = table["status"].isin([str(status) for status in statuses])
    return table[told & (table["phase"] != "warmup")]
