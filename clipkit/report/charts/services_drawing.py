"""Draws services beside each other: times as fast as Node.js on the left, the service's own memory on the right; on
a phone below each other."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from clipkit import format
from clipkit.analysis.statistics import Estimate
from clipkit.claims.bodies import LANGUAGES
from clipkit.claims.originals import SERVICE
from clipkit.claims.rules import MATTERS
from clipkit.format import MIB
from clipkit.report.charts import style, writing
from clipkit.report.charts.services_side import (
    Beside,
    compared,
    need_of,
    places_in,
    plain_rows,
    services_in,
    side_by_side_finding,
)

_NARROW_PX = 500
_NAMES_PART = 0.42
"""Of the figure, how wide the names of its rows may be."""
_TICKS = (0.1, 0.2, 0.5, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.5, 2.0, 3.0, 5.0)
_ROW_PX, _HEAD_PX, _SCALE_PX, _LEGEND_PX = 19, 54, 58, 34


def side_by_side_px(rows: Sequence[Beside], width_px: float) -> int:
    """How high the figure is."""
    places, services = len(places_in(rows)), len(services_in(rows))
    longest = _ROW_PX * (places + len(compared(rows)))
    bars = _ROW_PX * 2 * services
    if width_px < _NARROW_PX:
        return int(_HEAD_PX * 2 + longest + bars + 2 * _SCALE_PX + 2 * _LEGEND_PX + 20)
    return int(_HEAD_PX + max(longest, bars, 120) + _SCALE_PX + _LEGEND_PX)


def draw_side_by_side(rows: Sequence[Beside], figure: Figure) -> None:
    """Into a figure of `side_by_side_px`."""
    if not compared(rows):
        style.draw_nothing(figure.subplots(), "no services were told the same next to each other")
        return
    narrow = writing.width_px(figure) < _NARROW_PX
    if narrow:
        heights = (len(places_in(rows)) + len(compared(rows)), 2 * len(services_in(rows)))
        time, memory = figure.subplots(2, 1, height_ratios=heights)
    else:
        time, memory = figure.subplots(1, 2, width_ratios=(2, 1))
    _draw_times(rows, time)
    _draw_memory(rows, memory)
    starts = sorted({row.starts for row in compared(rows)})
    n = "–".join(dict.fromkeys(map(str, (starts[0], starts[-1]))))
    said = f"n = {n} starts of each service; lines: 95 % intervals; shaded: within 5 %"
    writing.heading(figure, side_by_side_finding(rows), said)
    style.legend_below(figure, _legend(rows))


def _look(service: str) -> tuple[str, str]:
    names = list(LANGUAGES)
    return style.series(names.index(service) if service in names else len(names))


def _draw_times(rows: Sequence[Beside], ax: Axes) -> None:
    low, high = _span(rows)
    ax.set_xscale("log")
    ax.set_xlim(low, high)
    ax.axvspan(1 / MATTERS, MATTERS, color="#dfe6ee", linewidth=0, zorder=0)
    ax.axvline(1, color=style.GREY, linewidth=1, zorder=1)
    at, ticks = 0.0, []
    for place in places_in(rows):
        own = [row for row in compared(rows) if row.place == place]
        ticks.append((at + (len(own) + 1) / 2, place))
        for row in own:
            at += 1
            if row.ratio:
                _draw_ratio(row.ratio, row.service, at, ax)
        at += 1
    ax.set_ylim(at + 0.2, 0.1)
    room_px = writing.width_px(ax.figure) * _NAMES_PART  # type: ignore[arg-type]
    names = [writing.wrapped(style.chart_text(place), room_px) for _, place in ticks]
    ax.set_yticks([middle for middle, _ in ticks], names, fontsize=writing.SMALL_PT)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    shown = [tick for tick in _TICKS if low <= tick <= high]
    ax.set_xticks(shown, [f"{tick:g}" for tick in shown])
    ax.minorticks_off()
    ax.set_xlabel(f"times as fast as {LANGUAGES[SERVICE]}")


def _draw_ratio(ratio: Estimate, service: str, at: float, ax: Axes) -> None:
    """What lies beyond the scale is an arrow at its edge, with its number."""
    color, marker = _look(service)
    left, right = ax.get_xlim()
    if ratio.value < left or ratio.value > right:
        edge, arrow = (left, "<") if ratio.value < left else (right, ">")
        side = "left" if ratio.value < left else "right"
        ax.plot(edge, at, marker=arrow, color=color, markersize=7, clip_on=False, zorder=3)
        ax.annotate(format.ratio(ratio.value), (edge, at), va="center", ha=side,
                    xytext=(9 if side == "left" else -9, 0), textcoords="offset points",
                    fontsize=writing.SMALL_PT)  # fmt: skip
        return
    low, high = ratio.interval or (ratio.value, ratio.value)
    ax.plot([max(low, left), min(high, right)], [at, at], color=color, linewidth=1.6, zorder=2)
    ax.plot(ratio.value, at, marker=marker, color=color, markersize=6, zorder=3)


def _span(rows: Sequence[Beside]) -> tuple[float, float]:
    """Wide enough for every row that is the language's own, and never narrower than from 0.8 to 1.25."""
    ends = [end for row in plain_rows(rows) if row.ratio for end in row.ratio.interval or ()]
    low, high = min([0.84, *ends]), max([1.19, *ends])
    return low / 1.05, high * 1.05


def _draw_memory(rows: Sequence[Beside], ax: Axes) -> None:
    services = services_in(rows)
    for at, service in enumerate(services):
        color, _ = _look(service)
        for shift, need, fill in zip(
            (-0.2, 0.2), need_of(rows, service), (color, "white"), strict=True
        ):
            if need is not None:
                ax.barh(at + shift, need / MIB, height=0.36, color=fill, edgecolor=color)
                ax.annotate(f" {format.size(need)}", (need / MIB, at + shift), va="center",
                            fontsize=writing.SMALL_PT)  # fmt: skip
    names = [LANGUAGES.get(service, service) for service in services]
    ax.set_yticks(range(len(services)), names)
    ax.set_ylim(len(services) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    most = max((need or 0.0 for s in services for need in need_of(rows, s)), default=0.0)
    ax.set_xlim(0, max(most / MIB, 1.0) * 1.35)
    ax.locator_params(axis="x", nbins=4)
    ax.set_xlabel("the service's own memory (MB)")


def _legend(rows: Sequence[Beside]) -> list[Line2D | Patch]:
    drawn = dict.fromkeys(row.service for row in compared(rows))
    handles: list[Line2D | Patch] = []
    for service in drawn:
        color, marker = _look(service)
        label = LANGUAGES.get(service, service)
        handles.append(Line2D([], [], color=color, marker=marker, linewidth=1.6, label=label))
    handles.append(Patch(facecolor=style.GREY, edgecolor=style.GREY, label="memory at rest"))
    handles.append(
        Patch(facecolor="white", edgecolor=style.GREY, label="its peak while clips are cut")
    )
    return handles
