"""Charts of what only a grid of settings has: heat maps, scaling with concurrency, fronts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from clipkit import format
from clipkit.analysis.edges import tells_of_memory_alone
from clipkit.analysis.factors import Factor, cell_words, factors_of
from clipkit.errors import CampaignError
from clipkit.records.best import RECOMMENDED, TIED
from clipkit.records.campaign import Campaign
from clipkit.records.columns import column
from clipkit.records.status import Status
from clipkit.report.charts import heat_points as heat_chart
from clipkit.report.charts import pareto_points as front_chart
from clipkit.report.charts import scaling as scaling_chart
from clipkit.report.charts.heat_drawing import draw_heat_maps, is_stacked
from clipkit.report.charts.heat_points import HeatMap, Layout
from clipkit.report.charts.pareto_drawing import draw_fronts, front_grid
from clipkit.report.charts.pareto_findings import fronts_finding
from clipkit.report.charts.style import PHONE_PX, Picture, picture, standing_words
from clipkit.report.exhibits.exhibit import WIDE_PX, Exhibit, Exhibits, kept
from clipkit.tables import Table

_PANELS = 12
_FIGURES = 12
_ROWS = 120
"""So many pictures, and rows of a table, can still be looked through."""


def heat_maps(campaign: Campaign, layout: Layout | None = None) -> Exhibits:
    """Time a clip over two settings, by two more factors; one heat map for each combination of
    what else varies. Raises CampaignError where those are too many: choose with `part`."""
    ours = timed(campaign).tuned()
    layout = layout or heat_chart.usual_heat_layout(ours.cells)
    parts = _parts(ours, heat_chart.factors_left_over(ours.cells, layout))
    return Exhibits(
        tuple(_heat_map(part, layout, number) for number, part in enumerate(parts, start=1))
    )


def scaling(campaign: Campaign, panels: str = "preset") -> Exhibits:
    """Time a clip over concurrency, a line for each number of encoder threads, a panel for each level of
    `panels` and of what else varies; in its table the speed-up too. Raises CampaignError where nobody was
    told how many."""
    ours = timed(campaign).tuned()
    if ours.cells[scaling_chart.X].isna().all():
        raise CampaignError("how many clips were cut at once is not known: the server was not told")
    used = {scaling_chart.X, scaling_chart.LINES, panels}
    others = [f for f in factors_of(ours.cells) if f.column not in used and not used & set(f.along)]
    lines = [
        scaling_chart.scaling_points(part.cells, panels, _place(part, others, ours))
        for part in _parts(ours, others)
    ]
    each = max(1, _PANELS // max(len(scaling_chart.panels_of(own)) for own in lines))
    groups = [lines[first : first + each] for first in range(0, len(lines), each)]
    return Exhibits(
        tuple(
            _scaling([line for own in group for line in own], ours, panels, number)
            for number, group in enumerate(groups, start=1)
        )
    )


def fronts(campaign: Campaign) -> Exhibits:
    """Time a clip against peak memory, a front for each ceiling, job and CPU quota: their times cannot
    be compared."""
    ours = timed(campaign).tuned()
    apart = (
        "upload",
        "upload_sha256",
        "clips",
        "clip_s",
        "cpu_quota",
        "reserve_bytes",
        "host",
        "host_id",
    )
    others = [f for f in factors_of(ours.cells) if f.column in apart]
    found = [
        front
        for part in _parts(ours, others)
        for front in front_chart.cell_fronts(
            part.cells, cell_words(part.cells), _place(part, others, ours)
        )
    ]
    groups = [found[first : first + _PANELS] for first in range(0, len(found), _PANELS)]
    return Exhibits(
        tuple(_frontier(group, ours, number) for number, group in enumerate(groups, start=1))
    )


def timed(campaign: Campaign) -> Campaign:
    """The campaign. Raises CampaignError where its times say nothing."""
    if tells_of_memory_alone(campaign.table):
        raise CampaignError(
            "a search for the edge of memory: no two of its steps did the same job, so that their times say "
            "nothing. How many clips at once survive is what it tells"
        )
    return campaign


def heat_picture(name: str, heat: HeatMap, shown: Sequence[str] = ()) -> Picture:
    """The heat map, as large as its levels need."""
    layout = heat.layout
    rows, ys = len(heat.levels[layout.rows]), len(heat.levels[layout.y])
    columns, xs = len(heat.levels[layout.columns]), len(heat.levels[layout.x])
    phone_maps = rows * columns if is_stacked(heat, PHONE_PX) else rows
    return picture(
        name,
        f"Heat map of wall time a clip over {column(layout.x).title} and {column(layout.y).title}, "
        f"{len(heat.tiles)} cells",
        (
            min(WIDE_PX, max(520, 240 + 72 * xs * columns)),
            150 + rows * _map_px(ys),
            260 + phone_maps * (14 + _map_px(ys)),
        ),
        lambda figure: draw_heat_maps(heat, figure),
        shown=shown,
    )


def _map_px(ys: int) -> int:
    """How high one map is with its scale."""
    return 30 + max(84, min(46 * ys, 160))


def _heat_map(part: Campaign, layout: Layout, number: int) -> Exhibit:
    heat = heat_chart.heat_points(part.cells, layout)
    drawn = heat_picture(f"heat-{number}", heat, part.shown)
    return kept(Exhibit(drawn, _cells_table(part, [layout.rows])))


def _scaling(
    lines: Sequence[scaling_chart.Line], ours: Campaign, panels: str, number: int
) -> Exhibit:
    placed = any(line.place for line in lines)
    rows = tuple(
        (
            *((line.place,) if placed else ()),
            line.panel,
            line.label,
            str(step.concurrency),
            "–" if step.s_per_clip is None else format.seconds(step.s_per_clip),
            _interval(step.low_s, step.high_s, " s"),
            "–" if step.speedup is None else format.ratio(step.speedup),
            _interval(step.speedup_low, step.speedup_high, "x"),
            str(step.runs),
            step.status.words,
        )
        for line in lines
        for step in line.steps
    )
    heads = (*(("for",) if placed else ()), column(panels).title, "threads", "at once",
             "wall time a clip", "95 % interval", "speed-up", "95 % interval", "runs", "ended")  # fmt: skip
    found = scaling_chart.scaling_finding(lines)
    (down, across), (below, _) = (scaling_chart.panel_grid(lines, w) for w in (WIDE_PX, PHONE_PX))
    drawn = picture(
        f"scaling-{number}",
        f"{found}. Wall time a clip over concurrency, {len(lines)} lines",
        (min(WIDE_PX, max(520, 320 * across)), 130 + 190 * down, 200 + 190 * below),
        lambda figure: scaling_chart.draw_scalings(lines, figure),
        shown=ours.shown,
    )
    return kept(Exhibit(drawn, _cut(heads, rows)))


def _frontier(found: Sequence[front_chart.Front], ours: Campaign, number: int) -> Exhibit:
    heads = ("host and job", "no.", "settings", "wall time a clip", "peak memory", "runs", "ended",
             "standing")  # fmt: skip
    rows: list[tuple[str, ...]] = []
    marked = set[int]()
    for front in found:
        for point in front.points:
            if point.recommended:
                marked.add(len(rows))
            time = "–" if point.s_per_clip is None else format.seconds(point.s_per_clip)
            rows.append((front.place, str(point.number), point.words, time,
                         format.size(point.peak_need_bytes), str(point.runs), point.status.words,
                         standing_of_point(point)))  # fmt: skip
    (down, _), (below, _) = (front_grid(found, width_px) for width_px in (WIDE_PX, PHONE_PX))
    drawn = picture(
        f"frontier-{number}",
        f"{fronts_finding(found)}. Wall time a clip against peak memory, {len(rows)} cells",
        (WIDE_PX, 130 + 240 * down, 220 + 240 * below),
        lambda figure: draw_fronts(found, figure),
        shown=ours.shown,
    )
    return kept(Exhibit(drawn, _cut(heads, tuple(rows), frozenset(marked))))


def standing_of_point(point: front_chart.Point) -> str:
    """How it stands, in words: recommended or tied, and whether it is on the front."""
    best = RECOMMENDED if point.recommended else TIED if point.tie else ""
    return ", ".join(
        filter(None, (standing_words(best), "Pareto front" if point.efficient else ""))
    )


def _place(part: Campaign, others: Sequence[Factor], whole: Campaign) -> str:
    """What tells the part from its sisters, in words."""
    levels = ((name, part.chosen[name][0]) for name in (f.column for f in others))
    return ", ".join(
        f"{int(part.cells['height'].iloc[0])}p"
        if name == "upload" and _told_by_size(whole)
        else column(name).words(level)
        for name, level in levels
    )


def _told_by_size(whole: Campaign) -> bool:
    """Whether the height of its pictures, which is short, tells each upload from the others."""
    heights = whole.cells.groupby("upload")["height"].first()
    return bool(heights.notna().all() and heights.is_unique)


def _parts(campaign: Campaign, others: Sequence[Factor]) -> list[Campaign]:
    """The campaign by what a picture has no place for."""
    parts = campaign.each([factor.column for factor in others])
    if len(parts) <= _FIGURES:
        return parts
    told = "; ".join(
        f"{column(f.column).title}: {column(f.column).listed(f.levels)}" for f in others
    )
    raise CampaignError(
        f"too much varies besides what one picture shows, {len(parts)} pictures ({told}): choose "
        f"some with part({column(others[0].column).short}=…)"
    )


def _cells_table(part: Campaign, by: Sequence[str]) -> Table:
    """The cells from the fastest on, failures last."""
    ordered = part.cells.sort_values([*by, "s_per_clip"], kind="stable", na_position="last")
    words = cell_words(part.cells)
    rows = tuple(
        (
            str(row["cell"]),
            words[str(row["cell"])],
            "–" if pd.isna(row["s_per_clip"]) else format.seconds(row["s_per_clip"]),
            _interval(row["s_per_clip_low"], row["s_per_clip_high"], " s"),
            format.size(None if pd.isna(row["peak_need_bytes"]) else int(row["peak_need_bytes"])),
            str(row["runs"]),
            _ended(row),
            standing_words(str(row["best"])),
        )
        for row in ordered.head(_ROWS).to_dict("records")
    )
    heads = ("cell", "settings", "wall time a clip", "95 % interval", "peak memory", "runs",
             "ended", "standing")  # fmt: skip
    best = frozenset(
        index for index, row in enumerate(rows) if row[-1] == standing_words(RECOMMENDED)
    )
    return _cut(heads, rows, best, len(part.cells))


def _cut(
    heads: tuple[str, ...],
    rows: tuple[tuple[str, ...], ...],
    marked: frozenset[int] = frozenset(),
    of: int | None = None,
) -> Table:
    """A table that can be looked through; its caption tells what it leaves out."""
    whole = len(rows) if of is None else of
    caption = f"The first {_ROWS} of {whole} rows; all are in `cells`." if whole > _ROWS else ""
    return Table(heads, rows[:_ROWS], caption, frozenset(m for m in marked if m < _ROWS))


def _ended(row: dict[Any, Any]) -> str:
    """How a cell ended; in how many of its runs, where only some failed."""
    partly = f" in {row['failures']} of {row['runs'] + row['failures']} runs"
    return Status(row["status"]).words + (partly if row["failures"] and row["runs"] else "")


def _interval(low: float | None, high: float | None, unit: str) -> str:
    if low is None or high is None or pd.isna(low) or pd.isna(high):
        return "–"
    return f"{format.number(low)} – {format.number(high)}{unit}"
