"""Draws time against memory, and what nothing else beats in both: the Pareto front."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from clipkit import format
from clipkit.format import MIB
from clipkit.records.status import INVALID
from clipkit.report.charts import style, writing
from clipkit.report.charts.numbers import Dot, write_numbers
from clipkit.report.charts.pareto_findings import best_words, fronts_finding, tried_finding
from clipkit.report.charts.pareto_points import Front, Point
from clipkit.report.charts.status_looks import LOOKS
from clipkit.tuning.mode_rows import ModeRow

_PANEL_PX = 300
"""How wide a front is at least."""
_TRIED, _TIE, _BEST = 46, 80, 190
"""Areas of the marks, in points."""
_IN_STRIP = 6
_NUMBERED = 24
"""More points than these would hide each other's numbers: then only those that matter have one.
In the strip of what has no time there is less room."""


@dataclass(frozen=True, slots=True)
class Labels:
    """What the chart calls things; `wide`: times differ so much that their axis is logarithmic;
    `ticks`: so many of its numbers have room; `y_title`: whether memory is named beside its axis; `best`: what
    the star is."""

    x: str = "wall time a clip (s)"
    wide: bool = False
    ticks: int = 9
    y_title: bool = True
    best: str = style.RECOMMENDED


@dataclass(frozen=True, slots=True)
class _Span:
    """The axis of time: where it starts, where the strip of failures starts, where it ends."""

    left_s: float
    slowest_s: float
    strip_s: float
    right_s: float


def draw_settings_tried(
    points: Sequence[Point], ax: Axes, room_bytes: int | None = None, way: ModeRow | None = None
) -> Axes:
    """The settings that a host was tuned with. `way`: the mode that is recommended; None: re-encoding."""
    figure: Figure = ax.figure  # type: ignore[assignment]
    x = writing.wrapped(
        "wall time a clip on this host (s), predicted from the screening runs", writing.panel_px(ax)
    )
    ticks = int(writing.panel_px(ax) // 80)
    dots = draw_points(points, ax, room_bytes, Labels(x, ticks=ticks, best=best_words(way)))
    if points:
        runs = sum(point.runs for point in points)
        words = f"{len(points)} settings tried in {runs} runs  ·  each number is a row of the table"
        writing.heading(figure, tried_finding(points, way), words)
        style.legend_below(figure, ax.get_legend_handles_labels()[0])
    figure.draw_without_rendering()
    write_numbers(dots, ax)
    return ax


def front_grid(fronts: Sequence[Front], width_px: float) -> tuple[int, int]:
    """How many fronts stand below and beside each other in a figure of that width."""
    across = min(len(fronts), max(1, int(width_px // _PANEL_PX)))
    return -(-len(fronts) // across), across


def draw_fronts(fronts: Sequence[Front], figure: Figure) -> None:
    """The fronts in small multiples, each with its own ceiling, under one legend."""
    down, across = front_grid(fronts, writing.width_px(figure))
    axes = list(figure.subplots(down, across, squeeze=False).flat)
    handles: dict[str, Artist] = {}
    drawn = []
    for index, (front, ax) in enumerate(zip(fronts, axes, strict=False)):
        times_s = [point.s_per_clip for point in front.points if point.s_per_clip]
        wide = bool(times_s) and max(times_s) > 4 * min(times_s)
        x = f"wall time a clip (s){', logarithmic' if wide else ''}" if (
            wide or index + across >= len(fronts)) else ""  # fmt: skip
        labels = Labels(x, wide, max(3, int(writing.panel_px(ax) // 60)), index % across == 0)
        drawn.append((draw_points(front.points, ax, front.room_bytes, labels), ax))
        writing.title(ax, style.chart_text(front.place))
        marks, named = ax.get_legend_handles_labels()
        handles |= dict(zip(named, marks, strict=True))
    for ax in axes[len(fronts) :]:
        ax.set_axis_off()
    runs = sum(point.runs for front in fronts for point in front.points)
    cells = sum(len(front.points) for front in fronts)
    said = ("peak memory over wall time a clip", f"n = {runs} runs of {cells} cells",
            "each number is a row of the table")  # fmt: skip
    writing.heading(figure, fronts_finding(fronts), style.chart_text("  ·  ".join(said)))
    style.legend_below(figure, list(handles.values()))
    figure.draw_without_rendering()
    for dots, ax in drawn:
        write_numbers(dots, ax)


def draw_points(
    points: Sequence[Point], ax: Axes, room_bytes: int | None = None, labels: Labels | None = None
) -> list[Dot]:
    """Seconds a clip against peak memory; `room_bytes` is what the ceiling leaves of it. What is to be
    numbered, when the axes have their place (`numbers.write_numbers`)."""
    labels = labels or Labels()
    timed = [p for p in points if p.s_per_clip is not None and p.peak_need_bytes is not None]
    failed = [p for p in points if p.status in LOOKS and p.s_per_clip is None]
    if not timed and not failed:
        style.draw_nothing(ax, "no settings were tried")
        return []
    all_numbers = len(timed) + len(failed) <= _NUMBERED
    span = _span([point.s_per_clip or 0 for point in timed], bool(failed), labels.wide)
    _draw_front(timed, ax)
    dots = _draw_timed(timed, ax, all_numbers, labels.best)
    dots += _draw_failures(failed, span, room_bytes, ax, all_numbers)
    if room_bytes is not None:
        _draw_room(room_bytes, ax)
    highest = max([room_bytes or 0, *(p.peak_need_bytes or 0 for p in points), MIB])
    ax.set_ylim(0, highest * 1.12 / MIB)
    _scale(span, labels, ax)
    ax.grid()
    ax.set_xlabel(labels.x)
    if labels.y_title:
        ax.set_ylabel("peak memory (MB)")
    return dots


def _span(times_s: Sequence[float], failures: bool, wide: bool) -> _Span:
    fastest_s, slowest_s = min(times_s, default=1.0), max(times_s, default=1.0)
    if wide:
        step = max(slowest_s / fastest_s, 1.5) ** 0.06
        strip_s = slowest_s * step
        return _Span(fastest_s / step, slowest_s, strip_s, strip_s * (step**4 if failures else 1))
    spread_s = max(slowest_s - fastest_s, slowest_s * 0.1)
    right_s = slowest_s + spread_s * (0.4 if failures else 0.15)
    left_s = max(0.0, fastest_s - spread_s * 0.2) if times_s else 0.0
    return _Span(left_s, slowest_s, slowest_s + spread_s * 0.1, right_s)


def _steps(span: _Span) -> tuple[float, ...]:
    """In each power of ten: fewer, the more of these there are, so that no label lies on another."""
    decades = math.log10(span.slowest_s / span.left_s)
    if decades > 1.5:
        return (1, 3)
    return (1, 2, 5) if decades > 0.9 else (1, 1.5, 2, 3, 5, 7)


def _scale(span: _Span, labels: Labels, ax: Axes) -> None:
    if labels.wide:
        ax.set_xscale("log")
        steps = [b * 10.0**e for e in range(-4, 6) for b in _steps(span)]
        ticks = [step for step in steps if span.left_s <= step <= span.slowest_s]
        ax.xaxis.set_major_locator(FixedLocator(ticks))
        ax.xaxis.set_minor_locator(NullLocator())
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    else:
        round_s = MaxNLocator(labels.ticks).tick_values(span.left_s, span.slowest_s)
        ax.set_xticks([tick for tick in round_s if span.left_s <= tick <= span.slowest_s])
    ax.set_xlim(span.left_s, span.right_s)


def _draw_room(room_bytes: int, ax: Axes) -> None:
    ax.axhline(room_bytes / MIB, color=style.FAILURE, linewidth=1.4)
    ax.annotate(
        f"room for the job: {format.size(room_bytes)}",
        (0, room_bytes / MIB),
        xycoords=("axes fraction", "data"),
        xytext=(6, 3),
        textcoords="offset points",
        va="bottom",
        color=style.FAILURE,
        fontweight="bold",
    )


def _draw_front(timed: Sequence[Point], ax: Axes) -> None:
    front = sorted(
        (p.s_per_clip or 0, (p.peak_need_bytes or 0) / MIB) for p in timed if p.efficient
    )
    if len(front) > 1:  # of one point there is no line to draw
        label = "Pareto front: nothing is faster and smaller"
        x_s, y_mb = zip(*front, strict=True)
        ax.step(x_s, y_mb, where="post", color=style.GREY, linewidth=1, label=label, zorder=1)


def _draw_timed(timed: Sequence[Point], ax: Axes, all_numbers: bool, best: str) -> list[Dot]:
    """Small dots; ties have a dashed outline, the `best` is a star."""
    for label, group, size, outline in (
        ("tried", [p for p in timed if not p.recommended and not p.tie], _TRIED, 0.0),
        ("tie: within the noise of the fastest", [p for p in timed if p.tie], _TIE, 1.6),
        (best, [p for p in timed if p.recommended], _BEST, 1.2),
    ):
        if group:
            ax.scatter(
                [point.s_per_clip or 0 for point in group],
                [(point.peak_need_bytes or 0) / MIB for point in group],
                s=size,
                marker="*" if label == best else "o",
                color=style.BLUE if label == best else style.SKY,
                edgecolor=style.INK,
                linewidth=outline,
                linestyle=(0, (2, 1.2)) if label.startswith("tie") else "-",
                label=label,
                zorder=4 if label == best else 3,
            )
    return [
        Dot(
            point.s_per_clip or 0,
            (point.peak_need_bytes or 0) / MIB,
            _reach_px(_BEST if point.recommended else _TIE if point.tie else _TRIED),
            str(point.number)
            if all_numbers or point.recommended or point.tie or point.efficient
            else "",
            point.recommended,
        )
        for point in timed
    ]


def _reach_px(size: float) -> float:
    """Of a mark whose area in points is `size`."""
    return math.sqrt(size) / 2 / 72 * writing.DPI


def _draw_failures(
    failed: Sequence[Point], span: _Span, room_bytes: int | None, ax: Axes, all_numbers: bool
) -> list[Dot]:
    """What did not finish has no time: it goes into a strip of its own."""
    if not failed:
        return []
    ax.axvspan(span.strip_s, span.right_s, color="#fbefe6", zorder=0, linewidth=0)
    ax.text(
        (span.strip_s + span.right_s) / 2,
        0.02,
        f"{_why_no_time(failed)}\nn = {len(failed)}",
        ha="center",
        fontsize=7.5,
        color=style.FAILURE,
        transform=ax.get_xaxis_transform(),
    )
    labelled, dots = set(), []
    for index, point in enumerate(failed):
        look = LOOKS[point.status]
        x_s = span.strip_s + (span.right_s - span.strip_s) * (index + 1) / (len(failed) + 1)
        at = (x_s, (point.peak_need_bytes or room_bytes or 0) / MIB)
        ax.scatter(
            *at,
            marker=look.marker,
            s=64 if all_numbers else 30,
            facecolor=look.marker_fill,
            edgecolor=look.marker_line,
            label=None if look.legend in labelled else look.legend,
            zorder=4,
        )
        number = str(point.number) if all_numbers and len(failed) <= _IN_STRIP else ""
        dots.append(Dot(*at, _reach_px(64 if all_numbers else 30), number))
        labelled.add(look.legend)
    return dots


def _why_no_time(lost: Sequence[Point]) -> str:
    invalid = sum(point.status in INVALID for point in lost)
    if not invalid:
        return "did not\nfinish"
    return "not\nmeasured" if invalid == len(lost) else "no time"
