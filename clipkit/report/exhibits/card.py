"""A campaign that shows itself in a notebook: what `clipkit.load` returns. Writes nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from clipkit import format as fmt
from clipkit.campaign import background
from clipkit.campaign.standing import read_standing
from clipkit.plan.subjects import TUNABLE
from clipkit.records.best import RECOMMENDED, TIED
from clipkit.records.campaign import Campaign, open_campaign
from clipkit.records.columns import column
from clipkit.records.condition import CONDITION
from clipkit.records.evidence import settings_words, varying_settings
from clipkit.records.folder import PROGRESS, is_tuning
from clipkit.records.identity import plain
from clipkit.records.status import Status
from clipkit.report.charts.style import standing_words
from clipkit.report.exhibits.glance import heat_map_at_a_glance
from clipkit.report.exhibits.tuning_sections import verdict_warning
from clipkit.tables import Table
from clipkit.tuning.recommendation import Recommendation, read_recommendation

_TELLING = ("upload", "clips", "clip_s", "memory_limit_bytes", "cpu_quota", "reserve_bytes")
"""What tells one condition from another, in words; the rest of it goes along with these."""


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Shown(Campaign):
    """The opened campaign with a card of its own: what measured it, how its cells ended, what is
    recommended for each host and job, and a heat map."""

    @property
    def recommendation(self) -> Recommendation | None:
        """What `clipkit tune` recommended, where this is a tuning."""
        return read_recommendation(self.folder) if is_tuning(self.folder) else None

    def _repr_html_(self) -> str:
        rows = [
            ("machine", "; ".join(map(_machine_words, self.machines.values()))),
            ("cells", _cells_words(self)),
            ("attempts", _counts(self.table["status"])),
            *(("shown", words) for words in self.shown),
        ]
        known = self.recommendation
        if known:
            warning = verdict_warning(self, known)
            rows += [("warning", warning)] if warning else []
            rows.append(("verdict", known.verdict))
        else:
            rows += recommended_rows(self)
        drawn = None if known else heat_map_at_a_glance(self)
        told = Table(("campaign", fmt.near(self.folder)), tuple(rows))
        return told._repr_html_() + (drawn._repr_html_() if drawn else "")


def shown_campaign(folder: Path | str) -> Shown:
    """Open a campaign's folder. Raises CampaignError where it is none."""
    opened = open_campaign(folder)
    return Shown(**{f.name: getattr(opened, f.name) for f in dataclasses.fields(opened)})


def recommended_rows(campaign: Campaign) -> list[tuple[str, str]]:
    """Of each host and job the recommended cell, and how many cannot be told apart from it; of
    baselines alone nothing can be recommended."""
    cells = campaign.cells
    telling = [name for name in _TELLING if cells[name].nunique(dropna=False) > 1]
    differing = varying_settings(cells[cells["subject"].isin(TUNABLE)])
    rows = []
    tunable = cells[cells["subject"].isin(TUNABLE)]
    for _, group in tunable.groupby(list(CONDITION), dropna=False):
        where = ", ".join(column(name).words(group.iloc[0][name]) for name in telling)
        mark = standing_words(RECOMMENDED)
        head = f"{mark}: {where}" if where else mark
        rows.append((head, _recommended_words(group, differing)))
    return rows


def state_words(state: str, is_held: bool) -> str:
    """How a sweep ended or goes on; `is_held`: whether a process is there that measures."""
    if state == "running" and not is_held:
        return "its process was killed: sweep again to go on"
    return state


def _cells_words(campaign: Campaign) -> str:
    told = _counts(campaign.cells["status"])
    if not (campaign.folder / PROGRESS).exists():
        return told
    now = read_standing(campaign.folder)
    state = state_words(now.state, background.is_held(campaign.folder))
    return f"{told}; {now.done} of {now.total} trials, {state}"


def _machine_words(environment: Mapping[str, Any]) -> str:
    cores = environment.get("cores", "?")
    system, ceiling = (environment.get(key, "unknown") for key in ("system", "ceiling"))
    cpu = environment.get("cpu", "unknown CPU")
    return f"{cpu}, {cores} cores, {system}; ceiling by {ceiling}"


def _counts(statuses: pd.Series[str]) -> str:
    counted = statuses.value_counts().items()
    return f"{len(statuses)}: " + ", ".join(
        f"{count} {Status(str(end)).words}" for end, count in counted
    )


def _recommended_words(group: pd.DataFrame, differing: list[str]) -> str:
    """Of the cells of one condition."""
    found = group[group["best"] == RECOMMENDED].to_dict("records")
    if not found:
        return "no settings that finished in every run"
    best, ties = found[0], int((group["best"] == TIED).sum())
    what = settings_words(best, differing)
    bounds = (best["s_per_clip_low"], best["s_per_clip_high"])
    interval = None if any(map(pd.isna, bounds)) else bounds
    told = f"{what}: {fmt.seconds(best['s_per_clip'])} a clip{fmt.interval(interval)}"
    told += f", peak {fmt.largest(plain(best['peak_need_bytes']), best['runs'])}"
    told += "" if best["decided"] else "; not decided"
    return f"{told}; {ties} not told apart from the fastest" if ties else told
