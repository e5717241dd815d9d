"""Draws heat maps: tiles in colours, failures hatched, the best outlined."""

from __future__ import annotations

import itertools
import textwrap
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, PathPatch
from matplotlib.path import Path
from matplotlib.patheffects import Normal, withStroke
from matplotlib.ticker import FuncFormatter, NullFormatter

from clipkit import format
from clipkit.records.best import RECOMMENDED, TIED
from clipkit.records.columns import column
from clipkit.report.charts import style, writing
from clipkit.report.charts.heat_points import HeatMap, Tile, heat_finding, heat_words
from clipkit.report.charts.status_looks import LOOKS, Look

COLORS = "cividis_r"
"""Bright is fast, dark is slow; told apart by everybody and in print."""

_TEXT_PX = (34, 17)
"""A tile smaller than this has no room for its number: the colour alone, and the table, tell it."""

_TITLE_PX = 100
"""Nor has a narrower map for what stands above and below it."""

_ROW_TITLE = 16
"""Letters in a line of a row's title, which stands upright: an upload's name may be long."""


@dataclass(frozen=True, slots=True)
class Outline:
    width: float
    dashes: Any


_OUTLINES = {RECOMMENDED: Outline(2.6, "-"), TIED: Outline(1.3, (0, (3, 2)))}


def draw_heat_maps(heat: HeatMap, figure: Figure) -> None:
    """Every small multiple, the highest row on top, with one bar of colours and one legend."""
    rows, columns = (len(heat.levels[c]) for c in (heat.layout.rows, heat.layout.columns))
    narrow = is_stacked(heat, writing.width_px(figure))
    across, down = (1, rows * columns) if narrow else (columns, rows)
    axes = figure.subplots(down, across, squeeze=False)
    norm, numbers = _norm(heat), _has_room(heat, figure, (across, down))
    tiles = {(panel.row, panel.column): panel.tiles for panel in heat.panels}
    for row, at in itertools.product(range(rows), range(columns)):
        ax = axes.flat[(rows - 1 - row) * columns + at]
        if narrow:
            _frame_alone(heat, row, at, ax)
        else:
            _frame(heat, row, at, ax)
        draw_heat(tiles.get((row, at), ()), ax, norm, numbers)
    writing.heading(figure, heat_finding(heat), heat_words(heat))
    if norm is not None:
        _color_bar(norm, axes, figure, "bottom" if narrow else "right")
    style.legend_below(figure, _legend(heat))


def is_stacked(heat: HeatMap, width_px: float) -> bool:
    """Whether its maps stand one below the other: side by side, their tiles would be too narrow."""
    columns = len(heat.levels[heat.layout.columns])
    map_px = width_px * 0.7 / columns
    tile_px = map_px / len(heat.levels[heat.layout.x])
    return columns > 1 and (tile_px < _TEXT_PX[0] or map_px < _TITLE_PX)


def draw_heat(tiles: Sequence[Tile], ax: Axes, norm: LogNorm | None, numbers: bool = True) -> Axes:
    """One map: a tile for each cell, in its colour and with its number."""
    timed = [tile for tile in tiles if tile.s_per_clip is not None]
    if timed and norm is not None:
        colors = mpl.colormaps[COLORS](norm([tile.s_per_clip or 0.0 for tile in timed]))
        squares = [_squares([tile]) for tile in timed]
        ax.add_collection(PathCollection(squares, facecolor=colors, linewidth=0), autolim=False)
        if numbers:
            for tile, color in zip(timed, colors, strict=True):
                _write(tile, _number(tile.s_per_clip or 0), _contrast(color), ax)
    for status, look in LOOKS.items():
        failed = [tile for tile in tiles if tile.s_per_clip is None and tile.status is status]
        if failed:
            ax.add_patch(
                PathPatch(
                    _squares(failed), facecolor=look.fill, edgecolor=look.line, hatch=look.hatch,
                    linewidth=0,
                )
            )  # fmt: skip
        for tile in failed if numbers else ():
            _write(tile, f"{look.text}{_share(tile)}", style.INK, ax, boxed=look.fill)
    if tiles:
        ax.add_patch(PathPatch(_squares(tiles), fill=False, edgecolor="white", zorder=2))
    for standing, line in _OUTLINES.items():
        chosen = [tile for tile in tiles if tile.best == standing]
        if chosen:
            _outline(chosen, line, ax)
    _star([tile for tile in tiles if tile.best == RECOMMENDED], ax)
    return ax


