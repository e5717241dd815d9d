"""Heat maps of time a clip: two settings across a map, two more factors across the maps."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from clipkit import format
from clipkit.analysis.factors import Factor, factors_of
from clipkit.errors import CampaignError
from clipkit.records.best import RECOMMENDED
from clipkit.records.campaign import has_level, levels_in
from clipkit.records.columns import column
from clipkit.records.status import Status
from clipkit.report.charts.style import chart_text

_USUAL = ("concurrency", "encoder_threads", "preset", "memory_limit_bytes")


@dataclass(frozen=True, slots=True)
class Layout:
    """Which column goes where; `columns` and `rows` are across the small multiples."""

    x: str = "concurrency"
    y: str = "encoder_threads"
    columns: str = "preset"
    rows: str = "memory_limit_bytes"

    @property
    def used(self) -> tuple[str, str, str, str]:
        return (self.x, self.y, self.columns, self.rows)


@dataclass(frozen=True, slots=True)
class Tile:
    """One cell at its place among the levels of x and y. `best`: recommended, tie or nothing
    (`records.best`).

    Times are None where none counts: `status` says why.
    """

    x: int
    y: int
    cell: str
    status: Status
    runs: int
    failures: int
    s_per_clip: float | None
    low_s: float | None
    high_s: float | None
    best: str


@dataclass(frozen=True, slots=True)
class Panel:
    """One of the small multiples, at its place among the levels of rows and columns."""

    row: int
    column: int
    tiles: tuple[Tile, ...]


@dataclass(frozen=True, slots=True)
class HeatMap:
    """All small multiples on one scale of colours. `levels` are in words, by column."""

    layout: Layout
    levels: dict[str, tuple[str, ...]]
    panels: tuple[Panel, ...]
    tiles: tuple[Tile, ...] = field(init=False)

    def __post_init__(self) -> None:
        tiles = tuple(tile for panel in self.panels for tile in panel.tiles)
        object.__setattr__(self, "tiles", tiles)

    @property
    def range_s(self) -> tuple[float, float] | None:
        """The fastest and the slowest time; None where nothing finished."""
        times = [tile.s_per_clip for tile in self.tiles if tile.s_per_clip is not None]
        return (min(times), max(times)) if times else None


def usual_heat_layout(cells: pd.DataFrame) -> Layout:
    """Concurrency across threads, by preset and ceiling; what does not vary makes room for what
    does."""
    varying = [factor.column for factor in factors_of(cells)]
    places = list(_USUAL)
    further = [column for column in varying if column not in places]
    for place in (3, 2, 1, 0):  # another factor across the maps rather than within
        if further and places[place] not in varying:
            places[place] = further.pop(0)
    return Layout(*places)


def factors_left_over(cells: pd.DataFrame, layout: Layout) -> list[Factor]:
    """What varies besides the layout's four columns: one of its levels makes one heat map."""
    return [
        factor
        for factor in factors_of(cells)
        if factor.column not in layout.used and not set(factor.along) & set(layout.used)
    ]


def heat_points(cells: pd.DataFrame, layout: Layout | None = None) -> HeatMap:
    """The heat map of these cells, an opened campaign's (`Campaign.cells`).

    Raises CampaignError where several cells fall on one place: something else varies too.
    """
    layout = layout or usual_heat_layout(cells)
    known = {name: levels_in(name, cells[name]) for name in layout.used}
    _refuse_crowds(cells, layout)
    places = {name: _positions(cells[name], known[name]) for name in layout.used}
    placed = cells.assign(**{f"at_{name}": places[name] for name in layout.used})
    panels = []
    for _, group in placed.groupby([f"at_{layout.rows}", f"at_{layout.columns}"], sort=True):
        records = group.to_dict("records")
        row, across = (int(records[0][f"at_{c}"]) for c in (layout.rows, layout.columns))
        panels.append(Panel(row, across, tuple(_tile(record, layout) for record in records)))
    named = {name: tuple(map(column(name).level, levels)) for name, levels in known.items()}
    return HeatMap(layout, named, tuple(panels))


def _refuse_crowds(cells: pd.DataFrame, layout: Layout) -> None:
    if not cells.duplicated(list(layout.used)).any():
        return
    others = [
        f"{column(f.column).title} ({column(f.column).listed(f.levels)})"
        for f in factors_left_over(cells, layout)
    ]
    raise CampaignError(
        f"a heat map shows four factors, and these cells vary in more: {'; '.join(others)}; "
        "choose one level of each with part(), or other columns for x, y, columns and rows"
    )


def _positions(values: pd.Series[Any], known: tuple[Any, ...]) -> pd.Series[int]:
    positions = pd.Series(0, index=values.index)
    for position, level in enumerate(known):
        positions[has_level(values.to_frame(), str(values.name), [level])] = position
    return positions


def _tile(record: dict[Any, Any], layout: Layout) -> Tile:
    return Tile(
        x=int(record[f"at_{layout.x}"]),
        y=int(record[f"at_{layout.y}"]),
        cell=str(record["cell"]),
        status=Status(record["status"]),
        runs=int(record["runs"]),
        failures=int(record["failures"]),
        s_per_clip=_known(record["s_per_clip"]),
        low_s=_known(record["s_per_clip_low"]),
        high_s=_known(record["s_per_clip_high"]),
        best=str(record["best"]),
    )


def _known(value: float) -> float | None:
    return None if pd.isna(value) else float(value)


def heat_finding(heat: HeatMap) -> str:
    """Where the recommended settings lie, and what a clip takes there; all in words."""
    found = [
        tile for tile in heat.tiles if tile.best == RECOMMENDED and tile.s_per_clip is not None
    ]
    if not found:
        return "Nothing can be recommended here"
    x, y = heat.layout.x, heat.layout.y
    places = {(tile.x, tile.y) for tile in found}
    times = sorted(tile.s_per_clip or 0 for tile in found)
    span = " to ".join(dict.fromkeys(map(format.seconds, (times[0], times[-1]))))
    several = "" if len(found) == 1 else f" for each of {len(found)} hosts and jobs"
    if len(places) == 1:
        tile = found[0]
        words = f"{column(x).title} {heat.levels[x][tile.x]}, {column(y).title} {heat.levels[y][tile.y]}"
        return chart_text(f"Recommended{several}: {words} ({span} a clip)")
    levels = (
        f"{column(name).title} {_levels_words([heat.levels[name][at] for at in sorted(taken)])}"
        for name, taken in ((x, {tile.x for tile in found}), (y, {tile.y for tile in found}))
    )
    return chart_text(f"What is recommended differs by host and job: {', '.join(levels)}")


def _levels_words(levels: list[str]) -> str:
    return levels[0] if len(levels) == 1 else f"{', '.join(levels[:-1])} or {levels[-1]}"


def heat_words(heat: HeatMap) -> str:
    """What the tiles show and rest on: repeats and interval."""
    runs = sorted({tile.runs for tile in heat.tiles if tile.s_per_clip is not None})
    said = ["wall time a clip (s)"]
    if runs:
        said.append(f"n = {'–'.join(dict.fromkeys((str(runs[0]), str(runs[-1]))))} runs a tile")
    halves = sorted(
        math.log(tile.high_s / tile.low_s) / 2 for tile in heat.tiles if tile.low_s and tile.high_s
    )
    if halves:
        ends = dict.fromkeys(format.percent(half) for half in (halves[0], halves[-1]))
        said.append(f"95 % intervals ± {' to '.join(ends)}")
    return chart_text("  ·  ".join(said))
