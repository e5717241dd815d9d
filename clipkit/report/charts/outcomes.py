"""How the cells of a campaign ended, a bar for each host."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes

from clipkit.records.status import Status
from clipkit.report.charts import style
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


def draw_outcomes(found: Sequence[Outcomes], ax: Axes) -> Axes:
    """A bar each, its parts in the order of the legend, with their numbers."""
    if not found:
        return style.draw_nothing(ax, "nothing was measured")
    labelled = set()
    for row, host in enumerate(found):
        left = 0
        for status, (fill, line, hatch) in _BARS.items():
            count = host.cells[status]
            if not count:
                continue
            ax.barh(row, count, left=left, height=0.6, facecolor=fill, edgecolor=line, hatch=hatch,
                    linewidth=0, label=None if status in labelled else status.words)  # fmt: skip
            ax.text(left + count / 2, row, str(count), ha="center", va="center", fontsize=7.5,
                    bbox={"facecolor": "white", "edgecolor": "none", "pad": 1, "alpha": 0.9})  # fmt: skip
            labelled.add(status)
            left += count
    ax.set_yticks(range(len(found)), [style.chart_text(host.host) for host in found])
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(len(found) - 0.5, -0.5)
    ax.set_xlabel("cells")
    ax.spines["left"].set_visible(False)
    cells = sum(sum(host.cells.values()) for host in found)
    ax.set_title(f"How the {cells} cells ended, by host")
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1), borderaxespad=0)
    return ax
