"""The settings tried: time against memory, and which of them nothing else beats in both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

from clipkit import format
from clipkit.analysis.rows import evidence, has_settings, settings_words, varying
from clipkit.analysis.statistics import geometric_mean
from clipkit.format import MIB
from clipkit.report import style
from clipkit.report.subjects import predicted_wall_s
from clipkit.settings import knobs, to_table
from clipkit.trial.record import Status
from clipkit.tuning.recommendation import Recommendation

_FAILURE_LOOKS = {
    Status.OOM: ("ran out of memory", "X", style.FAILURE),
    Status.OOM_INFERRED: ("not run: a smaller one ran out", "X", "white"),
    Status.TIMEOUT: ("timed out", "v", "white"),
    Status.FAILED: ("failed", "v", style.FAILURE),
}
"""Status -> legend, marker, fill."""


@dataclass(frozen=True, slots=True)
class Point:
    """One combination of settings, over all its screening runs.

    `number` names it in chart and table, from the fastest on. `s_per_clip` is the geometric mean of
    wall time / clips, predicted for the host; None where it failed. `peak_anon_bytes` is the
    highest. `efficient`: no other point
    is both faster and smaller.
    """

    number: int
    words: str
    s_per_clip: float | None
    peak_anon_bytes: int | None
    status: Status
    runs: int
    recommended: bool = False
    tie: bool = False
    efficient: bool = False


def frontier_points(table: pd.DataFrame, recommendation: Recommendation) -> list[Point]:
    """One point for each settings that clipkit's engine tried, whichever clips it was tried on; the
    fastest first, failures last."""
    rows = evidence(table)
    rows = rows[rows["subject"] == "clipkit"]
    # Its confirming runs would set the winner apart by how it was measured.
    rows = rows[rows["phase"] != "confirm"]
    if rows.empty:
        return []
    rows = rows.assign(s_per_clip=predicted_wall_s(rows, recommendation.host) / rows["clips"])
    chosen = has_settings(rows, to_table(recommendation.settings))
    tied = pd.Series(False, index=rows.index)
    for tie in recommendation.ties:
        tied |= has_settings(rows, tie.settings)
    differing = varying(rows)
    points = []
    for _, runs in rows.groupby([knob.name for knob in knobs()], sort=False, dropna=False):
        first = runs.index[0]
        point = _point(settings_words(runs.iloc[0].to_dict(), differing), runs)
        points.append(replace(point, recommended=bool(chosen[first]), tie=bool(tied[first])))
    points.sort(key=lambda p: (p.s_per_clip is None, p.s_per_clip or 0, p.peak_anon_bytes or 0))
    return [
        replace(point, number=number, efficient=_efficient(point, points))
        for number, point in enumerate(points, start=1)
    ]


def draw_frontier(points: Sequence[Point], ax: Axes, room_bytes: int | None = None) -> Axes:
    """Seconds a clip against peak memory; `room_bytes` is what the ceiling leaves of it."""
    timed = [p for p in points if p.s_per_clip is not None and p.peak_anon_bytes is not None]
    failed = [p for p in points if p.status in _FAILURE_LOOKS]
    if not timed and not failed:
        return style.nothing(ax, "no settings were tried")
    _draw_front(timed, ax)
    _draw_points(timed, ax)
    slowest_s = max((point.s_per_clip or 0 for point in timed), default=1.0)
    right_s = _draw_failures(failed, slowest_s, room_bytes, ax)
    if room_bytes is not None:
        ax.axhline(room_bytes / MIB, color=style.FAILURE, linewidth=1.4)
        ax.annotate(
            f"room for the job: {format.size(room_bytes)}",
            (0, room_bytes / MIB),
            xycoords=("axes fraction", "data"),
            xytext=(6, -4),
            textcoords="offset points",
            va="top",
            color=style.FAILURE,
            fontweight="bold",
        )
    highest = max([room_bytes or 0, *(p.peak_anon_bytes or 0 for p in points), MIB])
    ax.set_ylim(0, highest * 1.12 / MIB)
    fastest_s = min((point.s_per_clip or 0 for point in timed), default=0.0)
    left_s = max(0.0, fastest_s - (right_s - fastest_s) / 4)
    ax.set_xlim(left_s, right_s)
    ticks = MaxNLocator(9).tick_values(left_s, slowest_s)
    ax.set_xticks([tick for tick in ticks if left_s <= tick <= slowest_s])
    ax.grid()
    ax.set_xlabel("wall time a clip on this host (s), predicted from the screening runs")
    ax.set_ylabel("peak memory of the job (MB), reserve excluded")
    runs = sum(point.runs for point in points)
    words = "each number is a row of the table"
    style.title(ax, f"The {len(points)} settings tried, in {runs} runs", words)
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1), borderaxespad=0)
    return ax


def _point(words: str, runs: pd.DataFrame) -> Point:
    """Settings that failed once are a failure: their good runs were luck."""
    worst = [Status(status) for status in runs["status"] if Status(status) in _FAILURE_LOOKS]
    finished = runs[runs["status"] == str(Status.OK)]
    per_clip_s = finished["s_per_clip"].dropna().tolist()
    peaks = runs["peak_anon_bytes"].dropna()
    return Point(
        number=0,
        words=words,
        s_per_clip=geometric_mean(per_clip_s).value if per_clip_s and not worst else None,
        peak_anon_bytes=int(peaks.max()) if len(peaks) else None,
        status=worst[0] if worst else Status.OK,
        runs=len(runs),
    )


def _efficient(point: Point, points: Sequence[Point]) -> bool:
    if point.s_per_clip is None or point.peak_anon_bytes is None:
        return False
    mine = (point.s_per_clip, point.peak_anon_bytes)
    return not any(
        other.s_per_clip is not None
        and other.peak_anon_bytes is not None
        and (theirs := (other.s_per_clip, other.peak_anon_bytes)) != mine
        and theirs[0] <= mine[0]
        and theirs[1] <= mine[1]
        for other in points
    )


def _draw_front(timed: Sequence[Point], ax: Axes) -> None:
    front = sorted(
        (p.s_per_clip or 0, (p.peak_anon_bytes or 0) / MIB) for p in timed if p.efficient
    )
    if front:
        label = "Pareto front: nothing is faster and smaller"
        x_s, y_mb = zip(*front, strict=True)
        ax.step(x_s, y_mb, where="post", color=style.GREY, linewidth=1, label=label, zorder=1)


def _draw_points(timed: Sequence[Point], ax: Axes) -> None:
    """Small dots; ties are outlined, and the recommended settings outlined and large."""
    for label, group, size, outline in (
        ("tried", [p for p in timed if not p.recommended and not p.tie], 46, 0.0),
        ("tie: within the noise of the best", [p for p in timed if p.tie], 80, 1.6),
        ("recommended", [p for p in timed if p.recommended], 150, 2.2),
    ):
        if group:
            ax.scatter(
                [point.s_per_clip or 0 for point in group],
                [(point.peak_anon_bytes or 0) / MIB for point in group],
                s=size,
                color=style.BLUE if label == "recommended" else style.SKY,
                edgecolor=style.INK,
                linewidth=outline,
                label=label,
                zorder=3,
            )
    for point in timed:
        at = (point.s_per_clip or 0, (point.peak_anon_bytes or 0) / MIB)
        _number(point, at, ax)


def _draw_failures(
    failed: Sequence[Point], slowest_s: float, room_bytes: int | None, ax: Axes
) -> float:
    """What did not finish has no time: it goes into a strip of its own; where the axis ends."""
    if not failed:
        return slowest_s * 1.08
    strip_s, right_s = slowest_s * 1.08, slowest_s * 1.3
    ax.axvspan(strip_s, right_s, color="#fbefe6", zorder=0, linewidth=0)
    ax.text(
        (strip_s + right_s) / 2,
        0.02,
        "did not finish:\nno time",
        ha="center",
        fontsize=7.5,
        color=style.FAILURE,
        transform=ax.get_xaxis_transform(),
    )
    labelled = set()
    for index, point in enumerate(failed):
        label, marker, fill = _FAILURE_LOOKS[point.status]
        x_s = strip_s + (right_s - strip_s) * (index + 1) / (len(failed) + 1)
        at = (x_s, (point.peak_anon_bytes or room_bytes or 0) / MIB)
        ax.scatter(
            *at,
            marker=marker,
            s=64,
            facecolor=fill,
            edgecolor=style.FAILURE,
            label=None if label in labelled else label,
            zorder=4,
        )
        _number(point, at, ax)
        labelled.add(label)
    return right_s


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
