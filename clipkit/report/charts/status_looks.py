"""How a cell that has no time looks in every chart, by its status: never the colour alone."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.lines import Line2D

from clipkit.records.status import Status
from clipkit.report.charts import style


@dataclass(frozen=True, slots=True)
class Look:
    """`text` is short, for a tile; `legend` explains it. `fill`, `hatch` and `line` are a tile's or a
    bar's; `marker` with its `marker_fill` and `marker_line` stands where there are only points."""

    text: str
    legend: str
    fill: str
    hatch: str
    line: str
    marker: str
    marker_fill: str
    marker_line: str

    def legend_marker(self) -> Line2D:
        """Its entry in the legend of a chart of points."""
        return Line2D(
            [],
            [],
            linestyle="",
            marker=self.marker,
            markersize=7,
            markerfacecolor=self.marker_fill,
            markeredgecolor=self.marker_line,
            label=self.legend,
        )


_LOST = style.FAILURE

LOOKS = {
    Status.OOM: Look("OOM", "ran out of memory", "#fbe3d3", "xxxx", _LOST, "X", _LOST, _LOST),
    Status.OOM_INFERRED: Look(
        "not run", "not run: a smaller one ran out", "#fdf6f0", "//", "#e8b999", "X", "white", _LOST
    ),
    Status.TIMEOUT: Look("timeout", "timed out", "#e5e7eb", "..", style.GREY, "v", "white", _LOST),
    Status.FAILED: Look("failed", "failed", "#e5e7eb", "---", style.GREY, "v", _LOST, _LOST),
    Status.INVALID_NOISE: Look(
        "disturbed",
        Status.INVALID_NOISE.words,
        "#eef5fb",
        "\\\\",
        style.SKY,
        "D",
        "white",
        style.BLUE,
    ),
    Status.INVALID_MACHINE: Look(
        "machine",
        Status.INVALID_MACHINE.words,
        "#eef5fb",
        "++",
        style.SKY,
        "s",
        "white",
        style.BLUE,
    ),
}
"""Every status that a cell can have besides ok; what is invalid was not measured."""
