"""Every effect with its interval, claim by claim: a forest plot in small multiples."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from clipkit import format
from clipkit.claims import Effect, Finding, Verdict
from clipkit.report.charts import style

ROW_PX, HEAD_PX, LEGEND_PX = 17, 78, 40
"""Height of an effect, of a panel's title and axis, and of the legend."""

_LOOKS = {
    Finding.CONFIRMED: ("o", style.GREEN),
    Finding.REFUTED: ("s", style.VERMILLION),
    Finding.UNDECIDED: ("D", style.GREY),
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
_EXACT = 0.005
"""Of a narrower interval two digits would hide that it is one."""
_APART = 0.14
"""Of the axis, between two of its numbers."""
_BAND = "#dfe6ee"
_BELOW_PX = 38
"""Of a panel, for its axis; the rest of HEAD_PX is above it."""


@dataclass(frozen=True, slots=True)
class Line:
    """One effect. `ratio` None: there is no time to compare, `words` says why."""

    label: str
    ratio: float | None
    low: float | None
    high: float | None
    words: str
    finding: Finding
    judged: bool


@dataclass(frozen=True, slots=True)
class Panel:
    """One claim: a change and its effects, in several groups where others are shown beside what is
    judged. `band`: the ratios that the claim speaks of."""

    title: str
    x_label: str
    band: tuple[float, float]
    groups: tuple[tuple[str, tuple[Line, ...]], ...]

    @property
    def rows(self) -> int:
        """Each group has a row for its name."""
        return sum(1 + len(lines) for _, lines in self.groups)

    @property
    def height_px(self) -> int:
        return HEAD_PX + ROW_PX * self.rows


def forest_panels(verdicts: Sequence[Verdict]) -> list[Panel]:
    """The claims on time of which something was measured."""
    panels = []
    for verdict in verdicts:
        groups: dict[str, list[Line]] = {}
        for effect in sorted(verdict.effects, key=lambda effect: not effect.judged):
            groups.setdefault(effect.change, []).append(_line(effect))
        if verdict.band is not None and groups:
            panels.append(
                Panel(
                    title=f"{verdict.id}  {verdict.outcome}",
                    x_label=_X_LABELS.get(verdict.id, "times as fast as the original"),
                    band=verdict.band,
                    groups=tuple((name, tuple(lines)) for name, lines in groups.items()),
                )
            )
    return panels


_X_LABELS = {
    "C1": "times as fast at most, with any other orchestrator",
    "C13": "times as fast as each reading of the original",
}


def forest_columns(panels: Sequence[Panel]) -> tuple[list[Panel], list[Panel]]:
    """Two columns, in the claims' order, as equally high as can be."""
    heights = [panel.height_px for panel in panels]
    cut = min(
        range(1, len(panels) + 1),
        key=lambda n: max(sum(heights[:n]), sum(heights[n:])),
        default=0,
    )
    return list(panels[:cut]), list(panels[cut:])


def forest_height_px(panels: Sequence[Panel]) -> int:
    """How high the whole figure is."""
    return LEGEND_PX + max(
        (sum(panel.height_px for panel in column) for column in forest_columns(panels)), default=0
    )


def draw_forest(panels: Sequence[Panel], figure: Figure) -> Figure:
    """Fill a figure of `forest_height_px(panels)`: what is judged is filled, what is shown beside hollow."""
    if not panels:
        style.draw_nothing(figure.subplots(), "nothing was measured of any claim on time")
        return figure
    whole_px = forest_height_px(panels)
    figure.set_layout_engine("none")
    for place, column in enumerate(forest_columns(panels)):
        top_px = whole_px
        for panel in column:
            top_px -= panel.height_px
            box = (
                0.15 + 0.52 * place,
                (top_px + _BELOW_PX) / whole_px,
                0.17,
                ROW_PX * panel.rows / whole_px,
            )
            _draw_panel(panel, figure.add_axes(box))
    _draw_legend(panels, figure)
    return figure


def _line(effect: Effect) -> Line:
    known = effect.speedup
    low, high = known.interval if known and known.interval else (None, None)
    if known is None:
        words = effect.why
    elif low is None or high is None:
        words = f"{format.ratio(known.value)}  n = {known.n}"
    else:
        exact = high - low < _EXACT
        value, *ends = (
            f"{x:.3f}" if exact else format.bare_ratio(x) for x in (known.value, low, high)
        )
        words = f"{value}x  [{' – '.join(ends)}]  n = {known.n}"
    return Line(
        label=effect.condition.words,
        ratio=known.value if known else None,
        low=low,
        high=high,
        words=words,
        finding=effect.finding,
        judged=effect.judged,
    )


def _draw_panel(panel: Panel, ax: Axes) -> None:
    left, right = _span(panel)
    ax.set_xscale("log")
    ax.set_xlim(left, right)
    ax.set_ylim(panel.rows - 0.4, -0.6)
    low, high = max(panel.band[0], left), min(panel.band[1], right)
    if low < high:
        ax.axvspan(low, high, color=_BAND, linewidth=0, zorder=0)
    ax.axvline(1, color=style.GREY, linewidth=1, zorder=1)
    first = 0
    for name, lines in panel.groups:
        ax.text(-0.03, first, name, fontsize=7.5, fontweight="bold", **_beside(ax, "right"))
        for row, line in enumerate(lines, start=first + 1):
            _draw_line(line, row, ax)
        first += 1 + len(lines)
    ticks = _ticks(left, right)
    ax.xaxis.set_major_locator(FixedLocator(ticks))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda tick, _: f"{tick:g}"))
    ax.tick_params(axis="x", labelsize=7.5)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    ax.set_xlabel(panel.x_label, fontsize=7.5, labelpad=1)
    ax.text(
        -0.85,
        1,
        panel.title,
        transform=ax.transAxes,
        fontsize=9.5,
        fontweight="bold",
        va="bottom",
    )


