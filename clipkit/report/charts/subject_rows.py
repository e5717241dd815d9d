"""Which rows of the table belong to the recommended settings, and which to each baseline."""

from __future__ import annotations

import pandas as pd

from clipkit.hosts import Host
from clipkit.plan.subjects import TUNABLE
from clipkit.records.evidence import evidence, has_settings, tried
from clipkit.records.status import Status, status_of_all
from clipkit.report.charts.style import RECOMMENDED
from clipkit.settings import to_table
from clipkit.tuning.recommendation import Recommendation


def predicted_wall_s(rows: pd.DataFrame, host: Host) -> pd.Series[float]:
    """Wall time on the host, as `tuning.screening` predicts it where the quota was another one."""
    wall_s = rows["wall_s"].astype("float64")
    if host.cpus is None:
        return wall_s
    cpu_s = rows["ffmpeg_cpu_s"].fillna(0) + rows["orchestrator_cpu_s"].fillna(0)
    stretched_s = wall_s.clip(lower=cpu_s.astype("float64") / host.cpus)
    return wall_s.where((rows["cpu_quota"] == host.cpus).fillna(False).astype(bool), stretched_s)


def rows_of_subject(
    subject: str, table: pd.DataFrame, recommendation: Recommendation
) -> pd.DataFrame:
    """Of a baseline, or of the recommended settings, what says something; the confirming attempts if
    any of them counts."""
    rows = _of_subject(subject, evidence(table), recommendation)
    confirming = rows[rows["phase"] == "confirm"]
    return confirming if len(confirming) else rows


def subjects_of(recommendation: Recommendation) -> list[str]:
    """Every subject that the report compares, the recommended settings last."""
    return [*(baseline.name for baseline in recommendation.baselines), RECOMMENDED]


def why_unmeasured(subject: str, table: pd.DataFrame, recommendation: Recommendation) -> str | None:
    """Why no attempt of the subject counts, in words, whatever the verdict says of it; None where one
    does."""
    if len(_of_subject(subject, evidence(table), recommendation)):
        return None
    attempts = _of_subject(subject, tried(table), recommendation)
    end = status_of_all(map(Status, attempts["status"]))
    return end.words if end else "not run"


def unmeasured_subjects(table: pd.DataFrame, recommendation: Recommendation) -> dict[str, str]:
    """Those of whom no attempt counts -> why."""
    found = {
        name: why_unmeasured(name, table, recommendation) for name in subjects_of(recommendation)
    }
    return {name: why for name, why in found.items() if why}


def is_confirmed(table: pd.DataFrame, recommendation: Recommendation) -> bool:
    """Whether a confirming attempt of the recommended settings counts."""
    rows = rows_of_subject(RECOMMENDED, table, recommendation)
    return bool((rows["phase"] == "confirm").any())


def _of_subject(subject: str, rows: pd.DataFrame, recommendation: Recommendation) -> pd.DataFrame:
    if subject != RECOMMENDED:
        return rows[rows["subject"] == subject]
    rows = rows[rows["subject"].isin(TUNABLE)]
    return rows[has_settings(rows, to_table(recommendation.settings))]
