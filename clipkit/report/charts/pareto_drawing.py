"""Draws time against memory, and what nothing else beats in both: the Pareto front."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from clipkit import format
from clipkit.format import MIB
from clipkit.records.status import Status
from clipkit.report.charts import style
from clipkit.report.charts.pareto_points import Front, Point
from clipkit.report.charts.status_looks import LOOKS

_IN_STRIP = 6
_NUMBERED = 24
"""More points than these would hide each other's numbers: then only those that matter have one.
In the strip of what has no time there is less room."""


@dataclass(frozen=True, slots=True)
class Labels:
    """What the chart calls things; `wide`: times differ so much that their axis is logarithmic;
    `ticks`: so many of its numbers have room."""

    x: str = "wall time a clip (s)"
    wide: bool = False
    ticks: int = 9


@dataclass(frozen=True, slots=True)
class _Span:
    """The axis of time: where it starts, where the strip of failures starts, where it ends."""

    left_s: float
    slowest_s: float
    strip_s: float
    right_s: float


def draw_settings_tried(points: Sequence[Point], ax: Axes, room_bytes: int | None = None) -> Axes:
    """The settings that a host was tuned with."""
    x = "wall time a clip on this host (s), predicted from the screening runs"
    draw_points(points, ax, room_bytes, Labels(x=x))
    if points:
        runs = sum(point.runs for point in points)
        words = "each number is a row of the table"
        style.title(ax, f"The {len(points)} settings tried, in {runs} runs", words)
        ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1), borderaxespad=0)
    return ax


def draw_fronts(fronts: Sequence[Front], figure: Figure) -> None:
    """The fronts side by side, each with its own ceiling, under one legend."""
    axes = figure.subplots(1, len(fronts), squeeze=False)[0]
    times_s = [point.s_per_clip for front in fronts for point in front.points if point.s_per_clip]
    wide = bool(times_s) and max(times_s) > 4 * min(times_s)
    x = f"wall time a clip (s){', logarithmic' if wide else ''}"
    labels = Labels(x, wide, ticks=max(3, 9 // len(fronts)))
    handles: dict[str, Artist] = {}
    for index, (front, ax) in enumerate(zip(fronts, axes, strict=True)):
        draw_points(front.points, ax, front.room_bytes, labels)
        ax.set_title(front.place)
        if index:
            ax.set_ylabel("")
        drawn, named = ax.get_legend_handles_labels()
        handles |= dict(zip(named, drawn, strict=True))
    runs = sum(point.runs for front in fronts for point in front.points)
    cells = sum(len(front.points) for front in fronts)
    said = (f"n = {runs} runs of {cells} cells", "each number is a row of the table")
    style.heading(figure, "Time against peak memory", style.chart_text("  ·  ".join(said)))
    figure.legend(
        list(handles.values()),
        list(handles),
        loc="outside lower left",
        ncols=style.legend_columns(figure),
    )


def draw_points(
    points: Sequence[Point], ax: Axes, room_bytes: int | None = None, labels: Labels | None = None
) -> Axes:
    """Seconds a clip against peak memory; `room_bytes` is what the ceiling leaves of it."""
    labels = labels or Labels()
    timed = [p for p in points if p.s_per_clip is not None and p.peak_anon_bytes is not None]
    failed = [p for p in points if p.status in LOOKS and p.s_per_clip is None]
    if not timed and not failed:
        return style.draw_nothing(ax, "no settings were tried")
    all_numbers = len(timed) + len(failed) <= _NUMBERED
    span = _span([point.s_per_clip or 0 for point in timed], bool(failed), labels.wide)
    _draw_front(timed, ax)
    _draw_timed(timed, ax, all_numbers)
    _draw_failures(failed, span, room_bytes, ax, all_numbers)
    if room_bytes is not None:
        _draw_room(room_bytes, ax)
    highest = max([room_bytes or 0, *(p.peak_anon_bytes or 0 for p in points), MIB])
    ax.set_ylim(0, highest * 1.12 / MIB)
    _scale(span, labels, ax)
    ax.grid()
    ax.set_xlabel(labels.x)
    ax.set_ylabel("peak memory of the job (MB), reserve excluded")
    return ax


def _span(times_s: Sequence[float], failures: bool, wide: bool) -> _Span:
    fastest_s, slowest_s = min(times_s, default=1.0), max(times_s, default=1.0)
    if wide:
        step = max(slowest_s / fastest_s, 1.5) ** 0.06
        strip_s = slowest_s * step
        return _Span(fastest_s / step, slowest_s, strip_s, strip_s * (step**4 if failures else 1))
    right_s = slowest_s * (1.3 if failures else 1.08)
    left_s = max(0.0, fastest_s - (right_s - fastest_s) / 4) if times_s else 0.0
    return _Span(left_s, slowest_s, slowest_s * 1.08, right_s)


def _scale(span: _Span, labels: Labels, ax: Axes) -> None:
    if labels.wide:
        ax.set_xscale("log")
        steps = [b * 10.0**e for e in range(-4, 6) for b in (1, 1.5, 2, 3, 5, 7)]
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
        (p.s_per_clip or 0, (p.peak_anon_bytes or 0) / MIB) for p in timed if p.efficient
    )
    if front:
        label = "Pareto front: nothing is faster and smaller"
        x_s, y_mb = zip(*front, strict=True)
        ax.step(x_s, y_mb, where="post", color=style.GREY, linewidth=1, label=label, zorder=1)


def _draw_timed(timed: Sequence[Point], ax: Axes, all_numbers: bool) -> None:
    """Small dots; ties have a dashed outline, the recommended one is outlined and large."""
    for label, group, size, outline in (
        ("tried", [p for p in timed if not p.recommended and not p.tie], 46, 0.0),
        ("tie: within the noise of the fastest", [p for p in timed if p.tie], 80, 1.6),
        (style.RECOMMENDED, [p for p in timed if p.recommended], 150, 2.2),
    ):
        if group:
            ax.scatter(
                [point.s_per_clip or 0 for point in group],
                [(point.peak_anon_bytes or 0) / MIB for point in group],
                s=size,
                color=style.BLUE if label == style.RECOMMENDED else style.SKY,
                edgecolor=style.INK,
                linewidth=outline,
                linestyle=(0, (2, 1.2)) if label.startswith("tie") else "-",
                label=label,
                zorder=3,
            )
    for point in timed:
        at = (point.s_per_clip or 0, (point.peak_anon_bytes or 0) / MIB)
        if all_numbers or point.recommended or point.tie or point.efficient:
            _number(point, at, ax)


def _draw_failures(
    failed: Sequence[Point], span: _Span, room_bytes: int | None, ax: Axes, all_numbers: bool
) -> None:
    """What did not finish has no time: it goes into a strip of its own."""
    if not failed:
        return
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
    labelled = set()
    for index, point in enumerate(failed):
        look = LOOKS[point.status]
        x_s = span.strip_s + (span.right_s - span.strip_s) * (index + 1) / (len(failed) + 1)
        at = (x_s, (point.peak_anon_bytes or room_bytes or 0) / MIB)
        ax.scatter(
            *at,
            marker=look.marker,
            s=64 if all_numbers else 30,
            facecolor=look.marker_fill,
            edgecolor=look.marker_line,
            label=None if look.legend in labelled else look.legend,
            zorder=4,
        )
        if all_numbers and len(failed) <= _IN_STRIP:
            _number(point, at, ax)
        labelled.add(look.legend)


def _why_no_time(lost: Sequence[Point]) -> str:
    disturbed = sum(point.status is Status.INVALID_NOISE for point in lost)
    if not disturbed:
        return "did not\nfinish"
    return "not\nmeasured" if disturbed == len(lost) else "no time"


def _number(point: Point, at: tuple[float, float], ax: Axes) -> None:
    away = 8 if point.recommended else 6
    ax.annotate(
        str(point.number),
        at,
        xytext=(away, away - 2),
        textcoords="offset points",
        fontsize=7.5,
        fontweight="bold" if point.recommended else "normal",
        path_effects=[withStroke(linewidth=2.5, foreground="white")],
        zorder=5,
    )
