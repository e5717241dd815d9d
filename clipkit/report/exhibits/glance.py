"""A sweep at a glance: one heat map of what is there so far, for a campaign's and a live display."""

from __future__ import annotations

import pandas as pd

from clipkit.errors import CampaignError
from clipkit.records.campaign import Campaign
from clipkit.report.charts.heat_points import (
    HeatMap,
    factors_left_over,
    heat_points,
    usual_heat_layout,
)
from clipkit.report.charts.style import Picture
from clipkit.report.exhibits.grid_charts import heat_picture


def heat_map_at_a_glance(campaign: Campaign) -> Picture | None:
    """Of what subjects cut whose settings can be chosen; of more than four factors, the rest is as in
    the cell that was tried last. None where that shows nothing: fewer than two cells, or none that
    finished, or cells that differ in what is no factor."""
    if len(campaign.cells) < 2:
        return None
    part = campaign.tuned()
    try:
        part, heat = _part_of_last(part)
    except CampaignError:
        return None
    if len(heat.tiles) < 2 or heat.range_s is None:
        return None
    return heat_picture("glance", heat, part.shown)


def _part_of_last(campaign: Campaign) -> tuple[Campaign, HeatMap]:
    last, layout = campaign.cells.iloc[-1], usual_heat_layout(campaign.cells)
    others = [factor.column for factor in factors_left_over(campaign.cells, layout)]
    wanted = {name: None if pd.isna(last[name]) else last[name] for name in others}
    part = (
        next((one for one in campaign.each(others) if _is_of(one, wanted)), campaign)
        if others
        else campaign
    )
    return part, heat_points(part.cells, layout)


def _is_of(part: Campaign, wanted: dict[str, object]) -> bool:
    return all(part.chosen[name] == (level,) for name, level in wanted.items())
