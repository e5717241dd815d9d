"""Cells that leave threads open, for the host that runs them to fill in as `clipkit cut` would there. Pure.

A sweep's trial leaves them to ffmpeg, which counts the cores that it sees: of a large machine's container it would
open dozens, on a plan of half a core. What is packed is what production would do with these settings. Commands are
left as they are, whoever's they are: nobody fills them in in production either.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from clipkit.campaign.strategy import Cell
from clipkit.pack.there.planned import THREADS, OpenThreads
from clipkit.plan.subjects import ENGINE
from clipkit.plan.task import Task
from clipkit.plan.threads import MOST_SHARED, open_threads, told_threads


def with_told_threads(cell: Cell, threads: int) -> Cell:
    """The cell that it is on a host which gives each clip so many."""
    return replace(cell, settings=told_threads(cell.settings, threads))


def opened_cells(cells: Sequence[Cell]) -> dict[int, OpenThreads]:
    """Those that leave threads open, by their places."""
    opened = {place: cell for place, cell in enumerate(cells) if _is_open(cell)}
    same = _same_cells(cells, opened) if opened else {}
    return {
        place: OpenThreads(
            at_once=min(cell.settings.concurrency, len(cell.job.clips)),
            cpu_percent=cell.settings.cpu_percent,
            same_as=tuple(same.get(place, ())),
        )
        for place, cell in opened.items()
    }


def opened_tasks(with_one: Sequence[Task], with_two: Sequence[Task]) -> list[dict[str, Any]]:
    """From the tasks of a cell with one thread of each kind that it leaves open, and with two: what differs is left
    open. Raises ValueError where something else differs than numbers of threads, and what memory they take."""
    pairs = zip(with_one, with_two, strict=True)
    return [_opened(one.to_json(), two.to_json()) for one, two in pairs]


def _is_open(cell: Cell) -> bool:
    used = dict(cell.subject.used(cell.settings).items())
    return cell.subject.name == ENGINE and bool(open_threads(used))


def _same_cells(
    cells: Sequence[Cell], opened: Mapping[int, Cell]
) -> dict[int, list[tuple[int, int]]]:
    """With how many threads each of `opened` comes to the same as which other one."""
    told = {cell.levels: place for place, cell in enumerate(cells) if place not in opened}
    asked = [cell.settings for cell in cells if cell.subject.name == ENGINE]
    counts = {n for s in asked for n in (s.encoder_threads, s.decoder_threads, s.filter_threads)}
    found = defaultdict[int, list[tuple[int, int]]](list)
    for threads in sorted(n for n in counts if 0 < n <= MOST_SHARED):
        known = dict(told)
        for place, cell in opened.items():
            other = known.setdefault(with_told_threads(cell, threads).levels, place)
            if other != place:
                found[place].append((threads, other))
    return found


def _opened(one: Any, two: Any) -> Any:
    if one == two:
        return one
    if isinstance(one, dict):
        return {name: _opened(value, two[name]) for name, value in one.items()}
    if isinstance(one, list | tuple):
        return [_opened(each, other) for each, other in zip(one, two, strict=True)]
    if isinstance(one, str):
        if (one, two) != ("1", "2"):
            raise ValueError(f"with other threads '{one}' is '{two}'")
        return THREADS
    return None  # of memory: what is not known before
