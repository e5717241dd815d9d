"""Draws every effect with its interval: a forest plot in small multiples, in one column or two."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from clipkit.claims import Finding
from clipkit.report.charts import style, writing
from clipkit.report.charts.claims_forest import Line, Panel
from clipkit.report.charts.style import chart_text

_ROW_PX, _AXIS_PX, _GAP_PX = 17, 38, 16
"""Height of an effect, of a panel's axis, and between panels and columns."""
_TOP_PX, _LEGEND_ROW_PX = 44, 18
"""Room for the heading, with two more lines on a phone, and for a line of the legend."""
_TWO_COLUMNS_PX = 700

_LOOKS = {
    Finding.AS_CLAIMED: ("o", style.GREEN),
    Finding.MORE: ("^", style.BLUE),
    Finding.LESS: ("v", style.ORANGE),
    Finding.OPPOSITE: ("s", style.VERMILLION),
    Finding.NOT_DECIDED: ("D", style.GREY),
    Finding.DOES_NOT_APPLY: ("P", style.PALE),
}
_TICKS = (
    0.1,
    0.2,
    0.5,
    0.7,
    0.8,
    0.9,
    0.98,
    1.0,
    1.02,
    1.1,
    1.2,
    1.5,
    2.0,
    3.0,
    5.0,
    10.0,
    20.0,
    50.0,
)
_BAND = "#dfe6ee"
_SMALL = {"fontsize": writing.SMALL_PT, "va": "center"}


@dataclass(frozen=True, slots=True)
class _Place:
    """Where one panel's parts are, in pixels from the figure's left and bottom: its words on the left end
    at `axes_px`, those on the right begin after `axes_px + wide_px`."""

    left_px: float
    axes_px: float
    wide_px: float
    column_px: float
    top_px: float


def forest_columns(panels: Sequence[Panel], width_px: float) -> list[list[Panel]]:
    """Two columns where there is room, in the claims' order, as equally high as can be."""
    if width_px < _TWO_COLUMNS_PX:
        return [list(panels)]
    heights = [_panel_px(panel, _column_px(2, width_px)) for panel in panels]
    cut = min(
        range(1, len(panels) + 1),
        key=lambda n: max(sum(heights[:n]), sum(heights[n:])),
        default=0,
    )
    return [list(panels[:cut]), list(panels[cut:])]


def forest_height_px(panels: Sequence[Panel], width_px: float) -> int:
    """How high the whole figure is."""
    columns = forest_columns(panels, width_px)
    column_px = _column_px(len(columns), width_px)
    highest = max(sum(_panel_px(panel, column_px) for panel in own) for own in columns)
    return int(_head_px(width_px) + highest + _legend_px(width_px))


def draw_forest(panels: Sequence[Panel], figure: Figure, found: str) -> Figure:
    """Fill a figure of `forest_height_px`: what is judged is filled, what is shown beside hollow."""
    if not panels:
        style.draw_nothing(figure.subplots(), "nothing was measured of any claim on time")
        return figure
    width_px, high_px = writing.width_px(figure), writing.height_px(figure)
    figure.set_layout_engine("none")
    columns = forest_columns(panels, width_px)
    column_px = _column_px(len(columns), width_px)
    label_px = max(writing.text_px(line.label) for panel in panels for line in panel.lines) + 8
    words_px = (
        max(writing.text_px(_words(line, panels)) for panel in panels for line in panel.lines) + 8
    )
    for place, own in enumerate(columns):
        top_px, left_px = high_px - _head_px(width_px), _GAP_PX / 2 + place * (column_px + _GAP_PX)
        for panel in own:
            wide_px = column_px - label_px - words_px
            _draw_panel(
                panel,
                panels,
                figure,
                _Place(left_px, left_px + label_px, wide_px, column_px, top_px),
            )
            top_px -= _panel_px(panel, column_px)
    counts = sorted({line.n for panel in panels for line in panel.lines if line.n is not None})
    pairs = f", n = {counts[0]} pairs of runs each" if len(counts) == 1 else ""
    writing.heading(figure, found, f"how many times as fast, with 95 % intervals{pairs}")
    _draw_legend(panels, figure)
    return figure


def _column_px(columns: int, width_px: float) -> float:
    return (width_px - _GAP_PX * columns) / columns


def _head_px(width_px: float) -> float:
    return _TOP_PX if width_px >= _TWO_COLUMNS_PX else _TOP_PX + 50


def _legend_px(width_px: float) -> float:
    return _LEGEND_ROW_PX * (2 if width_px >= _TWO_COLUMNS_PX else 9)


def _claim_lines(panel: Panel, column_px: float) -> str:
    return writing.wrapped(panel.claim, column_px - 6)


def _title_px(panel: Panel, column_px: float) -> float:
    lines = 1 + _claim_lines(panel, column_px).count("\n")
    return writing.line_px(writing.TITLE_PT) + lines * writing.line_px(writing.SMALL_PT) + 4


def _panel_px(panel: Panel, column_px: float) -> float:
    return _title_px(panel, column_px) + _ROW_PX * panel.rows + _AXIS_PX + _GAP_PX


def _words(line: Line, panels: Sequence[Panel]) -> str:
    """With the number of pairs where that is not the same everywhere."""
    counts = {each.n for panel in panels for each in panel.lines if each.n is not None}
    return line.words if line.n is None or len(counts) == 1 else f"{line.words}  n = {line.n}"


