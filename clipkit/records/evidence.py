"""Which rows of a table count, by the rule of `records.status`, and how they differ in settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from clipkit.records.columns import column
from clipkit.records.record import Record
from clipkit.records.status import COUNTS, INVALID, TELLING, Status
from clipkit.settings import knobs

_NEVER_LEFT_OUT = {knob.name for knob in knobs() if not knob.absent}

_TRIAL = ("phase", "cell", "block")
"""What the attempts of one trial have in common."""


def evidence(table: pd.DataFrame) -> pd.DataFrame:
    """The rows that say something of their cell: attempts that count, and inferences."""
    return _ended(table, TELLING)


def tried(table: pd.DataFrame) -> pd.DataFrame:
    """The same and what is invalid, of which a cell may have nothing else."""
    return _ended(table, (*TELLING, *INVALID))


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


def without_repeated(records: Iterable[Record]) -> list[Record]:
    """Without the attempts that count and were run again all the same: the user asked for it, or raised
    the limit at which one timed out. The last one stands for the trial."""
    known = list(records)
    counted = [record for record in known if record.status in COUNTS]
    last: dict[tuple[Any, ...], int] = {}
    for record in counted:
        trial = tuple(getattr(record, name) for name in _TRIAL)
        last[trial] = max(record.attempt, last.get(trial, 0))
    return [
        record
        for record in known
        if record.status not in COUNTS
        or record.attempt == last[tuple(getattr(record, name) for name in _TRIAL)]
    ]


def varies(name: str, values: pd.Series[Any]) -> bool:
    """Whether a column has several levels. Of a setting None is one only where it means that the
    preset decides; elsewhere it says that a subject does not follow the setting."""
    return int(values.nunique(dropna=name in _NEVER_LEFT_OUT)) > 1


def settings_words(settings: Mapping[Any, Any], differing: Sequence[str]) -> str:
    """`ultrafast, concurrency 2, encoder threads 1`: the settings that make the difference."""
    known = {name: settings[name] for name in differing if not pd.isna(settings[name])}
    return ", ".join(column(name).words(value) for name, value in known.items()) or "defaults"


def _ended(table: pd.DataFrame, statuses: Sequence[Status]) -> pd.DataFrame:
    """Without warm-ups, which older campaigns hold, and without what was repeated."""
    told = table["status"].isin([str(status) for status in statuses])
    return table[told & (table["phase"] != "warmup") & ~_repeated_rows(table)]


def _repeated_rows(table: pd.DataFrame) -> pd.Series[bool]:
    """Which of the rows `without_repeated` leaves out."""
    counted = counted_rows(table)
    attempts = table["attempt"].where(counted)
    if not (attempts > 1).any():
        return pd.Series(False, index=table.index)
    last = attempts.groupby([table[name] for name in _TRIAL]).transform("max")
    return counted & (attempts < last).fillna(value=False).astype(bool)
