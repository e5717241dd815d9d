"""A sweep at a glance: one heat map of what is there so far, for a campaign's and a live display."""

from __future__ import annotations

import pandas as pd

from clipkit.analysis.factors import at
from clipkit.errors import CampaignError
from clipkit.plan.subjects import ENGINE
from clipkit.records import cells as cell_table
from clipkit.records import wording as levels
from clipkit.report.charts.heat import HeatMap, heat_points, left_over, usual_layout
from clipkit.report.charts.style import Picture
from clipkit.report.exhibits.grid import heat_picture


def heat_map(table: pd.DataFrame) -> Picture | None:
    """The settings of clipkit's own engine; of more than four factors, the rest is as in the cell
    that was tried last. None where that shows nothing: fewer than two cells, or none that finished,
    or cells that differ in what is no factor."""
    cells = cell_table.cells(table)
    cells = cells[cells["subject"] == ENGINE]
    if len(cells) < 2:
        return None
    try:
        heat = _points(cells, table)
    except CampaignError:
        return None
    if len(heat.tiles) < 2 or heat.range_s is None:
        return None
    return heat_picture("glance", heat)


def _points(cells: pd.DataFrame, table: pd.DataFrame) -> HeatMap:
    last, layout, fixed = cells.iloc[-1], usual_layout(cells), []
    for factor in left_over(cells, layout):
        value = None if pd.isna(last[factor.column]) else last[factor.column]
        cells = cells[at(cells, factor.column, [value])]
        fixed.append(f"only {levels.words(factor.column, value)}")
    return heat_points(cells, cell_table.noise(table), layout, fixed)