def _frame_alone(heat: HeatMap, row: int, across: int, ax: Axes) -> None:
    """The scales of one map among those below each other: each has its own title and numbers."""
    layout = heat.layout
    _bare(heat, ax)
    parts = [
        style.chart_title(name, heat.levels[name][at])
        for name, at in ((layout.rows, row), (layout.columns, across))
        if len(heat.levels[name]) > 1
    ]
    if parts:
        writing.title(ax, ", ".join(parts))
    ax.set_xticks(range(len(heat.levels[layout.x])), map(style.chart_text, heat.levels[layout.x]))
    ax.set_yticks(range(len(heat.levels[layout.y])), map(style.chart_text, heat.levels[layout.y]))
    ax.set_ylabel(column(layout.y).title)
    if row == 0 and across == len(heat.levels[layout.columns]) - 1:
        ax.set_xlabel(column(layout.x).title)


def _bare(heat: HeatMap, ax: Axes) -> None:
    """The limits of one map, without lines around it."""
    ax.set_xlim(-0.55, len(heat.levels[heat.layout.x]) - 0.45)
    ax.set_ylim(-0.55, len(heat.levels[heat.layout.y]) - 0.45)
    ax.tick_params(length=0)
    for spine in ax.spines.values():
        spine.set_visible(False)


def _frame(heat: HeatMap, row: int, across: int, ax: Axes) -> None:
    """The scales of one map; only those at the left and at the bottom are labelled."""
    layout = heat.layout
    xs, ys = heat.levels[layout.x], heat.levels[layout.y]
    rows, columns = heat.levels[layout.rows], heat.levels[layout.columns]
    _bare(heat, ax)
    if row == len(rows) - 1 and len(columns) > 1:
        writing.title(ax, style.chart_title(layout.columns, columns[across]))
    if row == 0:
        ax.set_xticks(range(len(xs)), [style.chart_text(x) for x in xs])
        ax.set_xlabel(column(layout.x).title)
    else:
        ax.xaxis.set_visible(False)
    if across == 0:
        title = textwrap.fill(style.chart_title(layout.rows, rows[row]), _ROW_TITLE)
        several = f"{title}\n\n" if len(rows) > 1 else ""
        ax.set_yticks(range(len(ys)), [style.chart_text(y) for y in ys])
        ax.set_ylabel(several + column(layout.y).title)
    else:
        ax.yaxis.set_visible(False)


def _norm(heat: HeatMap) -> LogNorm | None:
    """Logarithmic: a preset may be ten times as slow as another."""
    if heat.range_s is None:
        return None
    fastest_s, slowest_s = heat.range_s
    return LogNorm(fastest_s, max(slowest_s, fastest_s * 1.01))


def _has_room(heat: HeatMap, figure: Figure, maps: tuple[int, int]) -> bool:
    """Whether a tile holds its number; `maps` stand across and down."""
    across = len(heat.levels[heat.layout.x]) * maps[0]
    down = len(heat.levels[heat.layout.y]) * maps[1]
    room_px, high_px = writing.width_px(figure) * 0.8, writing.height_px(figure) * 0.7
    return room_px / across >= _TEXT_PX[0] and high_px / down >= _TEXT_PX[1]


def _squares(tiles: Sequence[Tile], side: float = 1.0) -> Path:
    """The outlines of tiles as one path: much faster to hatch than one by one."""
    half = side / 2
    corners = np.array([(-half, -half), (half, -half), (half, half), (-half, half), (-half, -half)])
    middles = np.array([(tile.x, tile.y) for tile in tiles], dtype=float)
    codes = [Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY]
    vertices = (middles[:, None, :] + corners[None, :, :]).reshape(-1, 2)
    return Path(vertices, np.tile(codes, len(tiles)))


def _write(tile: Tile, text: str, color: str, ax: Axes, boxed: str | None = None) -> None:
    ax.text(
        tile.x,
        tile.y,
        text,
        ha="center",
        va="center",
        fontsize=7.5,
        color=color,
        fontweight="bold" if tile.best else "normal",
        bbox={"facecolor": boxed, "edgecolor": "none", "pad": 1} if boxed else None,
    )


