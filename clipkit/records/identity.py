"""What makes two attempts attempts at the same cell: its levels, and the name that is made of them. Pure.

Cells are matched by their levels, never by their names: a name is as old as the clipkit that gave it,
and a stored one is kept.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from clipkit.plan.subjects import KINDS
from clipkit.records.record import Record
from clipkit.records.served import Served
from clipkit.settings import knobs

JOB_AND_HOST = (
    "subject",
    "command",
    "upload_sha256",
    "clips",
    "clip_s",
    "clip_starts_s",
    "memory_limit_bytes",
    "cpu_quota",
    "reserve_bytes",
)
"""What makes a cell besides the settings that its subject follows."""

WHICH = ("service", "service_argv", "service_environment")
"""What makes it besides where its subject is one of several: cells of others have no such level."""

Levels = tuple[tuple[str, Hashable], ...]


def levels_of_cell(of: Mapping[Any, Any]) -> Levels:
    """From a row's columns, of `runs.jsonl` or of a table: the same for every attempt at a cell.

    Of the settings those that were followed and differ from what held before each was declared, so
    that a setting more changes no cell that was measured without it.
    """
    job = [(name, _told(name, of[name])) for name in JOB_AND_HOST]
    job += [(name, which) for name in WHICH if (which := plain(of.get(name))) is not None]
    kind = KINDS.get(of["subject"])
    told = [knob for knob in knobs() if kind is None or knob.name in kind.levels]
    values = ((knob, plain(of[knob.name])) for knob in told)
    followed = [(knob, value) for knob, value in values if value is not None or knob.absent]
    return (*job, *((knob.name, value) for knob, value in followed if value != knob.before))


def who_of(row: Mapping[Any, Any]) -> str:
    """Who cuts in that row, as `Record.who` has it."""
    served = Served(**{name: plain(row.get(name)) for name in WHICH})
    return served.who or str(row["subject"])


def name_of_cell(levels: Levels) -> str:
    """Such as `fluent-0e2dad82`: stable, the same levels have the same name everywhere."""
    known = dict(levels)
    digest = hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()
    return f"{known['subject']}-{digest[:8]}"


def unified(table: pd.DataFrame) -> pd.DataFrame:
    """The table with one name for each cell, the one that its first attempt has: where clipkits of
    different ages measured the same, they named it differently."""
    naming = {"cell", *JOB_AND_HOST, *WHICH, *(knob.name for knob in knobs())}
    names = [name for name in table.columns if name in naming]
    firsts = table[names].drop_duplicates("cell").itertuples(index=False, name=None)
    renamed = _renamed(dict(zip(names, values, strict=True)) for values in firsts)
    if not renamed:
        return table
    return table.assign(
        cell=table["cell"].map(lambda name: renamed.get(name, name)).astype("string")
    )


def unified_records(records: Iterable[Record]) -> list[Record]:
    """The same of records at hand."""
    known = list(records)
    firsts = {record.cell: record for record in reversed(known)}
    renamed = _renamed(firsts[cell].to_row() for cell in dict.fromkeys(r.cell for r in known))
    return [
        replace(record, cell=renamed[record.cell]) if record.cell in renamed else record
        for record in known
    ]


def _renamed(firsts: Iterable[Mapping[Any, Any]]) -> dict[str, str]:
    """Of one row for each name: the names of cells that had another one before, and that."""
    names: dict[Levels, str] = {}
    known = ((row["cell"], names.setdefault(levels_of_cell(row), row["cell"])) for row in firsts)
    return {name: first for name, first in known if name != first}


def without(levels: Levels, *names: str) -> Levels:
    """The same but for these."""
    return tuple((name, value) for name, value in levels if name not in names)


def _told(name: str, value: Any) -> Any:
    """2 CPU and 2.0 CPU are one level, and have one name."""
    known = plain(value)
    return float(known) if name in ("clip_s", "cpu_quota") and known is not None else known


def plain(value: Any) -> Any:
    """As Python has it and as can be compared: lists as tuples, NA as None, whole floats as they are."""
    if hasattr(value, "__len__") and not isinstance(value, str):
        return tuple(plain(entry) for entry in value)
    if hasattr(value, "item"):
        value = value.item()
    return None if value is None or pd.isna(value) else value
