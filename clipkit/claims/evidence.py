"""Campaigns' tables as runs by condition and variant: what the verdicts are computed from."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from clipkit.analysis.edges import tells_of_memory_alone
from clipkit.analysis.statistics import Estimate, paired_ratio
from clipkit.claims.verdict import Side, Split, Variant
from clipkit.plan.auto import ENCODE
from clipkit.records.best import RECOMMENDED, ranked
from clipkit.records.cells import cells_of, host_noise_of
from clipkit.records.condition import Condition
from clipkit.records.evidence import evidence
from clipkit.records.noise import Noise, pool
from clipkit.records.record import Record
from clipkit.records.status import Status, is_finished, status_of_all

Runs = tuple[Record, ...]
Blocks = dict[tuple[str, int], float]
"""A figure of each block, of each machine that measured."""
Figure = Callable[[Record], float | None]
"""What is compared of two runs; None or 0: not known of this one."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """All runs that count. `noises`: what repeats of one cell differ by, over all cells of that host, since
    two or three repeats say little of their own; only where something was repeated.
    `fastest` and `recommended`: the cells that take the least time of their condition, subject and picture, and
    those to take (`records.best`)."""

    runs: Mapping[Condition, Mapping[Variant, Runs]]
    noises: Mapping[str, Noise]
    fastest: frozenset[str]
    recommended: frozenset[str]

    def conditions(self) -> Iterator[tuple[Condition, Mapping[Variant, Runs]]]:
        """From the smallest host, frame and clip to the largest."""
        yield from sorted(self.runs.items(), key=lambda item: item[0].size)

    def all_runs(self) -> Iterator[Record]:
        for variants in self.runs.values():
            for runs in variants.values():
                yield from runs

    def speedup(self, before: Runs, after: Runs) -> Estimate | None:
        """Wall time before over after, block by block; None where a side failed."""
        if side_status(before) is not Status.OK or side_status(after) is not Status.OK:
            return None
        noise = self.noises.get(before[0].host)
        return paired(before, after, lambda run: run.wall_s, noise)


def paired(
    before: Runs, after: Runs, figure: Figure, noise: Noise | None = None
) -> Estimate | None:
    """A figure before over after, block by block; None where no block has both. `noise`: what is known
    beforehand of a single one."""
    return paired_blocks(blocks_of(before, figure), blocks_of(after, figure), noise)


def paired_blocks(before: Blocks, after: Blocks, noise: Noise | None = None) -> Estimate | None:
    """The same of figures at hand."""
    both = sorted(before.keys() & after.keys())
    if not both:
        return None
    return paired_ratio([before[b] for b in both], [after[b] for b in both], noise)


def quotients(numerators: Blocks, denominators: Blocks) -> Blocks:
    """One over the other, of the blocks that have both."""
    both = numerators.keys() & denominators.keys()
    return {block: numerators[block] / denominators[block] for block in both}


def rest_s(run: Record) -> float | None:
    """The wall time for each CPU second of its ffmpegs: what an orchestrator can change."""
    return run.wall_s / run.ffmpeg_cpu_s if run.wall_s and run.ffmpeg_cpu_s else None


def split(before: Runs, after: Runs) -> Split | None:
    """The ratio of wall times as its two parts, block by block."""
    work = paired(before, after, lambda run: run.ffmpeg_cpu_s)
    rest = paired(before, after, rest_s)
    return Split(work, rest) if work and rest else None


def gather_runs(tables: Sequence[pd.DataFrame]) -> tuple[Evidence, ...]:
    """Of each table the attempts that count, and inferences; the last of each cell and block.

    Campaigns that the same machines measured are one body of evidence, those of others another: machines
    are never taken as one. Pairs are of one campaign alone. The times of a search for the edge of memory
    are left out.
    """
    together: dict[frozenset[str], list[pd.DataFrame]] = {}
    for table in tables:
        together.setdefault(frozenset(table["host_id"]), []).append(table)
    return tuple(_gathered(own) for own in together.values())


def _gathered(tables: Sequence[pd.DataFrame]) -> Evidence:
    grouped: dict[Condition, dict[Variant, list[Record]]] = {}
    noises: dict[str, list[Noise]] = {}
    fastest: set[str] = set()
    recommended: set[str] = set()
    first_block = 0
    for table in tables:
        untimed = tells_of_memory_alone(table)
        for record in _latest(table):
            condition = Condition.of(record.to_row())
            wall_s = None if untimed else record.wall_s
            apart = replace(record, block=record.block + first_block, wall_s=wall_s)
            variants = grouped.setdefault(condition, {})
            variants.setdefault(Variant.of(record), []).append(apart)
        first_block += 1 + int(table["block"].max()) if len(table) else 0
        if untimed:
            continue
        cells = ranked(cells_of(table))
        fastest |= set(cells.loc[cells["fastest"], "cell"])
        recommended |= set(cells.loc[cells["standing"] == RECOMMENDED, "cell"])
        for host, noise in host_noise_of(cells).items():
            noises.setdefault(host, []).append(noise)
    return Evidence(
        {at: {which: tuple(own) for which, own in each.items()} for at, each in grouped.items()},
        {host: pool(*own) for host, own in noises.items()},
        frozenset(fastest),
        frozenset(recommended),
    )


def _latest(table: pd.DataFrame) -> Iterator[Record]:
    latest: dict[tuple[str, str, int], Record] = {}
    rows = evidence(table).sort_values(["attempt", "order"], kind="stable")
    rows = rows[rows["mode"].isna() | (rows["mode"] == ENCODE)]  # as all that the claims speak of
    for row in rows.to_dict("records"):
        record = _record(row)
        latest[record.cell, record.host_id, record.block] = record
    yield from latest.values()


def side_of(variant: Variant, runs: Runs) -> Side:
    failed = [record for record in runs if not is_finished(record)]
    peaks = [peak for record in runs if (peak := record.peak_need_bytes) is not None]
    return Side(
        variant=variant,
        status=side_status(runs),
        error=failed[0].error if failed else None,
        peak_bytes=max(peaks, default=None),
        runs=len(runs),
        cores=_cores(runs),
    )


def _cores(runs: Runs) -> float | None:
    """CPU seconds of the orchestrator and its ffmpegs a second of wall time."""
    known = [
        (run.orchestrator_cpu_s + run.ffmpeg_cpu_s) / run.wall_s
        for run in runs
        if is_finished(run)
        and run.wall_s
        and run.orchestrator_cpu_s is not None
        and run.ffmpeg_cpu_s is not None
    ]
    return statistics.fmean(known) if known else None


def side_status(runs: Sequence[Record]) -> Status:
    return status_of_all(record.status for record in runs) or Status.CANCELLED


def blocks_of(runs: Runs, figure: Figure) -> Blocks:
    """What finished runs tell of it."""
    values = {(run.host_id, run.block): figure(run) for run in runs if is_finished(run)}
    return {block: float(value) for block, value in values.items() if value}


def _record(row: Mapping[Any, Any]) -> Record:
    """A row of the table as the record it came from."""
    plain = {name: _plain(value) for name, value in row.items()}
    return Record.from_row(plain | {"started_utc": str(plain["started_utc"])})


def _plain(value: Any) -> Any:
    """Lists as they are, NA as None, numbers of numpy as Python's."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        value = value.item()
    return None if pd.isna(value) else value
