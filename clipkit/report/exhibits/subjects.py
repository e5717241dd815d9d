"""Which rows of the table belong to the recommended settings, and which to each baseline."""

from __future__ import annotations

import pandas as pd

from clipkit.hosts import Host
from clipkit.records.evidence import evidence, has_settings
from clipkit.records.record import Status
from clipkit.report.charts.style import RECOMMENDED
from clipkit.settings import to_table
from clipkit.tuning.recommendation import Recommendation

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
