"""Which rows of the table belong to the recommended settings, and which to each baseline."""

from __future__ import annotations

import pandas as pd

from clipkit.hosts import Host
from clipkit.plan.subjects import TUNABLE
from clipkit.records.evidence import evidence, has_settings
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
    rows = evidence(table)
    if subject == RECOMMENDED:
        rows = rows[rows["subject"].isin(TUNABLE)]
        rows = rows[has_settings(rows, to_table(recommendation.settings))]
    else:
        rows = rows[rows["subject"] == subject]
    confirming = rows[rows["phase"] == "confirm"]
    return confirming if len(confirming) else rows


def subjects_of(recommendation: Recommendation) -> list[str]:
    """Every subject that the report compares, the recommended settings last."""
    return [*(baseline.name for baseline in recommendation.baselines), RECOMMENDED]


def disturbed_subjects(table: pd.DataFrame, recommendation: Recommendation) -> list[str]:
    """Those of whom no attempt counts, whatever the verdict was: not measured: disturbed."""
    return [
        subject
        for subject in subjects_of(recommendation)
        if rows_of_subject(subject, table, recommendation).empty
    ]


def is_confirmed(table: pd.DataFrame, recommendation: Recommendation) -> bool:
    """Whether a confirming attempt of the recommended settings counts."""
    rows = rows_of_subject(RECOMMENDED, table, recommendation)
    return bool((rows["phase"] == "confirm").any())