def _outline(tiles: Sequence[Tile], line: Outline, ax: Axes) -> None:
    """With a halo, so that it stands out on dark tiles too."""
    halo = withStroke(linewidth=line.width * 2, foreground="white")
    ax.add_patch(
        PathPatch(
            _squares(tiles, 0.92),
            fill=False,
            edgecolor=style.INK,
            linewidth=line.width,
            linestyle=line.dashes,
            joinstyle="miter",
            zorder=4,
            path_effects=[halo, Normal()],
        )
    )


def _star(tiles: Sequence[Tile], ax: Axes) -> None:
    """In a tile's upper corner, beside its number."""
    ax.plot([tile.x + 0.33 for tile in tiles], [tile.y + 0.27 for tile in tiles], "*", markersize=7,
            markerfacecolor=style.INK, markeredgecolor="white", markeredgewidth=0.6, zorder=5)  # fmt: skip


def _number(s_per_clip: float) -> str:
    return format.number(s_per_clip)


def _share(tile: Tile) -> str:
    """` 2/3` where only some of the runs failed."""
    return f" {tile.failures}/{tile.runs + tile.failures}" if tile.runs else ""


def _contrast(color: np.ndarray[tuple[int], np.dtype[np.float64]]) -> str:
    """Ink or white, whichever is told apart better (relative luminance, WCAG 2)."""
    linear = np.where(color[:3] <= 0.04045, color[:3] / 12.92, ((color[:3] + 0.055) / 1.055) ** 2.4)
    luminance = float(linear @ [0.2126, 0.7152, 0.0722])
    return style.INK if luminance > 0.2 else "white"


def _color_bar(norm: LogNorm, axes: Any, figure: Figure, side: Literal["bottom", "right"]) -> None:
    mapped = mpl.cm.ScalarMappable(norm, COLORS)
    bar = figure.colorbar(mapped, ax=axes, shrink=0.85, aspect=30, pad=0.015, location=side)
    steps = [b * 10.0**e for e in range(-4, 6) for b in (1, 1.5, 2, 3, 5, 7)]
    low_s, high_s = norm.vmin or 0.0, norm.vmax or 0.0
    bar.set_ticks([step for step in steps if low_s <= step <= high_s] or [low_s, high_s])
    axis = bar.ax.xaxis if side == "bottom" else bar.ax.yaxis
    axis.set_major_formatter(FuncFormatter(lambda value, _: format.seconds(value)))
    axis.set_minor_formatter(NullFormatter())
    bar.ax.minorticks_off()
    bar.outline.set_visible(False)
    bar.set_label("wall time a clip, logarithmic")


def _legend(heat: HeatMap) -> list[Patch | Line2D]:
    standings = Counter(tile.best for tile in heat.tiles)
    several = " for each host and job" if standings[RECOMMENDED] > 1 else ""
    handles: list[Patch | Line2D] = []
    if RECOMMENDED in standings:
        words = f"{style.STAR} recommended{several}"
        handles.append(Patch(fill=False, edgecolor=style.INK, linewidth=2.4, label=words))
    if TIED in standings:
        handles.append(Patch(fill=False, edgecolor=style.INK, linewidth=1.2, linestyle=(0, (3, 2)),
                             label="tie: within the noise of the fastest"))  # fmt: skip
    lost = [tile for tile in heat.tiles if tile.s_per_clip is None]
    found = {tile.status for tile in lost}
    handles += [
        Patch(
            facecolor=look.fill,
            edgecolor=look.line,
            hatch=look.hatch,
            linewidth=0,
            label=_explained(look) + _partly([tile for tile in lost if tile.status is status]),
        )
        for status, look in LOOKS.items()
        if status in found
    ]
    return handles


def _explained(look: Look) -> str:
    return f"OOM: {look.legend}" if look.text == "OOM" else look.legend


def _partly(failed: Sequence[Tile]) -> str:
    """Explains the share in tiles of which some runs did finish."""
    for tile in failed:
        if tile.runs:
            return f" ({tile.failures}/{tile.runs + tile.failures}: in {tile.failures} of {tile.runs + tile.failures} runs)"
    return ""
