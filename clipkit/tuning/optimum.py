"""The optimum for a host from the table of any campaign: the fastest settings that fit. Pure."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence
from typing import Any, TypedDict, Unpack

import pandas as pd

from clipkit import format as fmt
from clipkit.analysis.statistics import Estimate, Noise, quotient
from clipkit.errors import CampaignError
from clipkit.plan.subjects import ENGINE
from clipkit.records import cells as cell_station
from clipkit.records.cells import BEST, JOB, PLACE
from clipkit.records.evidence import evidence
from clipkit.records.record import Status
from clipkit.settings import Settings, knobs
from clipkit.tuning.best import ENCODING, Choice, Optimum, Where, encoding_words
from clipkit.tuning.candidates import USABLE_FRACTION
from clipkit.tuning.screening import leaves_margin, need
from clipkit.tuning.words import busy

__all__ = ["Choice", "Optimum", "Wanted", "Where", "optima", "optimum"]

_ENOUGH_RUNS = 3
_APART: dict[str, Any] = {"sort": False, "dropna": False}
"""How cells are grouped: in their order, an unset level being one too."""


class Wanted(TypedDict, total=False):
    """What narrows the search; what is left out may be anything. Sizes in bytes, CPU in cores."""

    host: str | None
    memory_bytes: int | None
    cpus: float | None
    reserve_bytes: int | None
    preset: str | None
    clip_s: float | None
    upload_sha256: str | None
    subject: str


_COLUMNS = {
    "host": "host",
    "memory_bytes": "memory_limit_bytes",
    "cpus": "cpu_quota",
    "reserve_bytes": "reserve_bytes",
    "preset": "preset",
    "clip_s": "clip_s",
    "upload_sha256": "upload_sha256",
    "subject": "subject",
}


def optimum(table: pd.DataFrame, **wanted: Unpack[Wanted]) -> Optimum:
    """The fastest of all for one host and job.

    Raises CampaignError where nothing matches, naming what there is, and where several hosts or
    jobs do, naming these.
    """
    found = optima(table, **wanted)
    places = list(dict.fromkeys(each.where for each in found))
    if len(places) > 1:
        told = "; ".join(place.words for place in places)
        raise CampaignError(f"the campaign has several hosts or jobs, choose one: {told}")
    return found[0]


def optima(table: pd.DataFrame, **wanted: Unpack[Wanted]) -> tuple[Optimum, ...]:
    """The optimum of each host, job and encoding, the smallest first; of one the fastest encoding.

    `table` is that of `analysis.table.load`. Raises CampaignError where nothing matches, or nothing
    that matches finished.
    """
    rows = evidence(table)
    matching = _matching(rows, {"subject": ENGINE} | wanted)
    spread = cell_station.noise(table)
    grouped = cell_station.cells(table)
    grouped = grouped[grouped["cell"].isin(matching["cell"])]
    found: list[Optimum] = []
    for _, place in grouped.groupby(_by(grouped, (*PLACE, *JOB)), **_APART):
        own = rows[rows["cell"].isin(place["cell"])]
        encodings = [cells for _, cells in place.groupby(_by(place, ENCODING), **_APART)]
        each = [one for cells in encodings if (one := _optimum(cells, own, spread))]
        each.sort(key=lambda one: one.best.wall.value)
        without = _without_optimum(encodings)
        found += [
            dataclasses.replace(one, fastest=one is each[0], unmeasured=(*without, *one.unmeasured))
            for one in each
        ]
    if not found:
        raise CampaignError("nothing that matches finished: no settings can be recommended")
    return tuple(sorted(found, key=lambda one: _size(one.where)))


def _size(where: Where) -> tuple[float, ...]:
    """From the smallest host, frame and clip to the largest."""
    memory = math.inf if where.memory_bytes is None else where.memory_bytes
    cpus = math.inf if where.cpus is None else where.cpus
    return memory, cpus, where.width * where.height, where.clip_s


def _matching(rows: pd.DataFrame, wanted: Wanted) -> pd.DataFrame:
    """The rows of what is wanted. Raises CampaignError, naming the levels there are."""
    for name, value in wanted.items():
        if value is None:
            continue
        column = rows[_COLUMNS[name]]
        kept = rows[(column == value).fillna(False).astype(bool)]
        if kept.empty:
            there = ", ".join(_level(name, level) for level in sorted(column.dropna().unique()))
            asked = f"{name.replace('_', ' ')} {_level(name, value)}"
            raise CampaignError(f"the campaign has nothing of {asked}: it has {there or 'none'}")
        rows = kept
    return rows


def _by(cells: pd.DataFrame, columns: Sequence[str]) -> list[Any]:
    return [cells[name] for name in columns]


def _optimum(cells: pd.DataFrame, rows: pd.DataFrame, spread: Noise | None) -> Optimum | None:
    """Of cells that encode alike on one host; None where none finished in all its runs."""
    failed = cell_station.failed_once(cells)
    out = cells["status"].isin([str(Status.OOM), str(Status.OOM_INFERRED)])
    finished = cells[~failed]
    if finished.empty:
        return None
    choices = {choice.cell: choice for choice in _choices(finished)}
    where = _where(finished.iloc[0], str(rows["campaign"].iloc[0]))
    roomy = {
        name
        for name, choice in choices.items()
        if leaves_margin(choice.peak_need_bytes, where.room_bytes)
    }
    contending = finished[finished["cell"].isin(roomy)] if roomy else finished
    standing = cell_station.standing(contending, spread, ())
    names = contending.loc[standing != "", "cell"]
    level = sorted((choices[name] for name in names), key=_need)
    best, *ties = level
    fastest = choices[str(contending.loc[standing == BEST, "cell"].iloc[0])]
    quickest = min(choices.values(), key=lambda choice: choice.wall.value)
    others = [choice for choice in choices.values() if choice is not best]
    failed_cells = int((failed & ~out).sum())
    default = dataclasses.replace(Settings(), **_encoding(best.settings))
    return Optimum(
        where=where,
        best=best,
        ties=tuple(sorted(ties, key=lambda tie: tie.wall.value)),
        fastest=False,
        tighter=None if quickest.cell in set(contending["cell"]) else quickest,
        headroom_bytes=_headroom(where, best),
        cells=len(cells),
        oom_cells=int(out.sum()),
        failed_cells=failed_cells,
        slowest=_longer(max(others, key=lambda one: one.wall.value), best) if others else None,
        default=next((_longer(o, best) for o in others if o.settings == default), None),
        ceiling=str(finished["ceiling"].iloc[0]),
        unmeasured=tuple(_unmeasured(rows, fastest, failed_cells, roomy=bool(roomy))),
    )


def _without_optimum(encodings: Sequence[pd.DataFrame]) -> tuple[str, ...]:
    """Encodings of which no cell finished, in words."""
    return tuple(
        f"{encoding_words(_settings(cells.iloc[0].to_dict()))}: none of its {len(cells)} settings "
        "finished here in every run"
        for cells in encodings
        if cell_station.failed_once(cells).all()
    )


def _choices(finished: pd.DataFrame) -> Iterator[Choice]:
    points = [
        (float(wall), math.inf if pd.isna(peak) else float(peak))
        for wall, peak in zip(finished["wall_s"], finished["peak_anon_bytes"], strict=True)
    ]
    for row, mine in zip(finished.to_dict("records"), points, strict=True):
        beaten = any(p != mine and p[0] <= mine[0] and p[1] <= mine[1] for p in points)
        low, high = row["wall_low_s"], row["wall_high_s"]
        known = not pd.isna(low)
        yield Choice(
            cell=row["cell"],
            settings=_settings(row),
            wall=Estimate(
                float(row["wall_s"]),
                float(low) if known else None,
                float(high) if known else None,
                int(row["runs"]),
            ),
            s_per_clip=float(row["s_per_clip"]),
            peak_anon_bytes=_whole(row["peak_anon_bytes"]),
            peak_need_bytes=_whole(row["peak_need_bytes"]),
            output_bytes=None if pd.isna(row["output_bytes"]) else float(row["output_bytes"]),
            runs=int(row["runs"]),
            on_front=not beaten,
        )


def _settings(row: dict[Any, Any]) -> Settings:
    values: dict[str, Any] = {}
    for knob in knobs():
        value = row[knob.name]
        values[knob.name] = None if pd.isna(value) else knob.kind(value)
    return Settings(**values)


def _encoding(settings: Settings) -> dict[str, Any]:
    return {name: getattr(settings, name) for name in ENCODING}


def _where(row: pd.Series[Any], campaign: str) -> Where:
    cpus = row["cpu_quota"]
    return Where(
        campaign=campaign,
        host=str(row["host"]),
        memory_bytes=_whole(row["memory_limit_bytes"]),
        cpus=None if pd.isna(cpus) else float(cpus),
        reserve_bytes=int(row["reserve_bytes"]),
        upload_sha256=str(row["upload_sha256"]),
        width=int(row["width"]),
        height=int(row["height"]),
        upload_s=float(row["upload_s"]),
        clips=int(row["clips"]),
        clip_s=float(row["clip_s"]),
    )


def _whole(value: Any) -> int | None:
    return None if pd.isna(value) else int(value)


def _need(choice: Choice) -> tuple[float, float]:
    return need(choice.peak_anon_bytes, choice.wall.value)


def _headroom(where: Where, best: Choice) -> int | None:
    if where.room_bytes is None or best.peak_anon_bytes is None:
        return None
    return where.room_bytes - best.peak_anon_bytes


def _longer(other: Choice, best: Choice) -> Estimate:
    return quotient(other.wall, best.wall)


def _unmeasured(
    rows: pd.DataFrame, fastest: Choice, failed_cells: int, *, roomy: bool
) -> Iterator[str]:
    """What the choice does not show, in sentences."""
    if fastest.runs < _ENOUGH_RUNS:
        yield f"{fastest.runs} runs say little of their noise: measure at least {_ENOUGH_RUNS} blocks"
    if not roomy:
        margin = f"{100 * (1 - USABLE_FRACTION):.0f} %"
        yield f"nothing leaves {margin} of the memory free: what was not measured may run out of it"
    if failed_cells:
        yield f"{failed_cells} cells failed, but not for memory: they might have been faster"
    shares = rows["other_cpu_fraction"].dropna()
    if words := busy(float(shares.median()) if len(shares) else None):
        yield words
    if set(rows["ceiling"]) & {"watchdog", "none"}:
        yield "no kernel enforced the ceiling here: see clipkit doctor"
    yield "other uploads: their content, codec and key frames decide how much is decoded"
    yield "a fresh confirmation: the fastest was chosen by these same runs, which flatters it a little"
    yield "your plan's processor: trust the ratios more than the seconds"


def _level(name: str, value: Any) -> str:
    return fmt.size(value) if name.endswith("_bytes") else str(value)
