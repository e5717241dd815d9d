"""The settings tried, as points of time and memory: of one host's tuning, or of a sweep's cells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from clipkit.analysis.statistics import geometric_mean
from clipkit.plan.subjects import TUNABLE
from clipkit.records.best import RECOMMENDED, TIED
from clipkit.records.campaign import has_level, levels_in
from clipkit.records.columns import column
from clipkit.records.evidence import (
    evidence,
    finished_rows,
    has_settings,
    settings_words,
    tried,
    varying_settings,
)
from clipkit.records.need import needs_of
from clipkit.records.status import Status, status_of_all
from clipkit.report.charts.subject_rows import predicted_wall_s
from clipkit.settings import knobs, to_table
from clipkit.tuning.recommendation import Recommendation

_PLACE = "memory_limit_bytes"


@dataclass(frozen=True, slots=True)
class Point:
    """One combination of settings, over all its runs.

    `number` names it in chart and table, from the fastest on. `s_per_clip` is the geometric mean of
    wall time / clips; None where it failed. `peak_need_bytes` is the highest of its runs. `recommended`: the
    best. `efficient`: no other point is both faster and smaller.
    """

    number: int
    words: str
    s_per_clip: float | None
    peak_need_bytes: int | None
    status: Status
    runs: int
    recommended: bool = False
    tie: bool = False
    efficient: bool = False


@dataclass(frozen=True, slots=True)
class Front:
    """The cells of one host: `room_bytes` is what its ceiling leaves beside the reserve."""

    place: str
    room_bytes: int | None
    points: tuple[Point, ...]


def numbered(points: Sequence[Point]) -> list[Point]:
    """The fastest first, failures last, each with its number and whether it is on the front."""
    ordered = sorted(
        points, key=lambda p: (p.s_per_clip is None, p.s_per_clip or 0, p.peak_need_bytes or 0)
    )
    front = _front(ordered)
    return [
        replace(point, number=number, efficient=(point.s_per_clip, point.peak_need_bytes) in front)
        for number, point in enumerate(ordered, start=1)
    ]


def settings_tried_points(table: pd.DataFrame, recommendation: Recommendation) -> list[Point]:
    """One point for each settings that were tried, as the verdict tells them; the fastest first, failures
    last. An older clipkit's verdict does not: then whichever clips they were tried on."""
    if recommendation.tried:
        return numbered(list(_told_points(recommendation)))
    rows = tried(table)
    rows = rows[rows["subject"].isin(TUNABLE)]
    # Its confirming runs would set the winner apart by how it was measured.
    rows = rows[rows["phase"] != "confirm"]
    if rows.empty:
        return []
    rows = rows.assign(s_per_clip=predicted_wall_s(rows, recommendation.host) / rows["clips"])
    chosen = has_settings(rows, to_table(recommendation.settings))
    tied = pd.Series(False, index=rows.index)
    for tie in recommendation.ties:
        tied |= has_settings(rows, tie.settings)
    differing = varying_settings(rows)
    points = []
    for _, runs in rows.groupby([knob.name for knob in knobs()], sort=False, dropna=False):
        first = runs.index[0]
        point = _point(settings_words(runs.iloc[0].to_dict(), differing), runs)
        points.append(replace(point, recommended=bool(chosen[first]), tie=bool(tied[first])))
    return numbered(points)


def _told_points(recommendation: Recommendation) -> Iterator[Point]:
    clips = recommendation.measured_job["clips"]
    tables = [each.settings for each in recommendation.tried]
    varying = [k.name for k in knobs() if len({str(table.get(k.name)) for table in tables}) > 1]
    for each in recommendation.tried:
        wall_s = each.predicted_wall_s
        told = {name: each.settings.get(name) for name in varying}
        yield Point(
            number=0,
            words=settings_words(told, varying),
            s_per_clip=None if wall_s is None else wall_s / clips,
            peak_need_bytes=each.peak_need_bytes,
            status=Status(each.status),
            runs=each.runs,
            recommended=_is_as(each.settings, recommendation.tried_as),
            tie=each.tied and each.fits,
        )


def _is_as(tried: Mapping[str, Any], chosen: Mapping[str, Any]) -> bool:
    """Whether these are the same settings. What was written before there was some setting does not name it."""
    return all(chosen[name] == value for name, value in tried.items() if name in chosen)


def cell_fronts(
    cells: pd.DataFrame, words: Mapping[str, str], place: str = ""
) -> tuple[Front, ...]:
    """A front for each memory ceiling among the cells; `words` says by its name what each is, `place`
    what else tells these cells from others."""
    fronts = []
    for limit in reversed(levels_in(_PLACE, cells[_PLACE])):
        inside = cells[has_level(cells, _PLACE, [limit])]
        points = [
            Point(
                number=0,
                words=words[str(record["cell"])],
                s_per_clip=None if pd.isna(record["s_per_clip"]) else float(record["s_per_clip"]),
                peak_need_bytes=_whole(record["peak_need_bytes"]),
                status=Status(record["status"]),
                runs=int(record["runs"]),
                recommended=record["best"] == RECOMMENDED,
                tie=record["best"] == TIED,
            )
            for record in inside.to_dict("records")
        ]
        reserve = int(inside["reserve_bytes"].max())
        room = None if limit is None else int(limit) - reserve
        where = ", ".join(filter(None, (column(_PLACE).words(limit), place)))
        fronts.append(Front(where, room, tuple(numbered(points))))
    return tuple(fronts)


def _front(points: Sequence[Point]) -> set[tuple[float | None, int | None]]:
    """Times and peaks that no other point beats in both; `points` from the fastest on."""
    found, smallest = set[tuple[float | None, int | None]](), float("inf")
    for point in points:
        if point.s_per_clip is None or point.peak_need_bytes is None:
            continue
        if point.peak_need_bytes < smallest:
            found.add((point.s_per_clip, point.peak_need_bytes))
            smallest = point.peak_need_bytes
    return found


def _point(words: str, runs: pd.DataFrame) -> Point:
    """What failed once has failed, and what others disturbed does not count (`records.status`)."""
    status = status_of_all(Status(end) for end in runs["status"]) or Status.INVALID_NOISE
    times_s = runs.loc[finished_rows(runs), "s_per_clip"].tolist()
    told = evidence(runs)
    peaks = needs_of(told).dropna()
    return Point(
        number=0,
        words=words,
        s_per_clip=geometric_mean(times_s).value if times_s and status is Status.OK else None,
        peak_need_bytes=int(peaks.max()) if len(peaks) else None,
        status=status,
        runs=len(told),
    )


def _whole(value: int) -> int | None:
    return None if pd.isna(value) else int(value)
