"""Every repeat of every cell, as a ratio to its cell's mean, beside the noise of the whole table."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from clipkit import format
from clipkit.records.cells import repeats_of
from clipkit.records.noise import Noise
from clipkit.report.charts import style

NAMED = 30
"""So many cells can be named beside their dots; more are told by their rank."""
_NAME_LETTERS = 84
"""In a line of such a name."""


@dataclass(frozen=True, slots=True)
class Repeat:
    """One finished run; `ratio` to the mean of its cell."""

    cell: str
    words: str
    run_id: str
    block: int
    wall_s: float
    ratio: float


@dataclass(frozen=True, slots=True)
class Repeats:
    """All repeats, the cell that differs least first."""

    repeats: tuple[Repeat, ...]
    noise: Noise | None

    @property
    def cells(self) -> list[str]:
        return list(dict.fromkeys(repeat.cell for repeat in self.repeats))

    @property
    def names(self) -> list[str]:
        """The cells in words, in lines that have room beside their dots."""
        words = {repeat.cell: repeat.words for repeat in self.repeats}
        return [textwrap.fill(words[cell], _NAME_LETTERS) for cell in self.cells]

    @property
    def height_px(self) -> int:
        """Of the whole chart, with room for the names where there are such."""
        if len(self.cells) > NAMED:
            return 400
        return max(260, 140 + sum(8 + 12 * (1 + name.count("\n")) for name in self.names))

    @property
    def band(self) -> tuple[float, float] | None:
        """Where 95 % of single runs fall, by the pooled noise."""
        if self.noise is None:
            return None
        return math.exp(-self.noise.half_width), math.exp(self.noise.half_width)


def repeat_points(
    table: pd.DataFrame, noise: Noise | None, words: Mapping[str, str] | None = None
) -> Repeats:
    """The repeats of the table (`records.table`); `words` says what each cell is."""
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
            )
            for cell, run_id, block, wall_s, ratio in ordered[
                ["cell", "run_id", "block", "wall_s", "ratio"]
            ].itertuples(index=False, name=None)
        ),
        noise,
    )


def draw_repeats_and_distribution(found: Repeats, figure: Figure) -> None:
    """Dots of every cell on the left, how they are distributed on the right."""
    left, right = figure.subplots(1, 2, width_ratios=[3, 1], sharey=len(found.cells) > NAMED)
    if not found.repeats:
        style.draw_nothing(left, "nothing was repeated")
        right.set_axis_off()
        return
    named = len(found.cells) <= NAMED
    draw_repeats(found, left)
    draw_distribution(found, right, upright=named)
    blocks = len({repeat.block for repeat in found.repeats})
    said = f"n = {len(found.repeats)} runs of {len(found.cells)} cells in {blocks} blocks"
    if found.noise:
        said += (
            f"  ·  shaded: 95 % of single runs by the pooled noise ({format.percent(found.noise.log_sd)}"
            f", {found.noise.freedom} degrees of freedom), without the blocks' drift"
        )
    style.heading(figure, "Every repeat: wall time as a ratio to the mean of its cell", said)
    handles, labels = left.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower left", ncols=8, handletextpad=0.3)


def draw_repeats(found: Repeats, ax: Axes) -> Axes:
    """A dot each run, its colour and shape by block, in the band where 95 % fall by chance.

    Few cells have a named row each; many a column each, from the steadiest on.
    """
    named = len(found.cells) <= NAMED
    place = {cell: index for index, cell in enumerate(found.cells)}
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
    _draw_band(found, ax, upright=named)
    if named:
        names = [style.chart_text(words) for words in found.names]
        ax.set_yticks(range(len(place)), names, fontsize=7.5)
        ax.set_ylim(-0.6, len(place) - 0.4)
        ax.set_xlabel("wall time / mean of the cell")
        ax.grid(axis="both")
    else:
        ax.set_xlabel("cells, the steadiest first")
        ax.set_ylabel("wall time / mean of the cell")
        ax.set_xlim(-1, len(place))
        ax.grid(axis="y")
    return ax


def draw_distribution(found: Repeats, ax: Axes, upright: bool = False) -> Axes:
    """A histogram of the same ratios."""
    ratios = np.array([repeat.ratio for repeat in found.repeats])
    bins = int(np.clip(np.sqrt(len(ratios)) * 1.5, 6, 40))
    along: Literal["vertical", "horizontal"] = "vertical" if upright else "horizontal"
    ax.hist(ratios, bins=bins, orientation=along, color=style.SKY, edgecolor="white", linewidth=0.4)
    _draw_band(found, ax, upright)
    label = f"runs (of {len(ratios)})"
    if upright:
        ax.set_ylabel(label)
        ax.set_xlabel("the same ratio")
    else:
        ax.set_xlabel(label)
    return ax


def _draw_band(found: Repeats, ax: Axes, upright: bool) -> None:
    if found.band is not None:
        span = ax.axvspan if upright else ax.axhspan
        span(*found.band, color=style.PALE, alpha=0.45, zorder=0, linewidth=0)
    (ax.axvline if upright else ax.axhline)(1, color=style.GREY, linewidth=0.8, zorder=1)


def farthest_repeats(found: Repeats, count: int) -> Sequence[Repeat]:
    """The runs farthest from their cell's mean, the farthest first."""
    return sorted(found.repeats, key=lambda repeat: -abs(math.log(repeat.ratio)))[:count]
