"""Any campaign, opened to be explored: its cells, and those among them that are asked for."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from clipkit import hosts
from clipkit.analysis.factors import Factor, at, factors, levels_of
from clipkit.analysis.statistics import Noise
from clipkit.errors import UsageError
from clipkit.records import cells as cell_table
from clipkit.records import table as tables
from clipkit.records import wording as levels
from clipkit.report.exhibits.study import read_object

_SHORT = {
    "memory": "memory_limit_bytes",
    "cpus": "cpu_quota",
    "reserve": "reserve_bytes",
    "length_s": "clip_s",
}
"""What an experiment's file calls them."""
_SIZES = ("memory_limit_bytes", "reserve_bytes")


@dataclass(frozen=True, slots=True, eq=False)
class Explored:
    """A campaign or a part of it. `table` has its attempts, `cells` one row a cell (see
    `analysis.cells`) and the column `upload`, its name; `noise` is the whole campaign's.

    `chosen`: what `where` was given: column -> levels.
    """

    folder: Path
    table: pd.DataFrame
    cells: pd.DataFrame
    noise: Noise | None
    environment: dict[str, Any]
    uploads: dict[str, Any]
    chosen: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)

    @property
    def figures(self) -> Path:
        """Where the pictures are kept."""
        return self.folder / "figures"

    def sampled(self, runs: pd.DataFrame) -> pd.DataFrame:
        """Of these rows those whose samples were kept; all of them where none were."""
        kept = runs["run_id"].map(
            lambda name: (self.folder / "samples" / f"{name}.parquet").is_file()
        )
        return runs[kept.astype(bool)] if kept.any() else runs

    @property
    def factors(self) -> tuple[Factor, ...]:
        """What varies."""
        return factors(self.cells)

    @property
    def fixed(self) -> tuple[str, ...]:
        """What was chosen, in words."""
        return tuple(
            f"only {' or '.join(levels.words(column, level) for level in chosen)}"
            for column, chosen in self.chosen.items()
        )

    def where(self, **wanted: Any) -> Explored:
        """Only the cells with these levels: `where(preset="medium", memory="256M")`.

        A list of levels takes them all; None means left out or unlimited. Raises UsageError for an
        unknown column, or a level that does not occur, naming what there is.
        """
        cells, chosen = self.cells, dict(self.chosen)
        for word, value in wanted.items():
            column = _column(word, cells)
            several = value if isinstance(value, list | tuple | set | frozenset) else [value]
            asked = tuple(_level(column, each) for each in several)
            _check(column, asked, levels_of(column, cells[column]))
            cells, chosen[column] = cells[at(cells, column, asked)], asked
        table = self.table[self.table["cell"].isin(cells["cell"])]
        return replace(self, cells=cells, table=table, chosen=chosen)

    def ours(self) -> Explored:
        """Only what clipkit's own engine cut, where it cut anything: baselines have no settings."""
        mixed = self.cells["subject"].nunique() > 1 and (self.cells["subject"] == "clipkit").any()
        return self.where(subject="clipkit") if mixed else self

    def each(self, columns: list[str]) -> list[Explored]:
        """One part for each combination that occurs of the columns' levels."""
        known = [levels_of(column, self.cells[column]) for column in columns]
        parts = []
        for combination in itertools.product(*known):
            cells = self.cells
            for column, level in zip(columns, combination, strict=True):
                cells = cells[at(cells, column, [level])]
            if len(cells):
                fixed = {c: (level,) for c, level in zip(columns, combination, strict=True)}
                table = self.table[self.table["cell"].isin(cells["cell"])]
                parts.append(
                    replace(self, cells=cells, table=table, chosen={**self.chosen, **fixed})
                )
        return parts

    def words(self) -> dict[str, str]:
        """Cell -> what sets it apart from the others."""
        columns = [factor.column for factor in self.factors]
        rows = self.cells[columns].to_dict("records")
        return {
            str(cell): ", ".join(levels.words(column, row[column]) for column in columns) or "all"
            for cell, row in zip(self.cells["cell"], rows, strict=True)
        }


def open_campaign(folder: Path | str) -> Explored:
    """Read a campaign's folder, a sweep's or a tuning's, finished or not.

    Raises CampaignError where something in it is missing or broken.
    """
    folder = Path(folder).resolve()
    table = tables.load(folder)
    uploads = read_object(folder / "uploads.json")
    cells = cell_table.cells(table)
    return Explored(
        folder=folder,
        table=table,
        cells=cells.assign(upload=cells["upload_sha256"].map(_names(cells, uploads))),
        noise=cell_table.noise(table),
        environment=read_object(folder / "environment.json"),
        uploads=uploads,
    )


def _names(cells: pd.DataFrame, uploads: Mapping[str, Any]) -> dict[str, str]:
    """Hash -> name; the start of the hash where the campaign does not name it."""
    known = {str(hash_): str(hash_)[:8] for hash_ in cells["upload_sha256"].unique()}
    for name, facts in uploads.items():
        if isinstance(facts, dict) and "sha256" in facts:
            known[str(facts["sha256"])] = name
    return known


def _column(word: str, cells: pd.DataFrame) -> str:
    column = _SHORT.get(word, word)
    known = [*cell_table.identity(), "upload", "status"]
    if column in known and column in cells:
        return column
    varying = [factor.column for factor in factors(cells)]
    names = {long: short for short, long in _SHORT.items()}
    shown = ", ".join(names.get(name, name) for name in varying) or "nothing"
    raise UsageError(f"where(): no column '{word}'; what varies here: {shown}")


def _level(column: str, value: Any) -> Any:
    if column in _SIZES and isinstance(value, str):
        return hosts.parse_size(value)
    return value


def _check(column: str, asked: tuple[Any, ...], known: tuple[Any, ...]) -> None:
    for level in asked:
        if level not in known:
            there = levels.listed(column, known) or "none at all"
            raise UsageError(
                f"where(): no cell has {levels.words(column, level)}; there are: {there}"
            )
