"""The settings tried, as points of time and memory: of one host's tuning, or of a sweep's cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from clipkit.analysis.factors import at, levels_of
from clipkit.analysis.statistics import Noise, geometric_mean
from clipkit.records import cells as cell_table
from clipkit.records import wording as levels
from clipkit.records.evidence import evidence, has_settings, settings_words, varying
from clipkit.records.record import Status
from clipkit.report.charts import style
from clipkit.report.charts.front import Labels, Point, draw_points, numbered
from clipkit.report.exhibits.subjects import predicted_wall_s
from clipkit.settings import knobs, to_table
from clipkit.tuning.recommendation import Recommendation

_PLACE = "memory_limit_bytes"


@dataclass(frozen=True, slots=True)
class Front:
    """The cells of one host: `room_bytes` is what its ceiling leaves beside the reserve."""

    place: str
    room_bytes: int | None
    points: tuple[Point, ...]


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
    return numbered(points)


def cell_fronts(
    cells: pd.DataFrame, noise: Noise | None, words: Mapping[str, str]
) -> tuple[Front, ...]:
    """A front for each memory ceiling among the cells; `words` says by its name what each is."""
    standing = cell_table.standing(cells, noise, cell_table.ALIKE)
    fronts = []
    for limit in reversed(levels_of(_PLACE, cells[_PLACE])):
        inside = cells[at(cells, _PLACE, [limit])]
        points = [
            Point(
                number=0,
                words=words[str(record["cell"])],
                s_per_clip=None if pd.isna(record["s_per_clip"]) else float(record["s_per_clip"]),
                peak_anon_bytes=_whole(record["peak_anon_bytes"]),
                status=Status(record["status"]),
                runs=int(record["runs"]),
                recommended=standing[index] == cell_table.BEST,
                tie=standing[index] == cell_table.TIE,
            )
            for index, record in zip(inside.index, inside.to_dict("records"), strict=True)
        ]
        reserve = int(inside["reserve_bytes"].max())
        room = None if limit is None else int(limit) - reserve
        fronts.append(Front(levels.words(_PLACE, limit), room, tuple(numbered(points))))
    return tuple(fronts)


def draw_frontier(points: Sequence[Point], ax: Axes, room_bytes: int | None = None) -> Axes:
    """The settings that a host was tuned with."""
    x = "wall time a clip on this host (s), predicted from the screening runs"
    draw_points(points, ax, room_bytes, Labels(x=x))
    if points:
        runs = sum(point.runs for point in points)
        words = "each number is a row of the table"
        style.title(ax, f"The {len(points)} settings tried, in {runs} runs", words)
        ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1), borderaxespad=0)
    return ax


def draw_fronts(fronts: Sequence[Front], figure: Figure, fixed: Sequence[str] = ()) -> None:
    """The fronts side by side, each with its own ceiling, under one legend."""
    axes = figure.subplots(1, len(fronts), squeeze=False)[0]
    times_s = [point.s_per_clip for front in fronts for point in front.points if point.s_per_clip]
    wide = bool(times_s) and max(times_s) > 4 * min(times_s)
    labels = Labels(
        best="fastest", x=f"wall time a clip (s){', logarithmic' if wide else ''}", wide=wide
    )
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
    said = (f"n = {runs} runs of {cells} cells", "each number is a row of the table", *fixed)
    style.heading(figure, "Time against peak memory", levels.plain("  ·  ".join(said)))
    figure.legend(list(handles.values()), list(handles), loc="outside lower left", ncols=3)


def _point(words: str, runs: pd.DataFrame) -> Point:
    """Settings that failed once are a failure: their good runs were luck."""
    worst = [Status(status) for status in runs["status"] if Status(status) is not Status.OK]
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


def _whole(value: int) -> int | None:
    return None if pd.isna(value) else int(value)
