"""A pack from an experiment that was planned: what of it runs on one host, written into one file."""

from __future__ import annotations

import dataclasses
import datetime
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from clipkit import __version__, ffmpeg_builds
from clipkit.campaign.estimate import predicted_cpu_s
from clipkit.campaign.experiment import Experiment
from clipkit.campaign.resuming import upload_facts
from clipkit.campaign.strategies import STRATEGIES
from clipkit.campaign.strategy import Cell
from clipkit.campaign.sweep import Planned
from clipkit.errors import UsageError
from clipkit.pack.archive import compressed_films, travel_words, write_archive
from clipkit.pack.kept import Packed, PackedTrial, Promised, keep_packed
from clipkit.pack.open_cells import opened_cells
from clipkit.pack.plan import (
    CellDocument,
    Laid,
    as_documents,
    cell_document,
    check_subjects,
    needed_of_ffmpeg,
    ordered_trials,
)
from clipkit.pack.there.parts import KEY_BYTES
from clipkit.pack.there.planned import FORM, Promise
from clipkit.records.noise import t_quantile
from clipkit.trial.canary import canary_s


@dataclass(frozen=True, slots=True)
class Measured:
    """What is known of a cell from a campaign at home."""

    cpu_s: float | None = None
    need_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class ToPack:
    """`host`: the name of one of the experiment's. `measured`: of cells by their names; what is not is estimated
    by short clips cut now. `promised`: from the cells' numbers by their names to what was found of them."""

    planned: Planned
    host: str
    campaign: str
    path: Path
    measured: Mapping[str, Measured] = field(default_factory=dict)
    promised: Callable[[Mapping[str, int]], Promise] | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """The file, its size, what is in it, and the `campaign` that it becomes at home; `notes` are for people."""

    path: Path
    pack: str
    campaign: str
    size_bytes: int
    host: str
    cells: int
    trials: int
    notes: tuple[str, ...]


def make_pack(asked: ToPack) -> Made:
    """Raises UsageError for an experiment that cannot be packed, OutputError."""
    planned = asked.planned
    check_strategy(planned.experiment)
    cells = cells_of_host(planned, asked.host)
    check_subjects(cells)
    documents = _documents(asked, cells)
    heads, works = as_documents(documents)
    trials = _trials(asked, cells, documents)
    numbers = {cell.name: number for number, cell in enumerate(cells)}
    promise = asked.promised(numbers) if asked.promised else None
    promised = Promised(promise, tuple(numbers)) if promise else None
    packed = _packed(asked, trials, promised)
    build = ffmpeg_builds.find_build(cells[0].settings.ffmpeg)
    encoders, filters = needed_of_ffmpeg(documents)
    uploads = {cell.job.upload.sha256: cell.job.upload for cell in cells}
    with compressed_films(list(uploads.values())) as films:
        plan = {
            "form": FORM,
            "pack": packed.pack,
            "key": packed.key,
            "campaign": packed.campaign,
            "host": packed.host,
            "packed_utc": packed.packed_utc,
            "clipkit_version": packed.clipkit_version,
            "ffmpeg_version": build.version,
            "canary_s": canary_s(),
            "uploads": [dataclasses.asdict(film.planned) for film in films],
            "cells": heads,
            "trials": [[numbers[trial.name], trial.block] for trial in trials],
            "quantiles": {n: t_quantile(n) for n in range(2, _blocks(planned) + 1)},
            "encoders": encoders,
            "filters": filters,
            "promise": dataclasses.asdict(promise) if promise else None,
        }
        size_bytes = write_archive(asked.path, packed, plan, works, films)
        notes = tuple(map(travel_words, films))
    keep_packed(packed)
    return Made(
        path=asked.path,
        pack=packed.pack,
        campaign=packed.campaign,
        size_bytes=size_bytes,
        host=asked.host,
        cells=len(cells),
        trials=len(trials),
        notes=notes,
    )


def cells_of_host(planned: Planned, host: str) -> list[Cell]:
    """Raises UsageError where the experiment has no such host."""
    cells = planned.design.cells
    mine = [cell for cell in cells if cell.host.name == host]
    if not mine:
        known = ", ".join(dict.fromkeys(cell.host.name for cell in cells))
        raise UsageError(
            f"--host {host}: {planned.experiment.path.name} has no such host, but {known}"
        )
    return mine


def check_strategy(experiment: Experiment) -> None:
    """Raises UsageError for one that decides on the way."""
    if not STRATEGIES[experiment.strategy].in_blocks or experiment.strategy != "grid":
        raise UsageError(
            f"strategy '{experiment.strategy}' decides on the way what is run next, and a pack is planned at "
            "home: only the strategy 'grid' can be packed"
        )


def _documents(asked: ToPack, cells: Sequence[Cell]) -> list[CellDocument]:
    unknown = [cell for cell in cells if cell.name not in asked.measured]
    estimated, opened = predicted_cpu_s(unknown), opened_cells(cells)
    documents = []
    for number, cell in enumerate(cells):
        known = asked.measured.get(cell.name, Measured(cpu_s=estimated.get(cell.name)))
        words = asked.planned.design.words[cell.name]
        threads = opened.get(number)
        laid = Laid(number, cell, words, asked.campaign, known.cpu_s, known.need_bytes, threads)
        build = ffmpeg_builds.find_build(cell.settings.ffmpeg)
        documents.append(cell_document(laid, build))
    return documents


def _trials(asked: ToPack, cells: Sequence[Cell], documents: Sequence[CellDocument]) -> list[Cell]:
    """Pairs stay beside each other, whatever they need."""
    known = zip(cells, documents, strict=True)
    needs = {cell.name: document.planned.predicted_bytes for cell, document in known}
    if asked.promised:
        needs = dict.fromkeys(needs)
    return ordered_trials(asked.planned.design, cells, needs, _blocks(asked.planned))


def _packed(asked: ToPack, trials: Sequence[Cell], promised: Promised | None) -> Packed:
    planned = asked.planned
    words = planned.design.words
    used = {trial.job.upload.sha256 for trial in trials}
    uploads = [each for each in planned.uploads.items() if each[1].sha256 in used]
    now = datetime.datetime.now(datetime.UTC)
    return Packed(
        pack=secrets.token_hex(6),
        key=secrets.token_hex(KEY_BYTES),
        campaign=asked.campaign,
        host=asked.host,
        packed_utc=now.isoformat(timespec="seconds"),
        clipkit_version=__version__,
        experiment=planned.experiment.text,
        uploads=upload_facts(uploads, {}),
        trials=tuple(PackedTrial(trial.name, trial.block, words[trial.name]) for trial in trials),
        shard=str(planned.shard) if planned.shard else None,
        promised=promised,
    )


def _blocks(planned: Planned) -> int:
    return int(planned.experiment.options["blocks"])
