"""A sweep at a glance: one heat map of what is there so far, for a campaign's and a live display."""

from __future__ import annotations

import pandas as pd

from clipkit.analysis import cells as cell_table
from clipkit.analysis.factors import at
from clipkit.report import levels
from clipkit.report.charts.heat import HeatMap, heat_points, left_over, usual_layout
from clipkit.report.charts.heat_drawing import draw_heat_maps
from clipkit.report.exhibit import WIDE_PX
from clipkit.report.style import Picture, picture

_TILE_PX, _AROUND_PX, _HEAD_PX = 30, 40, 130
_ROW_PX = 170
"""The least height of a row of maps: its label stands upright beside it."""


def heat_map(table: pd.DataFrame) -> Picture | None:
    """Of more than four factors, the rest is as in the run that ended last. None where there is
    nothing to compare: fewer than two cells, or none that finished."""
    heat = points(table)
    if heat is None or len(heat.tiles) < 2 or heat.range_s is None:
        return None
    rows, tall = len(heat.levels[heat.layout.rows]), len(heat.levels[heat.layout.y])
    size_px = (WIDE_PX, _HEAD_PX + rows * max(_ROW_PX, _AROUND_PX + tall * _TILE_PX))
    low_s, high_s = heat.range_s
    alt = (
        f"Heat map of wall time a clip: {low_s:.3g} to {high_s:.3g} s over {len(heat.tiles)} cells"
    )
    return picture("glance", alt, size_px, lambda figure: draw_heat_maps(heat, figure))


def points(table: pd.DataFrame) -> HeatMap | None:
    """What `heat_map` draws."""
    cells = cell_table.cells(table)
    if cells.empty:
        return None
    cells = cells[cells["subject"] == cells["subject"].mode().iloc[0]]
    last = cells[cells["cell"].isin(table["cell"])].iloc[-1]
    layout, fixed = usual_layout(cells), []
    for factor in left_over(cells, layout):
        value = None if pd.isna(last[factor.column]) else last[factor.column]
        cells = cells[at(cells, factor.column, [value])]
        fixed.append(levels.words(factor.column, value))
    return heat_points(cells, cell_table.noise(table), layout, fixed)
