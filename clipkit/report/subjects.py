"""Which rows of the table belong to the recommended settings, and which to each baseline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from clipkit.hosts import Host
from clipkit.report.style import RECOMMENDED
from clipkit.settings import knobs, to_table
from clipkit.trial.record import Status
from clipkit.tuning.recommendation import Recommendation

_NO_EVIDENCE = (Status.INVALID_NOISE, Status.CANCELLED)

OUTCOMES = {
    Status.OK: "ok",
    Status.OOM: "ran out of memory",
    Status.OOM_INFERRED: "not run: a smaller one ran out of memory",
    Status.TIMEOUT: "timed out",
    Status.FAILED: "failed",
    Status.CANCELLED: "cancelled",
    Status.INVALID_NOISE: "invalid: the machine was busy",
}


def outcome(status: str) -> str:
    """A status in words."""
    return OUTCOMES.get(Status(status), status)


def evidence(table: pd.DataFrame) -> pd.DataFrame:
    """The rows that count: no warm-up, neither spoilt by noise nor cut short by the user."""
    spoilt = table["status"].isin([str(status) for status in _NO_EVIDENCE])
    return table[~spoilt & (table["phase"] != "warmup")]


def predicted_wall_s(rows: pd.DataFrame, host: Host) -> pd.Series[float]:
    """Wall time on the host, as `tuning.screening` predicts it where the quota was another one."""
    wall_s = rows["wall_s"].astype("float64")
    if host.cpus is None:
        return wall_s
    cpu_s = rows["ffmpeg_cpu_s"].fillna(0) + rows["orchestrator_cpu_s"].fillna(0)
    stretched_s = wall_s.clip(lower=cpu_s.astype("float64") / host.cpus)
    return wall_s.where((rows["cpu_quota"] == host.cpus).fillna(False).astype(bool), stretched_s)


def rows_of(subject: str, table: pd.DataFrame, recommendation: Recommendation) -> pd.DataFrame:
    """The attempts of a baseline, or of the recommended settings; the confirming ones if any."""
    rows = evidence(table)
    if subject == RECOMMENDED:
        rows = rows[rows["subject"] == "clipkit"]
        rows = rows[has_settings(rows, to_table(recommendation.settings))]
    else:
        rows = rows[rows["subject"] == subject]
    confirming = rows[rows["phase"] == "confirm"]
    return confirming if len(confirming) else rows


def names(recommendation: Recommendation) -> list[str]:
    """Every subject that the report compares, the recommended settings last."""
    return [*(baseline.name for baseline in recommendation.baselines), RECOMMENDED]


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
