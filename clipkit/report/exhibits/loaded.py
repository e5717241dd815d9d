"""A campaign as a Python object: what `clipkit.load` returns. Reads its folder, never writes there."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypedDict, Unpack

import pandas as pd

from clipkit import format as fmt
from clipkit import hosts
from clipkit.campaign import background, standing
from clipkit.errors import CampaignError
from clipkit.records import cells as cell_table
from clipkit.records import table as tables
from clipkit.records import wording as levels
from clipkit.records.evidence import settings_words, varying
from clipkit.records.record import Record
from clipkit.records.store import RUNS
from clipkit.report.exhibits import glance
from clipkit.report.exhibits.study import read_object
from clipkit.tables import Table
from clipkit.tuning import recommendation as recommendations
from clipkit.tuning.optimum import Optimum, Wanted, optimum
from clipkit.tuning.recommendation import Recommendation

# What a best one is the best of.
_PLACE = (
    "upload_sha256",
    "clips",
    "clip_s",
    "memory_limit_bytes",
    "cpu_quota",
    "reserve_bytes",
)


class SingledOut(TypedDict, total=False):
    """One host and job among those of a sweep; sizes such as `512M`, `upload` by its name."""

    host: str | None
    memory: str | None
    cpus: float | None
    reserve: str | None
    preset: str | None
    clip_s: float | None
    upload: str | None


@dataclass(frozen=True, eq=False)
class Campaign:
    """A campaign's records and where they come from, as they were when it was loaded.

    `table` has one row an attempt, with the columns of `Record`; unknown is NA. `environment` tells
    of the machine, `uploads` of the films, by name.
    """

    folder: Path
    table: pd.DataFrame
    environment: dict[str, Any]
    uploads: dict[str, Any]

    @cached_property
    def cells(self) -> pd.DataFrame:
        """One row a cell: its repeats as a mean with a 95 % interval (see `analysis.cells`)."""
        return cell_table.cells(self.table)

    @property
    def recommendation(self) -> Recommendation | None:
        """What `clipkit tune` recommended, where this is a tuning."""
        if not recommendations.is_tuning(self.folder):
            return None
        return recommendations.read(self.folder)

    def record(self, run_id: str) -> Record:
        """One attempt, by the `run_id` that the table holds. Raises CampaignError."""
        with (self.folder / RUNS).open(encoding="utf-8") as lines:
            for line in lines:
                if run_id in line and (row := json.loads(line))["run_id"] == run_id:
                    return Record.from_row(row)
        raise CampaignError(f"{self.folder} has no run '{run_id}': they are in table['run_id']")

    def recommend(self, **singled_out: Unpack[SingledOut]) -> Optimum | Recommendation:
        """The best settings for one host and job: see `clipkit.recommend`."""
        known = self.recommendation
        if known and all(value is None for value in singled_out.values()):
            return known
        return optimum(self.table, **self._wanted(singled_out))

    def _wanted(self, singled_out: SingledOut) -> Wanted:
        """In the words of the table."""
        memory, reserve = singled_out.get("memory"), singled_out.get("reserve")
        upload = singled_out.get("upload")
        return Wanted(
            host=singled_out.get("host"),
            memory_bytes=None if memory is None else hosts.parse_size(memory),
            cpus=singled_out.get("cpus"),
            reserve_bytes=None if reserve is None else hosts.parse_size(reserve),
            preset=singled_out.get("preset"),
            clip_s=singled_out.get("clip_s"),
            upload_sha256=None if upload is None else self._sha256(upload),
        )

    def _sha256(self, upload: str) -> str:
        if upload not in self.uploads:
            there = ", ".join(self.uploads) or "none"
            raise CampaignError(f"{self.folder} has no upload '{upload}': it has {there}")
        return str(self.uploads[upload]["sha256"])

    def _repr_html_(self) -> str:
        rows = [
            ("machine", _machine(self.environment)),
            ("cells", self._cells_words()),
            ("attempts", _counts(self.table["status"])),
        ]
        known = self.recommendation
        rows += [("verdict", known.verdict)] if known else self._best()
        drawn = None if known else glance.heat_map(self.table)
        told = Table(("campaign", fmt.near(self.folder)), tuple(rows))
        return told._repr_html_() + (drawn._repr_html_() if drawn else "")

    def _cells_words(self) -> str:
        told = _counts(self.cells["status"])
        if not (self.folder / standing.PROGRESS).exists():
            return told
        now = standing.read(self.folder)
        state = state_words(now.state, background.is_held(self.folder))
        return f"{told}; {now.done} of {now.total} trials, {state}"

    def _best(self) -> list[tuple[str, str]]:
        """The fastest of each job on each host, and how many cannot be told apart from it."""
        cells = self.cells
        by = [column for column in _PLACE if cells[column].nunique(dropna=False) > 1]
        standing = cell_table.standing(cells, cell_table.noise(self.table), by)
        differing = varying(cells[cells["subject"] == "clipkit"])
        # One group where nothing of the place varies.
        keys = [cells[column] for column in by] or [pd.Series("", index=cells.index)]
        rows = []
        for _, group in cells.assign(standing=standing).groupby(keys, dropna=False):
            first = group.iloc[0]
            where = ", ".join(self._level_words(column, first[column]) for column in by)
            rows.append((f"best: {where}" if where else "best", _best_words(group, differing)))
        return rows

    def _level_words(self, column: str, value: Any) -> str:
        if column == "upload_sha256":  # by its name, where there is one
            names = {facts.get("sha256"): name for name, facts in self.uploads.items()}
            return str(names.get(value, levels.words(column, value)))
        return levels.words(column, value)


def load(folder: Path) -> Campaign:
    """Read a campaign's folder. Raises CampaignError where it is none."""
    return Campaign(
        folder=folder.resolve(),
        table=tables.load(folder),
        environment=read_object(folder / "environment.json"),
        uploads=read_object(folder / "uploads.json"),
    )


def state_words(state: str, is_held: bool) -> str:
    """How a sweep ended or goes on; `is_held`: whether a process is there that measures."""
    if state == "running" and not is_held:
        return "its process was killed: sweep again to go on"
    return state


def _machine(environment: dict[str, Any]) -> str:
    cores = environment.get("cores", "?")
    system, ceiling = (environment.get(key, "unknown") for key in ("system", "ceiling"))
    cpu = environment.get("cpu", "unknown CPU")
    return f"{cpu}, {cores} cores, {system}; ceiling by {ceiling}"


def _counts(statuses: pd.Series[str]) -> str:
    counted = statuses.value_counts().items()
    return f"{len(statuses)}: " + ", ".join(f"{count} {status}" for status, count in counted)


def _best_words(group: pd.DataFrame, differing: list[str]) -> str:
    """Of cells with the same job and host, with their `standing`."""
    finished = group[group["standing"] == cell_table.BEST].to_dict("records")
    if not finished:
        return "none finished"
    best, ties = finished[0], int((group["standing"] == cell_table.TIE).sum())
    is_ours = best["subject"] == "clipkit"
    what = settings_words(best, differing) if is_ours else str(best["subject"])
    told = f"{what}: {fmt.seconds(best['s_per_clip'])} a clip"
    if not pd.isna(best["s_per_clip_low"]):
        low, high = fmt.seconds(best["s_per_clip_low"]), fmt.seconds(best["s_per_clip_high"])
        told += f" (95 %: {low} to {high})"
    told += f", peak {fmt.size(best['peak_anon_bytes'])}"
    return f"{told}; {ties} not told apart from it" if ties else told
