"""Every repeat of every cell, as a ratio to its cell's mean, beside the noise of its host."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from clipkit import format
from clipkit.records.cells import repeats_of
from clipkit.records.noise import Noise
from clipkit.report.charts import style, writing

_SHARE = 0.75
"""Of a wide chart's width, what the dots take beside their distribution."""
_NARROW_PX = 500
_NAMES_SHARE = 0.59
"""Of a wide chart's width, what the names of cells take: they end within the frame of the dots."""
NAMED = 30
"""So many cells can be named beside their dots; more are told by their rank."""
_DOTS_PX = 22
"""How high a named cell's row is without its name, which stands above its dots."""
_BAND: dict[str, Any] = {"color": style.PALE, "alpha": 0.45, "zorder": 0, "linewidth": 0}


@dataclass(frozen=True, slots=True)
class Repeat:
    """One finished run; `ratio` to the mean of its cell, `half_width` of the 95 % interval of single runs
    on its host, on logarithms."""

    cell: str
    words: str
    run_id: str
    block: int
    wall_s: float
    ratio: float
    half_width: float


@dataclass(frozen=True, slots=True)
class Repeats:
    """All repeats, the cell that differs least first. `noises`: of each host."""

    repeats: tuple[Repeat, ...]
    noises: Mapping[str, Noise]

    @property
    def cells(self) -> list[str]:
        return list(dict.fromkeys(repeat.cell for repeat in self.repeats))

    def names(self, width_px: float) -> list[str]:
        """The cells in words, in lines that have room above their dots."""
        words = {repeat.cell: repeat.words for repeat in self.repeats}
        room_px = width_px * (_NAMES_SHARE if width_px > _NARROW_PX else _SHARE) - 60
        return [writing.wrapped(words[cell], room_px) for cell in self.cells]

    def height_px(self, width_px: float) -> int:
        """Of the whole chart, with room for the names where there are such."""
        if len(self.cells) > NAMED:
            return 400 if width_px > _NARROW_PX else 560
        rows = sum(_row_px(name) for name in self.names(width_px))
        return int(max(260, 150 + rows) + (0 if width_px > _NARROW_PX else 200))

    @property
    def half_widths(self) -> list[float]:
        """Of each cell, in their order."""
        return list({repeat.cell: repeat.half_width for repeat in self.repeats}.values())


def repeat_points(
    table: pd.DataFrame, noises: Mapping[str, Noise], words: Mapping[str, str] | None = None
) -> Repeats:
    """The repeats of the table (`records.table`); `noises`: of a run on each host
    (`records.cells.host_noise_of`); `words` says what each cell is."""
    found = repeats_of(table)
    away = np.log(found["ratio"]).abs()
    spread = away.groupby(found["cell"]).transform("max")
    ordered = found.assign(spread=spread).sort_values(["spread", "cell", "block"], kind="stable")
    named = words or {}
    return Repeats(
        tuple(
            Repeat(
                cell=str(cell),
                words=named.get(str(cell), str(cell)),
                run_id=str(run_id),
                block=int(block),
                wall_s=float(wall_s),
                ratio=float(ratio),
                half_width=noises[str(host)].half_width,
            )
            for cell, run_id, block, wall_s, ratio, host in ordered[
                ["cell", "run_id", "block", "wall_s", "ratio", "host"]
            ].itertuples(index=False, name=None)
        ),
        noises,
    )


def repeats_finding(found: Repeats) -> str:
    """How far single runs of a cell lie apart, in words."""
    if not found.noises:
        return "Every repeat as a ratio to the mean of its cell"
    inside = sum(abs(math.log(repeat.ratio)) <= repeat.half_width for repeat in found.repeats)
    return (
        f"A run repeats to within {_spread_words(found.noises)} (one standard deviation); "
        f"{inside} of {len(found.repeats)} lie in the band that should hold 95 %"
    )


def _spread_words(noises: Mapping[str, Noise]) -> str:
    """`6.0 % to 9.0 %`: of the calmest and of the most restless host."""
    spreads = sorted(noise.log_sd for noise in noises.values())
    return " to ".join(dict.fromkeys(map(format.percent, (spreads[0], spreads[-1]))))


def draw_repeats_and_distribution(found: Repeats, figure: Figure) -> None:
    """Dots of every cell, and beside or below them how they are distributed."""
    named = len(found.cells) <= NAMED
    if writing.width_px(figure) > _NARROW_PX:
        shares = [_SHARE, 1 - _SHARE]
        left, right = figure.subplots(1, 2, width_ratios=shares, sharey=not named)
    else:
        high_px = writing.height_px(figure) - 300 if named else 3 * 130
        left, right = figure.subplots(2, 1, height_ratios=[high_px, 130], sharex=named)
    if not found.repeats:
        style.draw_nothing(left, "nothing was repeated")
        right.set_axis_off()
        return
    draw_repeats(found, left)
    draw_distribution(found, right, upright=named or writing.width_px(figure) <= _NARROW_PX)
    blocks = len({repeat.block for repeat in found.repeats})
    said = f"n = {len(found.repeats)} runs of {len(found.cells)} cells in {blocks} blocks"
    if found.noises:
        said += "  ·  shaded: 95 % of single runs on that host, without the blocks' drift"
    writing.heading(figure, repeats_finding(found), said)
    handles, _ = left.get_legend_handles_labels()
    if handles:
        style.legend_below(figure, handles)


