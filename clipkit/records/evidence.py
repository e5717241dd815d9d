"""Which rows of the table count, and how they differ in settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from clipkit.records.record import Status
from clipkit.settings import knobs

_NO_EVIDENCE = (Status.INVALID_NOISE, Status.CANCELLED)


def evidence(table: pd.DataFrame) -> pd.DataFrame:
    """The rows that count: no warm-up, neither spoilt by noise nor cut short by the user."""
    spoilt = table["status"].isin([str(status) for status in _NO_EVIDENCE])
    return table[~spoilt & (table["phase"] != "warmup")]


def has_settings(table: pd.DataFrame, settings: Mapping[str, Any]) -> pd.Series[bool]:
    """Which rows were cut with exactly these settings; one left out or None is NA in the table."""
    same = pd.Series(True, index=table.index)
    for knob in knobs():
        column, value = table[knob.name], settings.get(knob.name)
        same &= column.isna() if value is None else (column == value).fillna(False)
    return same.astype(bool)


def settings_words(settings: Mapping[Any, Any], varying: list[str]) -> str:
    """`ultrafast, concurrency 2, encoder threads 1`: the settings that make the difference."""
    known = {name: settings[name] for name in varying if not pd.isna(settings[name])}
    words = [_setting_words(name, value) for name, value in known.items()]
    return ", ".join(words) or "defaults"


def varying(table: pd.DataFrame) -> list[str]:
    """The settings that differ between rows, in the order of the declaration."""
    return [knob.name for knob in knobs() if table[knob.name].nunique(dropna=False) > 1]


def _setting_words(name: str, value: object) -> str:
    if name in ("mode", "preset"):
        return str(value)
    shown = {True: "on", False: "off"}[value] if isinstance(value, bool) else value
    return f"{name.replace('_', ' ')} {shown}"
