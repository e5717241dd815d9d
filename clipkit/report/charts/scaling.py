"""How time a clip falls with concurrency, a line for each number of threads, beside the ideal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from clipkit.records.campaign import has_level, levels_in
from clipkit.records.columns import column
from clipkit.records.noise import Noise
from clipkit.records.status import Status
from clipkit.report.charts import style
from clipkit.report.charts.status_looks import LOOKS

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
    """One number of threads, in words, in one panel."""

    panel: str
    label: str
    steps: tuple[Step, ...]


def scaling_points(
    cells: pd.DataFrame, noise: Noise | None, panels: str = "preset"
) -> tuple[Line, ...]:
    """A line for each level of encoder threads in each level of the column `panels`."""
    lines = []
    for panel in levels_in(panels, cells[panels]):
        inside = cells[has_level(cells, panels, [panel])]
        for threads in levels_in(LINES, inside[LINES]):
            line = inside[has_level(inside, LINES, [threads])].sort_values(X)
            steps = _steps(line.to_dict("records"), noise)
            lines.append(Line(column(panels).words(panel), column(LINES).words(threads), steps))
    return tuple(lines)


def draw_scalings(lines: Sequence[Line], figure: Figure) -> None:
    """Time a clip above, speed-up below, a column for each panel."""
    names = list(dict.fromkeys(line.panel for line in lines))
    axes = figure.subplots(2, len(names), squeeze=False, sharex=True)
    for name, (upper, lower) in zip(names, axes.T, strict=True):
        inside = [line for line in lines if line.panel == name]
        draw_times(inside, upper)
        draw_speedups(inside, lower)
        upper.set_title(style.chart_text(name))
        lower.set_xlabel("concurrency (clips at the same time)")
    highest = max(ax.get_ylim()[1] for ax in axes[1])
    for ax in axes[1]:
        ax.set_ylim(0, highest)
    axes[0, 0].set_ylabel("wall time a clip (s)")
    axes[1, 0].set_ylabel("speed-up over\nthe fewest at a time")
    runs = sorted({step.runs for line in lines for step in line.steps if step.s_per_clip})
    n = "–".join(dict.fromkeys(map(str, (runs[0], runs[-1])))) if runs else "0"
    said = (f"n = {n} runs a point", "bars: 95 % intervals")
    style.heading(figure, "Scaling with concurrency", style.chart_text("  ·  ".join(said)))
    figure.legend(
        handles=_legend(lines), loc="outside lower left", ncols=style.legend_columns(figure)
    )


def draw_times(lines: Sequence[Line], ax: Axes) -> Axes:
    """Seconds a clip from zero; a cross on top where memory ran out."""
    for index, line in enumerate(lines):
        known = [step for step in line.steps if step.s_per_clip is not None]
        times = [(step.s_per_clip or 0, step.low_s, step.high_s) for step in known]
        _draw_line(index, len(lines), known, times, ax)
    _mark_losses(lines, ax)
    _finish(lines, ax)
    return ax


def draw_speedups(lines: Sequence[Line], ax: Axes) -> Axes:
    """Each line's speed-up over its own lowest concurrency; dotted: twice as many, twice as fast."""
    for index, line in enumerate(lines):
        known = [step for step in line.steps if step.speedup is not None]
        ratios = [(step.speedup or 0, step.speedup_low, step.speedup_high) for step in known]
        _draw_line(index, len(lines), known, ratios, ax)
    reached = [step.concurrency for line in lines for step in line.steps]
    if reached:
        ends = [min(reached), max(reached)]
        ideal = [1, ends[1] / ends[0]]
        ax.plot(ends, ideal, color=style.GREY, linestyle=":", linewidth=1.4, zorder=1)
    _finish(lines, ax)
    return ax


def _steps(records: Sequence[Row], noise: Noise | None) -> tuple[Step, ...]:
    first = next((r for r in records if not pd.isna(r["wall_s"])), None)
    return tuple(_step(record, first, noise) for record in records)


def _step(record: Row, first: Row | None, noise: Noise | None) -> Step:
    s_per_clip = _known(record["s_per_clip"])
    speedup = low = high = None
    if s_per_clip is not None and first is not None:
        speedup = first["s_per_clip"] / s_per_clip
        if record["cell"] == first["cell"]:
            low = high = speedup
        elif noise is not None:
            half = noise.half_width * math.sqrt(1 / first["runs"] + 1 / record["runs"])
            low, high = speedup / math.exp(half), speedup * math.exp(half)
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


def _mark_losses(lines: Sequence[Line], ax: Axes) -> None:
    """What did not finish has no time: its mark stands at the top, above the lines."""
    ax.margins(y=0.2)
    for index, line in enumerate(lines):
        color, _ = style.series(index)
        for step in line.steps:
            if step.s_per_clip is None:
                look = LOOKS[step.status]
                ax.scatter(
                    step.concurrency + _dodge(index, len(lines)) * 3,
                    0.94,
                    marker=look.marker,
                    s=46,
                    facecolor="white" if look.marker_fill == "white" else color,
                    edgecolor=color,
                    transform=ax.get_xaxis_transform(),
                )


def _finish(lines: Sequence[Line], ax: Axes) -> None:
    ax.set_ylim(bottom=0)
    reached = sorted({step.concurrency for line in lines for step in line.steps})
    ax.set_xticks(reached)
    ax.set_xlim(reached[0] - 0.4, reached[-1] + 0.4)
    ax.grid(axis="y")


def _legend(lines: Sequence[Line]) -> list[Line2D]:
    labels = list(dict.fromkeys(line.label for line in lines))
    handles = []
    for index, label in enumerate(labels):
        color, marker = style.series(index)
        handles.append(Line2D([], [], color=color, marker=marker, label=style.chart_text(label)))
    handles.append(
        Line2D([], [], color=style.GREY, linestyle=":", label="ideal: n at a time, n times as fast")
    )
    found = {step.status for line in lines for step in line.steps if step.s_per_clip is None}
    # In a line's own colour on the chart: here in none of them.
    for look in (look for status, look in LOOKS.items() if status in found):
        fill = "white" if look.marker_fill == "white" else style.GREY
        grey = replace(look, marker_fill=fill, marker_line=style.GREY)
        handles.append(grey.legend_marker())
    return handles