def draw_repeats(found: Repeats, ax: Axes) -> Axes:
    """A dot each run, its colour and shape by block, in the band where 95 % fall by chance.

    Few cells have a row each, under their name; many a column each, from the steadiest on.
    """
    named = len(found.cells) <= NAMED
    names = found.names(writing.width_px(ax.figure)) if named else []  # type: ignore[arg-type]
    ends = list(itertools.accumulate((_row_px(name) for name in names), initial=0))
    place = {
        cell: ends[index + 1] - _DOTS_PX / 2 if named else index
        for index, cell in enumerate(found.cells)
    }
    blocks = sorted({repeat.block for repeat in found.repeats})
    size = 34 if named else max(3.0, min(18.0, 3000 / len(found.cells)))
    for index, block in enumerate(blocks):
        color, marker = style.series(index)
        inside = [repeat for repeat in found.repeats if repeat.block == block]
        across = [place[repeat.cell] for repeat in inside]
        ratios = [repeat.ratio for repeat in inside]
        x, y = (ratios, across) if named else (across, ratios)
        label = f"block {block}" if len(blocks) <= 6 else None
        ax.scatter(x, y, s=size, color=color, marker=marker, edgecolor="white",
                   linewidth=0.4 if size > 6 else 0, label=label, zorder=3)  # fmt: skip
    edges = ends if named else [index - 0.5 for index in range(len(place) + 1)]
    _draw_bands(edges, found.half_widths, ax, upright=named)
    if named:
        for name, top in zip(names, ends, strict=False):
            ax.text(0.005, top + 3, style.chart_text(name), va="top", fontsize=writing.SMALL_PT,
                    transform=ax.get_yaxis_transform(), bbox=style.HALO, zorder=4)  # fmt: skip
        ax.hlines(ends[1:-1], 0, 1, color=style.PALE, linewidth=0.8,
                  transform=ax.get_yaxis_transform())  # fmt: skip
        ax.set_yticks([])
        ax.set_ylim(ends[-1], 0)
        ax.set_xlabel("wall time / mean of the cell")
        ax.grid(axis="x")
    else:
        ax.set_xlabel("cells, the steadiest first")
        ax.set_ylabel("wall time / mean of the cell")
        ax.set_xlim(-1, len(place))
        ax.grid(axis="y")
    return ax


def _row_px(name: str) -> float:
    """How high a named cell's row is."""
    return _DOTS_PX + 4 + (1 + name.count("\n")) * writing.line_px(writing.SMALL_PT)


def draw_distribution(found: Repeats, ax: Axes, upright: bool = False) -> Axes:
    """A histogram of the same ratios."""
    ratios = np.array([repeat.ratio for repeat in found.repeats])
    bins = int(np.clip(np.sqrt(len(ratios)) * 1.5, 6, 40))
    along: Literal["vertical", "horizontal"] = "vertical" if upright else "horizontal"
    ax.hist(ratios, bins=bins, orientation=along, color=style.SKY, edgecolor="white", linewidth=0.4)
    if len(found.noises) == 1:
        half = next(iter(found.noises.values())).half_width
        (ax.axvspan if upright else ax.axhspan)(math.exp(-half), math.exp(half), **_BAND)
    (ax.axvline if upright else ax.axhline)(1, color=style.GREY, linewidth=0.8, zorder=1)
    label = f"runs (of {len(ratios)})"
    if upright:
        ax.set_ylabel(label)
        ax.set_xlabel("the same ratio")
    else:
        ax.set_xlabel(label)
    return ax


def _draw_bands(edges: Sequence[float], halves: Sequence[float], ax: Axes, upright: bool) -> None:
    """Where 95 % of single runs fall, cell by cell; a cell lies between two edges."""
    wide = np.array([*halves, *halves[-1:]])
    fill = ax.fill_betweenx if upright else ax.fill_between
    fill(edges, np.exp(-wide), np.exp(wide), step="post", **_BAND)
    (ax.axvline if upright else ax.axhline)(1, color=style.GREY, linewidth=0.8, zorder=1)


def farthest_repeats(found: Repeats, count: int) -> Sequence[Repeat]:
    """The runs farthest from their cell's mean, the farthest first."""
    return sorted(found.repeats, key=lambda repeat: -abs(math.log(repeat.ratio)))[:count]