def _draw_panel(panel: Panel, panels: Sequence[Panel], figure: Figure, place: _Place) -> None:
    width_px, high_px = writing.width_px(figure), writing.height_px(figure)

    def write(x_px: float, y_px: float, words: str, **look: Any) -> None:
        figure.text(x_px / width_px, y_px / high_px, chart_text(words), **look)

    title_px = _title_px(panel, place.column_px)
    write(
        place.left_px,
        place.top_px,
        panel.title,
        fontsize=writing.TITLE_PT,
        fontweight="bold",
        va="top",
    )
    write(place.left_px, place.top_px - writing.line_px(writing.TITLE_PT), _claim_lines(panel, place.column_px),
          fontsize=writing.SMALL_PT, color=style.GREY, va="top")  # fmt: skip
    rows_px = _ROW_PX * panel.rows
    bottom_px = place.top_px - title_px - rows_px
    box = (
        place.axes_px / width_px,
        bottom_px / high_px,
        place.wide_px / width_px,
        rows_px / high_px,
    )
    ax = figure.add_axes(box)
    left, right = _span(panel)
    ax.set_xscale("log")
    ax.set_xlim(left, right)
    ax.set_ylim(panel.rows - 0.5, -0.5)
    low, high = max(panel.band[0], left), min(panel.band[1], right)
    if low < high:
        ax.axvspan(low, high, color=_BAND, linewidth=0, zorder=0)
    ax.axvline(1, color=style.GREY, linewidth=1, zorder=1)
    row = 0
    for name, lines in panel.groups:
        middle_px = place.top_px - title_px - _ROW_PX * (row + 0.5)
        write(place.left_px, middle_px, name, fontweight="bold", bbox=style.HALO, **_SMALL)
        for line in lines:
            row += 1
            middle_px -= _ROW_PX
            write(place.axes_px - 5, middle_px, line.label, ha="right", **_SMALL)
            write(
                place.axes_px + place.wide_px + 6,
                middle_px,
                _words(line, panels),
                color=style.GREY,
                **_SMALL,
            )
            _draw_line(line, row, ax)
        row += 1
    _scale(left, right, place.wide_px, ax)
    write(
        place.left_px + place.column_px / 2,
        bottom_px - _AXIS_PX + 8,
        panel.x_label,
        ha="center",
        **_SMALL,
    )


def _scale(left: float, right: float, wide_px: float, ax: Axes) -> None:
    ax.xaxis.set_major_locator(FixedLocator(_ticks(left, right, wide_px)))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda tick, _: f"{tick:g}"))
    ax.tick_params(axis="x", labelsize=writing.SMALL_PT)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)


def _ticks(left: float, right: float, wide_px: float) -> list[float]:
    """Round ratios far enough from each other to be read, 1 among them."""
    chosen: list[float] = []
    scale_px = wide_px / math.log(right / left)
    for tick in sorted(_TICKS, key=lambda tick: (tick != 1.0, abs(math.log(tick)))):
        if left <= tick <= right and all(
            abs(math.log(tick / one)) * scale_px > (_number_px(tick) + _number_px(one)) / 2 + 6
            for one in chosen
        ):
            chosen.append(tick)
    return sorted(chosen)


def _number_px(tick: float) -> float:
    return writing.text_px(f"{tick:g}")


def _draw_line(line: Line, row: int, ax: Axes) -> None:
    marker, color = _LOOKS[line.finding]
    if line.ratio is None:
        ax.plot(
            0.04, row, "X", color=style.FAILURE, markersize=6, transform=ax.get_yaxis_transform()
        )
        return
    if line.low is not None and line.high is not None:
        ax.plot([line.low, line.high], [row, row], color=color, linewidth=1.4, zorder=2)
    fill = color if line.judged else "white"
    ax.plot(
        line.ratio,
        row,
        marker=marker,
        markersize=5,
        markerfacecolor=fill,
        markeredgecolor=color,
        zorder=3,
    )


def _span(panel: Panel) -> tuple[float, float]:
    """From the lowest to the highest bound, 1 included, with a margin; never narrower than 10 %."""
    lines = panel.lines
    known = [b for line in lines for b in (line.ratio, line.low, line.high) if b is not None]
    low, high = min([1.0, *known]), max([1.0, *known])
    margin = max(math.log(high / low) * 0.08, math.log(1.05))
    return low / math.exp(margin), high * math.exp(margin)


def _draw_legend(panels: Sequence[Panel], figure: Figure) -> None:
    lines = [line for panel in panels for line in panel.lines]
    occur = {line.finding for line in lines}
    handles = [
        Line2D([], [], marker=marker, color=color, linewidth=1.4, markersize=5, label=finding)
        for finding, (marker, color) in _LOOKS.items()
        if finding in occur
    ]
    if any(not line.judged for line in lines):
        words = "hollow: shown beside, not judged"
        handles.append(_mark("o", style.GREY, "white", words))
    if any(line.ratio is None for line in lines):
        handles.append(_mark("X", style.FAILURE, style.FAILURE, "no time to compare"))
    handles.append(Line2D([], [], color=_BAND, linewidth=7, label="what the claim says"))
    style.legend_below(figure, handles)


def _mark(marker: str, color: str, fill: str, words: str) -> Line2D:
    return Line2D(
        [], [], marker=marker, color=color, markerfacecolor=fill, linewidth=0, label=words
    )
