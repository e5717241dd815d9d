"""How time a clip falls with concurrency, a line for each number of threads, beside the ideal."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from clipkit import format
from clipkit.analysis.statistics import Estimate, quotient
from clipkit.records.campaign import has_level, levels_in
from clipkit.records.columns import column
from clipkit.records.status import Status
from clipkit.report.charts import style, writing
from clipkit.report.charts.status_looks import LOOKS

_PANEL_PX = 300
"""How wide a panel is at least."""
_GAIN = 1.05
"""Less is no gain worth a word."""

X, LINES = "concurrency", "encoder_threads"

Row = dict[Any, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """One concurrency. Times are seconds a clip; `speedup` is the ratio of the line's time at its
    lowest concurrency to this one. None, also of bounds: unknown; `status` says how it ended."""

    concurrency: int
    s_per_clip: float | None
    low_s: float | None
    high_s: float | None
    speedup: float | None
    speedup_low: float | None
    speedup_high: float | None
    status: Status
    runs: int


@dataclass(frozen=True, slots=True)
class Line:
    """One number of threads, in words, in one panel; `place`: what else tells the panel from others."""

    panel: str
    label: str
    steps: tuple[Step, ...]
    place: str = ""


def scaling_points(
    cells: pd.DataFrame, panels: str = "preset", place: str = ""
) -> tuple[Line, ...]:
    """A line for each level of encoder threads in each level of the column `panels`."""
    lines = []
    for panel in levels_in(panels, cells[panels]):
        inside = cells[has_level(cells, panels, [panel])]
        for threads in levels_in(LINES, inside[LINES]):
            line = inside[has_level(inside, LINES, [threads])].sort_values(X)
            steps = _steps(line.to_dict("records"))
            words = column(panels).words(panel), column(LINES).words(threads)
            lines.append(Line(*words, steps, place))
    return tuple(lines)


def panels_of(lines: Sequence[Line]) -> list[tuple[str, str]]:
    """Place and panel of each of the small multiples, in their order."""
    return list(dict.fromkeys((line.place, line.panel) for line in lines))


def panel_grid(lines: Sequence[Line], width_px: float) -> tuple[int, int]:
    """How many panels stand below and beside each other in a figure of that width."""
    panels = panels_of(lines)
    names = len({panel for _, panel in panels})
    room = max(1, int(width_px // _PANEL_PX))
    across = names if 1 < names <= room else min(room, len(panels))
    return -(-len(panels) // across), across


def scaling_finding(lines: Sequence[Line]) -> str:
    """How much faster a clip is with more at once, in words: from the least line to the most."""
    steps = [step for line in lines for step in line.steps]
    if not steps:
        return "Nothing was cut at once"
    least = min(step.concurrency for step in steps)
    ratios: dict[int, list[float]] = {}
    for step in steps:
        if step.speedup is not None and step.concurrency > least:
            ratios.setdefault(step.concurrency, []).append(step.speedup)
    if not ratios:
        return f"Nothing finished with more than {least} at once"
    best = max(sorted(ratios), key=lambda count: statistics.median(ratios[count]))
    told = f"{best} at once are {_span(ratios[best])} as fast as {least}"
    if all(max(own) < _GAIN for own in ratios.values()):
        return f"More than {least} at once bring nothing: {told}"
    most = max(ratios)
    return told if most == best else f"{told}; {most} are {_span(ratios[most])}"


def _span(ratios: Sequence[float]) -> str:
    return " to ".join(dict.fromkeys(map(format.ratio, (min(ratios), max(ratios)))))


def draw_scalings(lines: Sequence[Line], figure: Figure) -> None:
    """Time a clip over concurrency, a panel for each preset and place."""
    panels = panels_of(lines)
    down, across = panel_grid(lines, writing.width_px(figure))
    axes = list(figure.subplots(down, across, squeeze=False).flat)
    several = len({panel for _, panel in panels}) > 1
    for index, ((place, name), ax) in enumerate(zip(panels, axes, strict=False)):
        own = [line for line in lines if (line.place, line.panel) == (place, name)]
        draw_times(own, ax, _labels(lines))
        shown = [place, name] if several or not place else [place]
        writing.title(ax, style.chart_text(", ".join(filter(None, shown))))
        if index + across >= len(panels):
            ax.set_xlabel("clips at the same time")
        if index % across == 0:
            ax.set_ylabel("wall time a clip (s)")
    for ax in axes[len(panels) :]:
        ax.set_axis_off()
    runs = sorted({step.runs for line in lines for step in line.steps if step.s_per_clip})
    n = "–".join(dict.fromkeys(map(str, (runs[0], runs[-1])))) if runs else "0"
    said = ("wall time a clip", f"n = {n} runs a point", "bars: 95 % intervals")
    writing.heading(figure, scaling_finding(lines), style.chart_text("  ·  ".join(said)))
    style.legend_below(figure, _legend(lines))


def draw_times(lines: Sequence[Line], ax: Axes, labels: Sequence[str]) -> Axes:
    """Seconds a clip from zero; a cross on top where memory ran out; dotted: twice as many, half as
    long. `labels`: of all panels, so that a number of threads looks the same in each."""
    for line in lines:
        known = [step for step in line.steps if step.s_per_clip is not None]
        times = [(step.s_per_clip or 0, step.low_s, step.high_s) for step in known]
        _draw_line(labels.index(line.label), len(labels), known, times, ax)
    reached = sorted({step.concurrency for line in lines for step in line.steps})
    first = next((s for line in lines for s in line.steps[:1] if s.s_per_clip is not None), None)
    if first is not None:
        ideal = [(first.s_per_clip or 0) * first.concurrency / count for count in reached]
        ax.plot(reached, ideal, color=style.GREY, linestyle=":", linewidth=1.4, zorder=1)
    _mark_losses(lines, ax, labels)
    _finish(reached, ax)
    return ax


def _steps(records: Sequence[Row]) -> tuple[Step, ...]:
    first = next((r for r in records if not pd.isna(r["wall_s"])), None)
    return tuple(_step(record, first) for record in records)


def _step(record: Row, first: Row | None) -> Step:
    s_per_clip = _known(record["s_per_clip"])
    speedup = low = high = None
    if s_per_clip is not None and first is not None:
        speedup = first["s_per_clip"] / s_per_clip
        if record["cell"] == first["cell"]:
            low = high = speedup
        else:
            found = quotient(_time(first), _time(record))
            low, high = found.low, found.high
    return Step(
        concurrency=int(record[X]),
        s_per_clip=s_per_clip,
        low_s=_known(record["s_per_clip_low"]),
        high_s=_known(record["s_per_clip_high"]),
        speedup=speedup,
        speedup_low=low,
        speedup_high=high,
        status=Status(record["status"]),
        runs=int(record["runs"]),
    )


def _time(record: Row) -> Estimate:
    bounds = _known(record["s_per_clip_low"]), _known(record["s_per_clip_high"])
    return Estimate(float(record["s_per_clip"]), *bounds, n=int(record["runs"]))


def _known(value: float) -> float | None:
    return None if pd.isna(value) else float(value)


def _draw_line(
    index: int,
    count: int,
    steps: Sequence[Step],
    values: Sequence[tuple[float, float | None, float | None]],
    ax: Axes,
) -> None:
    color, marker = style.series(index)
    x = [step.concurrency + _dodge(index, count) for step in steps]
    y = [value for value, _, _ in values]
    below = [value - (value if low is None else low) for value, low, _ in values]
    above = [(value if high is None else high) - value for value, _, high in values]
    ax.errorbar(
        x,
        y,
        yerr=[below, above],
        color=color,
        marker=marker,
        markersize=5,
        linewidth=1.5,
        capsize=2,
    )


def _dodge(index: int, count: int) -> float:
    """Side by side, so that bars of one concurrency do not cover each other."""
    return (index - (count - 1) / 2) * 0.06


def _labels(lines: Sequence[Line]) -> list[str]:
    return list(dict.fromkeys(line.label for line in lines))


def _mark_losses(lines: Sequence[Line], ax: Axes, labels: Sequence[str]) -> None:
    """What did not finish has no time: its mark stands at the top, above the lines."""
    ax.margins(y=0.2)
    for line in lines:
        index = labels.index(line.label)
        color, _ = style.series(index)
        for step in line.steps:
            if step.s_per_clip is None:
                look = LOOKS[step.status]
                ax.scatter(
                    step.concurrency + _dodge(index, len(labels)) * 3,
                    0.94,
                    marker=look.marker,
                    s=46,
                    facecolor="white" if look.marker_fill == "white" else color,
                    edgecolor=color,
                    transform=ax.get_xaxis_transform(),
                )


def _finish(reached: Sequence[int], ax: Axes) -> None:
    ax.set_ylim(bottom=0)
    ax.set_xticks(reached)
    ax.set_xlim(reached[0] - 0.4, reached[-1] + 0.4)
    ax.grid(axis="y")


def _legend(lines: Sequence[Line]) -> list[Line2D]:
    handles = []
    for index, label in enumerate(_labels(lines)):
        color, marker = style.series(index)
        handles.append(Line2D([], [], color=color, marker=marker, label=style.chart_text(label)))
    handles.append(
        Line2D([], [], color=style.GREY, linestyle=":", label="ideal: n at once, n times as fast")
    )
    found = {step.status for line in lines for step in line.steps if step.s_per_clip is None}
    # In a line's own colour on the chart: here in none of them.
    for look in (look for status, look in LOOKS.items() if status in found):
        fill = "white" if look.marker_fill == "white" else style.GREY
        grey = replace(look, marker_fill=fill, marker_line=style.GREY)
        handles.append(grey.legend_marker())
    return handles
