"""The opened campaign: what was measured, as data; `part(...)` is a narrower view of it. Writes nothing."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import pandas as pd

from clipkit import format as fmt
from clipkit.errors import CampaignError, UsageError
from clipkit.plan.subjects import TUNABLE
from clipkit.records import folder as folders
from clipkit.records.allowed import hiding_is_allowed
from clipkit.records.best import ranked
from clipkit.records.cells import cells_of, columns_of_a_cell
from clipkit.records.columns import column, is_column
from clipkit.records.record import Record
from clipkit.records.table import has_samples, read_all_samples, read_clips, read_table
from clipkit.settings import knobs

USABLE = "usable_memory_bytes"
"""The key in a tuning's `environment.json`."""

_ORDERS = {knob.name: knob.choices for knob in knobs() if knob.choices}


@dataclass(frozen=True, eq=False)
class Campaign:
    """A campaign or a part of it, as it was when it was opened.

    `table` has one row an attempt, with the columns of `Record`; unknown is NA. `cells` has one row a
    cell (see `records.cells`), how each stands (`records.best`) and the column `upload`, its name.
    `machines`: what measured, by its `host_id`; `uploads`: the films' facts, by name. `chosen`: what
    `part` was given, by column; `hiding_allowed`: by what was asked for (`records.allowed`). `clips` and `samples` are read when they are first asked for.
    """

    folder: Path
    table: pd.DataFrame
    cells: pd.DataFrame
    machines: Mapping[str, Mapping[str, Any]]
    uploads: Mapping[str, Any]
    chosen: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    hiding_allowed: bool = False

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def environment(self) -> Mapping[str, Any]:
        """The machine that measured last, and its system."""
        return next(reversed(list(self.machines.values())), {})

    @property
    def shown(self) -> tuple[str, ...]:
        """What of the campaign this is, in words; empty where it is all of it."""
        return tuple(
            f"only {' or '.join(column(name).words(level) for level in chosen)}"
            for name, chosen in self.chosen.items()
        )

    def part(self, **wanted: Any) -> Self:
        """Only the cells with these levels: `part(preset="medium", memory="256M")`.

        A list of levels takes them all; None means left out or unlimited. What is best is told anew
        among those that are left. Raises UsageError for an unknown column, or a level that does not
        occur, naming what there is.
        """
        cells, chosen = self.cells, dict(self.chosen)
        for word, value in wanted.items():
            name = self._column(word)
            several = value if pd.api.types.is_list_like(value) else [value]
            asked = tuple(column(name).read(each) for each in several)
            self._check(name, asked, levels_in(name, cells[name]))
            cells, chosen[name] = cells[has_level(cells, name, asked)], asked
        told = ranked(cells, self.hiding_allowed, usable_bytes_of(self.environment))
        return self._narrowed(told, chosen)

    def tuned(self) -> Self:
        """Only what subjects cut whose settings can be chosen, where there are such: baselines have
        none."""
        subjects = self.cells["subject"]
        mixed = subjects.nunique() > 1 and subjects.isin(TUNABLE).any()
        return self.part(subject=[s for s in TUNABLE if (subjects == s).any()]) if mixed else self

    def each(self, columns: Sequence[str]) -> list[Self]:
        """One part for each combination that occurs of the columns' levels; what is best stays what it
        is among them all."""
        known = [levels_in(name, self.cells[name]) for name in columns]
        parts = []
        for combination in itertools.product(*known):
            cells = self.cells
            for name, level in zip(columns, combination, strict=True):
                cells = cells[has_level(cells, name, [level])]
            if len(cells):
                fixed = {name: (level,) for name, level in zip(columns, combination, strict=True)}
                parts.append(self._narrowed(cells, {**self.chosen, **fixed}))
        return parts

    def record(self, run_id: str) -> Record:
        """One attempt, by the `run_id` that the table holds. Raises CampaignError."""
        for row in folders.read_rows(self.folder):
            if row["run_id"] == run_id:
                return Record.from_row(row)
        raise CampaignError(f"{self.folder} has no run '{run_id}': they are in table['run_id']")

    @cached_property
    def clips(self) -> pd.DataFrame:
        """One row a clip of these attempts, with its `run_id`; empty where nothing was kept of them."""
        return read_clips(self.folder, self.table["run_id"])

    @cached_property
    def samples(self) -> pd.DataFrame:
        """Memory and CPU over time (`records.outcome.Sample`) of these attempts, with the `run_id` of
        each; empty where none were kept. Of one attempt: `samples[samples["run_id"] == run_id]`.

        Raises CampaignError for a file of samples that is broken.
        """
        return read_all_samples(self.folder, self.sampled(self.table)["run_id"])

    def sampled(self, runs: pd.DataFrame) -> pd.DataFrame:
        """Of these rows those whose samples were kept; all of them where none were."""
        kept = runs["run_id"].map(lambda name: has_samples(self.folder, name))
        return runs[kept.astype(bool)] if kept.any() else runs

    def __repr__(self) -> str:
        counted = f"{len(self.cells)} cells in {len(self.table)} attempts"
        return fmt.brief(self, self.name, counted, *self.shown)

    def _narrowed(self, cells: pd.DataFrame, chosen: Mapping[str, tuple[Any, ...]]) -> Self:
        table = self.table[self.table["cell"].isin(cells["cell"])]
        return replace(self, cells=cells, table=table, chosen=chosen)

    def _column(self, word: str) -> str:
        name = column(word).name if is_column(word) else ""
        if name in (*columns_of_a_cell(), "upload", "status") and name in self.cells:
            return name
        varying = [
            column(each).short
            for each in (*columns_of_a_cell(), "upload")
            if is_column(each) and len(levels_in(each, self.cells[each])) > 1
        ]
        shown = ", ".join(word for word in varying if word not in ("cell", "upload_sha256"))
        raise UsageError(f"there is no column '{word}'; what varies here: {shown or 'nothing'}")

    def _check(self, name: str, asked: tuple[Any, ...], known: tuple[Any, ...]) -> None:
        for level in asked:
            if level not in known:
                there = column(name).listed(known) or "none at all"
                raise UsageError(f"no cell has {column(name).words(level)}; there are: {there}")


