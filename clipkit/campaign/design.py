"""From an experiment to the cells that are run, block by block, in random order. Pure."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace

from clipkit import format as fmt
from clipkit.campaign.experiment import Experiment, Levels, Place, settings_of
from clipkit.campaign.strategy import WARMUP, Cell
from clipkit.errors import ClipListError, ClipRangeError, ExperimentError, UsageError
from clipkit.media.upload import Upload
from clipkit.plan import subjects
from clipkit.plan.clips import spread
from clipkit.settings import knobs

PHASE = "grid"


@dataclass(frozen=True, slots=True)
class Design:
    """`cells`, each once, as block 0, in the experiment's order. `words`: a cell's name -> what sets
    it apart from the others."""

    cells: tuple[Cell, ...]
    words: Mapping[str, str]
    blocks: int
    seed: int

    @property
    def total(self) -> int:
        return len(self.cells) * self.blocks

    def block(self, number: int) -> list[Cell]:
        """Every cell once, in an order drawn from the seed: the same for the same cells."""
        cells = [replace(cell, block=number) for cell in self.cells]
        random.Random(f"{self.seed}:{number}").shuffle(cells)  # noqa: S311 (no secret)
        return cells


def design(experiment: Experiment, uploads: Mapping[str, Upload]) -> Design:
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
    return Design(tuple(cells.values()), words, experiment.blocks, experiment.seed)


def warm_ups(cells: list[Cell]) -> list[Cell]:
    """One clip for each upload and ffmpeg, on the roomiest of their hosts: the first run of an
    ffmpeg reads it from disk, and the upload."""
    found: dict[tuple[str, str], Cell] = {}
    for cell in sorted(cells, key=lambda cell: -(cell.host.memory_bytes or 1 << 62)):
        if cell.subject.template is None or cell.subject.name != subjects.COMMAND:
            key = (cell.job.upload.sha256, cell.settings.ffmpeg)
            job = cell.job.reduced([len(cell.job.clips) // 2])
            found.setdefault(key, replace(cell, phase=WARMUP, job=job))
    return list(found.values())


def _cell(experiment: Experiment, levels: Levels, upload: Upload) -> Cell:
    asked, place = settings_of(levels), levels["place"]
    try:
        subject = subjects.named(levels["subject"], asked, experiment.command)
    except UsageError as error:
        raise ExperimentError(f"{experiment.path}: [subject] name: {error}") from None
    try:
        job = spread(upload, levels["clips"], levels["length_s"], experiment.clips_seed)
    except (ClipRangeError, ClipListError) as error:
        raise ExperimentError(f"{experiment.path}: [job] length_s: {error}") from None
    return Cell(
        phase=PHASE,
        subject=subject,
        settings=subjects.told(subject, asked),
        job=job,
        host=place.host,
        reserve_bytes=place.reserve_bytes,
        block=0,
        timeout_s=experiment.timeout_s,
    )


def _words(levels: Levels, varying: list[str]) -> str:
    """`veryfast, concurrency 3, 96 MB`: the levels of the factors that vary."""
    shown = [] if levels["variant"] is None else [levels["variant"]]
    told = [factor for factor in varying if levels["variant"] is None or _is_open(factor, levels)]
    return ", ".join(shown + [_level(factor, levels[factor]) for factor in told]) or "all"


def _is_open(factor: str, levels: Levels) -> bool:
    """Whether a variant's name does not tell the factor: it neither fixes it nor leaves it at what it
    is without being asked."""
    default = {"subject": subjects.ENGINE} | {knob.name: knob.default for knob in knobs()}
    return factor not in levels["fixed"] and levels[factor] != default.get(factor, ...)


def _level(factor: str, level: object) -> str:
    if isinstance(level, Place):
        reserve = f", {fmt.size(level.reserve_bytes)} reserved" if level.reserve_bytes else ""
        return f"{level.host.name}{reserve}"
    if factor in ("upload", "subject", "preset", "mode", "ffmpeg"):
        return str(level)
    if factor == "length_s":
        return f"{level:g} s"
    return f"{factor.replace('_', ' ')} {'default' if level is None else level}"
