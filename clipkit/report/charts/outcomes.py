"""How the cells of a campaign ended, a bar for each host."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from clipkit.records.status import Status
from clipkit.report.charts import style, writing
from clipkit.report.charts.status_looks import LOOKS

_BARS = {
    Status.OK: (style.BLUE, style.BLUE, ""),
    **{status: (look.fill, look.line, look.hatch) for status, look in LOOKS.items()},
}
"""Status -> fill, lines, hatch."""


@dataclass(frozen=True, slots=True)
class Outcomes:
    """The cells of one host, by how they ended."""

    host: str
    cells: dict[Status, int]


def outcome_points(cells: pd.DataFrame) -> list[Outcomes]:
    """In the order of the hosts' memory, the largest first."""
    hosts = cells.sort_values("memory_limit_bytes", ascending=False, kind="stable")
    return [
        Outcomes(
            str(host),
            {status: int((inside["status"] == str(status)).sum()) for status in _BARS},
        )
        for host, inside in hosts.groupby("host", sort=False)
    ]


def outcomes_finding(found: Sequence[Outcomes]) -> str:
    """How many cells finished, and what became of the others, in words."""
    ends = {status: sum(host.cells[status] for host in found) for status in _BARS}
    cells = sum(ends.values())
    others = [f"{count} {status.words}" for status, count in ends.items()
              if count and status is not Status.OK]  # fmt: skip
    if not others:
        return f"All {cells} cells finished"
    return f"{ends[Status.OK]} of {cells} cells finished; {', '.join(others)}"


def draw_outcomes(found: Sequence[Outcomes], figure: Figure) -> Axes:
    """A bar each, its parts in the order of the legend, with their numbers where they have room."""
    ax: Axes = figure.subplots()
    if not found:
        return style.draw_nothing(ax, "nothing was measured")
    longest = max(sum(host.cells.values()) for host in found)
    px_per_cell = writing.panel_px(ax) / longest
    drawn: dict[Status, BarContainer] = {}
    for row, host in enumerate(found):
        left = 0
        for status, (fill, line, hatch) in _BARS.items():
            count = host.cells[status]
            if not count:
                continue
            drawn[status] = ax.barh(row, count, left=left, height=0.6, facecolor=fill, edgecolor=line,
                                    hatch=hatch, linewidth=0, label=status.words)  # fmt: skip
            if count * px_per_cell > writing.text_px(str(count)):
                ax.text(left + count / 2, row, str(count), ha="center", va="center", fontsize=7.5,
                        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1, "alpha": 0.9})  # fmt: skip
            left += count
    ax.set_yticks(range(len(found)), [style.chart_text(host.host) for host in found])
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(len(found) - 0.5, -0.5)
    ax.set_xlabel("cells")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.spines["left"].set_visible(False)
    writing.heading(figure, outcomes_finding(found), "how the cells of each host ended")
    style.legend_below(figure, list(drawn.values()))
    return ax
