"""Draws heat maps: tiles in colours, failures hatched, the best outlined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.patheffects import Normal, withStroke
from matplotlib.ticker import FuncFormatter, NullFormatter

from clipkit import format
from clipkit.analysis.cells import BEST, TIE
from clipkit.report import levels, style
from clipkit.report.charts.heat import HeatMap, Panel, Tile, words
from clipkit.trial.record import Status

COLORS = "cividis_r"
"""Bright is fast, dark is slow; told apart by everybody and in print."""

_TEXT_PX = (34, 17)
"""A tile smaller than this has no room for its number: the colour alone, and the table, tell it."""


@dataclass(frozen=True, slots=True)
class Look:
    """Of a tile without a time."""

    text: str
    legend: str
    fill: str
    hatch: str
    line: str


FAILURES = {
    Status.OOM: Look("OOM", "OOM: ran out of memory", "#fbe3d3", "xxxx", style.FAILURE),
    Status.OOM_INFERRED: Look(
        "not run", "not run: a smaller one ran out of memory", "#fdf6f0", "//", "#e8b999"
    ),
    Status.TIMEOUT: Look("timeout", "timed out", "#e5e7eb", "..", style.GREY),
    Status.FAILED: Look("failed", "failed", "#e5e7eb", "---", style.GREY),
}


def draw_heat_maps(heat: HeatMap, figure: Figure) -> None:
    """Every small multiple, the highest row on top, with one bar of colours and one legend."""
    rows, columns = (len(heat.levels[c]) for c in (heat.layout.rows, heat.layout.columns))
    axes = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    norm = _norm(heat)
    for ax in axes.flat:
        ax.set_axis_off()
    for panel in heat.panels:
        ax = axes[rows - 1 - panel.row, panel.column]
        ax.set_axis_on()
        _frame(heat, panel, ax, (rows, columns))
        draw_heat(panel.tiles, ax, norm, _has_room(heat, figure))
    across = f"{levels.name(heat.layout.x)} and {levels.name(heat.layout.y)}"
    style.heading(figure, f"Wall time a clip (s) over {across}", words(heat))
    if norm is not None:
        _color_bar(norm, axes, figure)
    figure.legend(handles=_legend(heat), loc="outside lower left", ncols=3, handlelength=2.2,
                  handleheight=1.3)  # fmt: skip


def draw_heat(tiles: Sequence[Tile], ax: Axes, norm: LogNorm | None, numbers: bool = True) -> Axes:
    """One map: a tile for each cell, in its colour and with its number."""
    timed = [tile for tile in tiles if tile.s_per_clip is not None]
    if timed and norm is not None:
        colors = mpl.colormaps[COLORS](norm([tile.s_per_clip for tile in timed]))
        ax.add_collection(PatchCollection([_rectangle(tile) for tile in timed], facecolor=colors))
        if numbers:
            for tile, color in zip(timed, colors, strict=True):
                _write(tile, _number(tile.s_per_clip or 0), _contrast(color), ax)
    for status, look in FAILURES.items():
        failed = [tile for tile in tiles if tile.s_per_clip is None and tile.status is status]
        if failed:
            ax.add_collection(
                PatchCollection(
                    [_rectangle(tile) for tile in failed],
                    facecolor=look.fill, edgecolor=look.line, hatch=look.hatch, linewidth=0,
                )
            )  # fmt: skip
        for tile in failed if numbers else ():
            _write(tile, look.text, style.INK, ax, boxed=look.fill)
    grid = PatchCollection([_rectangle(tile) for tile in tiles], facecolor="none", zorder=2)
    grid.set_edgecolor("white")
    ax.add_collection(grid)
    for tile in tiles:
        _outline(tile, ax)
    return ax


def _frame(heat: HeatMap, panel: Panel, ax: Axes, shape: tuple[int, int]) -> None:
    layout = heat.layout
    xs, ys = heat.levels[layout.x], heat.levels[layout.y]
    ax.set_xlim(-0.55, len(xs) - 0.45)
    ax.set_ylim(-0.55, len(ys) - 0.45)
    ax.set_xticks(range(len(xs)), [levels.plain(x) for x in xs])
    ax.set_yticks(range(len(ys)), [levels.plain(y) for y in ys])
    ax.tick_params(length=0)
    for spine in ax.spines.values():
        spine.set_visible(False)
    if panel.row == shape[0] - 1 and len(heat.levels[layout.columns]) > 1:
        ax.set_title(_titled(layout.columns, heat.levels[layout.columns][panel.column]))
    if panel.row == 0:
        ax.set_xlabel(levels.name(layout.x))
    if panel.column == 0:
        rows = heat.levels[layout.rows]
        row = f"{_titled(layout.rows, rows[panel.row])}\n\n" if len(rows) > 1 else ""
        ax.set_ylabel(row + levels.name(layout.y))


def _titled(column: str, level: str) -> str:
    return levels.plain(f"{levels.name(column)} {level}")


def _norm(heat: HeatMap) -> LogNorm | None:
    """Logarithmic: a preset may be ten times as slow as another."""
    if heat.range_s is None:
        return None
    fastest_s, slowest_s = heat.range_s
    return LogNorm(fastest_s, max(slowest_s, fastest_s * 1.01))


def _has_room(heat: HeatMap, figure: Figure) -> bool:
    width_px, height_px = figure.get_size_inches() * figure.dpi
    across = len(heat.levels[heat.layout.x]) * len(heat.levels[heat.layout.columns])
    down = len(heat.levels[heat.layout.y]) * len(heat.levels[heat.layout.rows])
    return bool(width_px * 0.82 / across >= _TEXT_PX[0] and height_px * 0.7 / down >= _TEXT_PX[1])


def _rectangle(tile: Tile) -> Rectangle:
    return Rectangle((tile.x - 0.5, tile.y - 0.5), 1, 1)


def _write(tile: Tile, text: str, color: str, ax: Axes, boxed: str | None = None) -> None:
    ax.text(
        tile.x,
        tile.y,
        text,
        ha="center",
        va="center",
        fontsize=7.5,
        color=color,
        fontweight="bold" if tile.standing else "normal",
        bbox={"facecolor": boxed, "edgecolor": "none", "pad": 1} if boxed else None,
    )


def _outline(tile: Tile, ax: Axes) -> None:
    if not tile.standing:
        return
    best = tile.standing == BEST
    halo = withStroke(linewidth=5 if best else 3.2, foreground="white")
    ax.add_patch(
        Rectangle(
            (tile.x - 0.46, tile.y - 0.46), 0.92, 0.92, fill=False, edgecolor=style.INK,
            linewidth=2.6 if best else 1.3, linestyle="-" if best else (0, (3, 2)), zorder=4,
            path_effects=[halo, Normal()],
        )
    )  # fmt: skip


def _number(s_per_clip: float) -> str:
    return f"{s_per_clip:.0f}" if s_per_clip >= 100 else f"{s_per_clip:.3g}"


def _contrast(color: np.ndarray[tuple[int], np.dtype[np.float64]]) -> str:
    """Ink or white, whichever is told apart better (relative luminance, WCAG 2)."""
    linear = np.where(color[:3] <= 0.04045, color[:3] / 12.92, ((color[:3] + 0.055) / 1.055) ** 2.4)
    luminance = float(linear @ [0.2126, 0.7152, 0.0722])
    return style.INK if luminance > 0.2 else "white"


def _color_bar(norm: LogNorm, axes: np.ndarray, figure: Figure) -> None:  # type: ignore[type-arg]
    mapped = mpl.cm.ScalarMappable(norm, COLORS)
    bar = figure.colorbar(mapped, ax=axes, shrink=0.85, aspect=30, pad=0.015)
    steps = [b * 10.0**e for e in range(-4, 6) for b in (1, 1.5, 2, 3, 5, 7)]
    inside = [step for step in steps if norm.vmin <= step <= norm.vmax]
    bar.set_ticks(inside or [norm.vmin, norm.vmax])
    bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: format.seconds(value)))
    bar.ax.yaxis.set_minor_formatter(NullFormatter())
    bar.ax.minorticks_off()
    bar.outline.set_visible(False)
    bar.set_label("wall time a clip, logarithmic")


def _legend(heat: HeatMap) -> list[Patch | Line2D]:
    each = levels.name(heat.layout.rows)
    several = f" for each {each}" if len(heat.levels[heat.layout.rows]) > 1 else ""
    standings = {tile.standing for tile in heat.tiles}
    handles: list[Patch | Line2D] = []
    if BEST in standings:
        handles.append(
            Patch(fill=False, edgecolor=style.INK, linewidth=2.4, label=f"fastest{several}")
        )
    if TIE in standings:
        handles.append(Patch(fill=False, edgecolor=style.INK, linewidth=1.2, linestyle=(0, (3, 2)),
                             label="tie: within the noise of the fastest"))  # fmt: skip
    found = {tile.status for tile in heat.tiles if tile.s_per_clip is None}
    handles += [
        Patch(
            facecolor=look.fill,
            edgecolor=look.line,
            hatch=look.hatch,
            linewidth=0,
            label=look.legend,
        )
        for status, look in FAILURES.items()
        if status in found
    ]
    return handles