def open_campaign(folder: Path | str) -> Campaign:
    """Read a campaign's folder, a sweep's or a tuning's, finished or not.

    Raises CampaignError where something in it is missing or broken.
    """
    folder = Path(folder).resolve()
    table = read_table(folder)
    uploads = folders.read_uploads(folder)
    cells = cells_of(table)
    cells = cells.assign(upload=cells["upload_sha256"].map(_upload_names(cells, uploads)))
    hiding_allowed = hiding_is_allowed(folder)
    environment = folders.read_environment_file(folder)
    return Campaign(
        folder=folder,
        table=table,
        cells=ranked(cells, hiding_allowed, usable_bytes_of(environment)),
        machines=machines_of(environment),
        uploads=uploads,
        hiding_allowed=hiding_allowed,
    )


def usable_bytes_of(environment: Mapping[str, Any]) -> int | None:
    """What a job could hold beside the reserve on the one host of a tuning, as `trial.usable` found it."""
    usable: int | None = environment.get(USABLE)
    return usable


def machines_of(environment: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The machines that `environment.json` tells of, by their `host_id`: a campaign of one machine
    holds its facts alone, one of several those of the last and all of them under `machines`."""
    several = environment.get("machines")
    if isinstance(several, dict) and several:
        return dict(several)
    return {str(environment.get("host_id", "unknown")): environment}


def levels_in(name: str, values: pd.Series[Any]) -> tuple[Any, ...]:
    """The levels that occur, in the order of their declaration or else ascending, None last."""
    if len(values) and hasattr(values.iloc[0], "__len__") and not isinstance(values.iloc[0], str):
        return tuple(dict.fromkeys(tuple(value) for value in values))
    known = list(values.dropna().unique())
    order = _ORDERS.get(name)
    known.sort(key=order.index if order and set(known) <= set(order) else None)
    return (*known, None) if values.isna().any() else tuple(known)


def has_level(cells: pd.DataFrame, name: str, levels: Iterable[Any]) -> pd.Series[bool]:
    """Which rows have one of these levels; None stands for a missing one."""
    wanted = set(levels)
    found = cells[name].isin([level for level in wanted if level is not None])
    return (found | (cells[name].isna() & (None in wanted))).astype(bool)


def _upload_names(cells: pd.DataFrame, uploads: Mapping[str, Any]) -> dict[str, str]:
    """Hash -> name; the start of the hash where the campaign does not name it."""
    known = {str(hash_): str(hash_)[:8] for hash_ in cells["upload_sha256"].unique()}
    for name, facts in uploads.items():
        if isinstance(facts, dict) and "sha256" in facts:
            known[str(facts["sha256"])] = name
    return known