def _ticks(left: float, right: float) -> list[float]:
    """Round ratios far enough from each other to be read, 1 among them."""
    chosen: list[float] = []
    apart = math.log(right / left) * _APART
    for tick in sorted(_TICKS, key=lambda tick: (tick != 1.0, abs(math.log(tick)))):
        if left <= tick <= right and all(abs(math.log(tick / one)) > apart for one in chosen):
            chosen.append(tick)
    return sorted(chosen)


def _draw_line(line: Line, row: int, ax: Axes) -> None:
    marker, color = _LOOKS[line.finding]
    ax.text(-0.03, row, line.label, fontsize=7.5, color=style.INK, **_beside(ax, "right"))
    ax.text(1.04, row, line.words, fontsize=7.5, color=style.GREY, **_beside(ax, "left"))
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


def _beside(ax: Axes, side: str) -> dict[str, Any]:
    """Text left or right of the chart, on the height of a row."""
    return {"ha": side, "va": "center", "transform": ax.get_yaxis_transform()}


def _span(panel: Panel) -> tuple[float, float]:
    """From the lowest to the highest bound, 1 included, with a margin; never narrower than 10 %."""
    lines = [line for _, own in panel.groups for line in own]
    known = [b for line in lines for b in (line.ratio, line.low, line.high) if b is not None]
    low, high = min([1.0, *known]), max([1.0, *known])
    margin = max(math.log(high / low) * 0.08, math.log(1.05))
    return low / math.exp(margin), high * math.exp(margin)


def _draw_legend(panels: Sequence[Panel], figure: Figure) -> None:
    handles = [
        Line2D([], [], marker=marker, color=color, linewidth=1.4, markersize=5, label=finding)
        for finding, (marker, color) in _LOOKS.items()
    ]
    lines = [line for panel in panels for _, own in panel.groups for line in own]
    if any(not line.judged for line in lines):
        words = "hollow: shown beside, not what the claim says"
        handles.append(_mark("o", style.GREY, "white", words))
    if any(line.ratio is None for line in lines):
        handles.append(_mark("X", style.FAILURE, style.FAILURE, "no time to compare"))
    handles.append(Line2D([], [], color=_BAND, linewidth=7, label="what the claim says"))
    figure.legend(handles=handles, loc="lower center", ncols=len(handles), fontsize=7.5)


def _mark(marker: str, color: str, fill: str, words: str) -> Line2D:
    return Line2D(
        [], [], marker=marker, color=color, markerfacecolor=fill, linewidth=0, label=words
    )
