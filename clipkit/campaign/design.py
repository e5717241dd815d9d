"""From an experiment to the cells that are run, block by block, in random order. Pure."""

from __future__ import annotations

import random
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, replace

from clipkit import format as fmt
from clipkit.campaign.experiment import OF_A_SERVICE, Experiment, Levels, Place, settings_of
from clipkit.campaign.strategy import WARMUP, Cell
from clipkit.errors import ClipListError, ClipRangeError, ExperimentError, UsageError
from clipkit.media.upload import Upload
from clipkit.plan import subjects
from clipkit.plan.clips import spread
from clipkit.plan.own_service import OwnServer
from clipkit.plan.services import SAME, SERVICE, Which
from clipkit.records.columns import column
from clipkit.records.identity import levels_of_cell
from clipkit.records.record import Record
from clipkit.settings import knobs

PHASE = "grid"


@dataclass(frozen=True, slots=True)
class Design:
    """`cells`, each once, as block 0, in the experiment's order. `words`: a cell's name -> what sets
    it apart from the others. `only`: the blocks that are run here; None: as many as the strategy wants."""

    cells: tuple[Cell, ...]
    words: Mapping[str, str]
    seed: int
    only: tuple[int, ...] | None = None

    def block(self, number: int) -> list[Cell]:
        """Every cell once, in an order drawn from the seed: the same for the same cells.

        What is compared stands next to each other, since the machine drifts: the conditions in random
        order, and in each its variants in random order.
        """
        conditions: dict[Hashable, list[Cell]] = {}
        for cell in self.shuffled(number):
            conditions.setdefault(cell.condition, []).append(cell)
        return [cell for variants in conditions.values() for cell in variants]

    def shuffled(self, number: int) -> list[Cell]:
        """The same cells in an order that knows no conditions: any part of it is a fair sample."""
        cells = [replace(cell, block=number) for cell in self.cells]
        random.Random(f"{self.seed}:{number}").shuffle(cells)  # noqa: S311 (no secret)
        return cells

    def numbers(self, blocks: int) -> list[int]:
        """Of so many blocks those that are to be run here."""
        return [number for number in range(blocks) if self.only is None or number in self.only]

    def has(self, record: Record) -> bool:
        """Whether the record is of one of its cells, in a block that is run here."""
        return record.cell in self.words and (self.only is None or record.block in self.only)

    def named_as_in(self, records: Iterable[Record]) -> Design:
        """The same cells under the names that a campaign's records have for them: those may be of a
        clipkit of another age."""
        firsts = {record.cell: record for record in records}
        known = {levels_of_cell(first.to_row()): name for name, first in firsts.items()}
        cells = [replace(cell, known_as=known.get(cell.levels, cell.name)) for cell in self.cells]
        words = [self.words[cell.name] for cell in self.cells]
        named = dict(zip((cell.name for cell in cells), words, strict=True))
        return replace(self, cells=tuple(cells), words=named)


def design_of(experiment: Experiment, uploads: Mapping[str, Upload]) -> Design:
    """The cells of the experiment; `uploads` by the word that names each in the file.

    Combinations that come to the same (a subject ignores some settings) are one cell. Raises
    ExperimentError for clips that do not fit their upload: nothing is scaled down in a sweep.
    """
    cells: dict[str, Cell] = {}
    words: dict[str, str] = {}
    for levels in experiment.combinations():
        cell = _cell(experiment, levels, uploads[levels["upload"]])
        if cell.name not in cells:
            cells[cell.name] = cell
            words[cell.name] = _words(levels, experiment.varying)
    return Design(tuple(cells.values()), words, experiment.seed)


def warm_ups(cells: list[Cell]) -> list[Cell]:
    """One clip for each upload, ffmpeg and service, on the roomiest of their hosts: the first run of a
    program reads it from disk, and the upload."""
    found: dict[tuple[str, ...], Cell] = {}
    for cell in sorted(cells, key=lambda cell: -(cell.host.memory_bytes or 1 << 62)):
        if (
            cell.subject.command is None
        ):  # whatever a user's command does, it does not do it in vain
            who = cell.subject.which.get("service", "")
            key = (who, cell.job.upload.sha256, cell.settings.ffmpeg)
            job = cell.job.reduced([len(cell.job.clips) // 2])
            found.setdefault(key, replace(cell, phase=WARMUP, job=job, jobs=1))
    return list(found.values())


def _cell(experiment: Experiment, levels: Levels, upload: Upload) -> Cell:
    asked, place = settings_of(levels), levels["place"]
    try:
        subject = subjects.subject_named(
            levels["subject"], asked, experiment.command, _which(experiment, levels)
        )
    except UsageError as error:
        key = "service" if levels["subject"] == SERVICE else "name"
        raise ExperimentError(f"{experiment.path}: [subject] {key}: {error}") from None
    try:
        clips = levels["clips"] or asked.concurrency
        job = spread(upload, clips, levels["length_s"], experiment.clips_seed)
    except (ClipRangeError, ClipListError) as error:
        raise ExperimentError(f"{experiment.path}: [job] length_s: {error}") from None
    if place.reserve_bytes and subject.which:
        raise ExperimentError(
            f"{experiment.path}: [host] reserve: a service is measured with its own memory; leave it out"
        )
    return Cell(
        phase=PHASE,
        subject=subject,
        settings=asked,
        job=job,
        host=place.host,
        reserve_bytes=place.reserve_bytes,
        block=0,
        timeout_s=experiment.timeout_s,
        rest_s=experiment.rest_s,
        jobs=experiment.jobs,
    )


def _which(experiment: Experiment, levels: Levels) -> Which | OwnServer | None:
    backend, words, environment = (levels[name] for name in OF_A_SERVICE)
    if experiment.server and backend == experiment.server.name:
        return experiment.server
    return None if backend is None else Which(backend, words, environment)


def _words(levels: Levels, varying: list[str]) -> str:
    """`veryfast, concurrency 3, 96 MB`: the levels of the factors that vary."""
    shown = [] if levels["variant"] is None else [levels["variant"]]
    known = [
        factor for factor in varying if levels[factor] is not None or factor not in OF_A_SERVICE
    ]
    told = [factor for factor in known if levels["variant"] is None or _is_open(factor, levels)]
    return ", ".join(shown + [_level(factor, levels[factor]) for factor in told]) or "all"


def _is_open(factor: str, levels: Levels) -> bool:
    """Whether a variant's name does not tell the factor: it neither fixes it nor leaves it at what it
    is without being asked."""
    default = {"subject": subjects.ENGINE, "argv": SAME} | {
        knob.name: knob.default for knob in knobs()
    }
    return factor not in levels["fixed"] and levels[factor] != default.get(factor, ...)


def _level(factor: str, level: object) -> str:
    if isinstance(level, Place):
        reserve = f", {fmt.size(level.reserve_bytes)} reserved" if level.reserve_bytes else ""
        return f"{level.host.name}{reserve}"
    if factor in ("length_s", "ffmpeg"):
        return column(factor).level(level)
    return column(factor).words(level)
