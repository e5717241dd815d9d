"""From the cells of an experiment to the documents that travel: what runs there, in which order, cut how. Pure.

Tasks are planned here, where all that plans is installed; paths are left open, and threads where the cell leaves
them open (`there.planned`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from clipkit.campaign.design import Design
from clipkit.campaign.strategy import Cell
from clipkit.errors import UsageError
from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.pack.needs import RECKONED, Needs, needs_by_cores, needs_by_threads
from clipkit.pack.open_cells import opened_tasks
from clipkit.pack.there.planned import FFMPEG, OpenThreads, PlannedCell, film
from clipkit.plan.subject import Cuts
from clipkit.plan.subjects import OF_A_COMMAND
from clipkit.plan.task import Run, Task
from clipkit.plan.threads import told_threads
from clipkit.records.record import Record
from clipkit.records.served import Served
from clipkit.records.status import Status
from clipkit.trial.asked import Identity, Trial
from clipkit.trial.recorded import clip_identities, identity_columns, job_columns, planned_mode

_MOVIEPY = "moviepy"
_CROPS_AS_TOLD = "7.1"
"""A build of this version knows every word that the newest does: there what is too new is left out."""
_NEAR = 0.7
"""Of the host's memory: what is predicted to need more runs last."""
_FILTERS = ("zscale", "tonemap")


@dataclass(frozen=True, slots=True)
class CellDocument:
    """One cell: what `plan.json` says of it, and its own file."""

    planned: PlannedCell
    work: dict[str, Any]


def check_subjects(cells: Sequence[Cell]) -> None:
    """Raises UsageError for what cannot be cut on a host where nothing is installed."""
    for cell in cells:
        if not isinstance(cell.subject, Cuts):
            raise UsageError(
                "a service cannot be packed: it is measured where it is built, with clipkit sweep; leave the "
                "subject 'service' out"
            )
        if cell.subject.name == _MOVIEPY:
            raise UsageError(
                "the subject 'moviepy' cannot be packed: on the host there is Python alone; leave it out"
            )
    builds = sorted({cell.settings.ffmpeg for cell in cells})
    if len(builds) > 1:
        raise UsageError(
            f"a host has one ffmpeg, its own: choose one of {', '.join(builds)} for the plan"
        )


@dataclass(frozen=True, slots=True)
class Laid:
    """A cell to pack: its number in the pack, what sets it apart in words, for which campaign; `cpu_s`: seconds of
    home's CPU; `measured_bytes`: what it was seen to need, None: the model says it. `opened`: how the host fills in
    threads; None: it fills in none, and what is left open is ffmpeg's own choice there, as in a trial."""

    number: int
    cell: Cell
    words: str
    campaign: str
    cpu_s: float | None
    measured_bytes: int | None = None
    opened: OpenThreads | None = None


def cell_document(laid: Laid, build: FfmpegBuild) -> CellDocument:
    """Raises UsageError for a service."""
    cell = laid.cell
    subject = cell.subject
    if not isinstance(subject, Cuts):
        raise UsageError("a service cannot be packed")
    trial = Trial(
        identity=Identity(laid.campaign, cell.name, 0, 0, 1, cell.phase),
        job=cell.job,
        subject=subject,
        settings=cell.settings,
        build=build,
        host=cell.host,
        reserve_bytes=cell.reserve_bytes,
        timeout_s=cell.timeout_s,
    )
    tasks, needs = _planned(laid, trial, subject)
    planned = PlannedCell(
        number=laid.number,
        words=laid.words,
        upload=cell.job.upload.sha256,
        predicted_bytes=needs.at_home,
        cpu_s=laid.cpu_s,
        busy=_busy(cell),
        timeout_s=cell.timeout_s,
        ours=subject.name not in OF_A_COMMAND,
        needs=needs.there,
        open=laid.opened,
    )
    work = {
        "row": _row(trial),
        "clips": clip_identities(trial),
        "tasks": tasks,
        "at_once": cell.settings.concurrency,
        "planned_mode": planned_mode(trial),
    }
    return CellDocument(planned, work)


def _planned(laid: Laid, trial: Trial, subject: Cuts) -> tuple[list[dict[str, Any]], Needs]:
    """Its tasks as they travel, and what memory they need. What was measured of threads that are filled in there was
    measured of others."""
    if laid.opened is None:
        tasks = _tasks(trial, subject)
        needs = needs_by_cores(laid.cell, tasks, laid.measured_bytes)
        return [task.to_json() for task in tasks], needs
    by_threads = {
        threads: _tasks(replace(trial, settings=told_threads(trial.settings, threads)), subject)
        for threads in RECKONED
    }
    told = opened_tasks(by_threads[1], by_threads[2])
    return told, needs_by_threads(laid.cell, laid.opened, by_threads)


def _tasks(trial: Trial, subject: Cuts) -> list[Task]:
    upload = trial.job.upload
    there = replace(upload, path=Path(film(upload.sha256)))
    build = trial.build
    version = build.version if build.crops_as_told else _CROPS_AS_TOLD
    ffmpeg = replace(build, path=FFMPEG, version=version, parts=())
    return subject.tasks(replace(trial.job, upload=there), trial.settings, ffmpeg)


def _row(trial: Trial) -> dict[str, Any]:
    """As far as a record is known here; the host fills in the rest."""
    record = Record(
        **identity_columns(trial),
        **job_columns(trial),
        clip_wall_s=(),
        clip_cpu_s=(),
        status=Status.INVALID_MACHINE,
        error=None,
        ceiling="",
        started_utc="",
        served=Served(),
    )
    return record.to_row()


def _busy(cell: Cell) -> int | None:
    used = cell.subject.used(cell.settings)
    threads = (used.encoder_threads, used.decoder_threads)
    if not all(threads):
        return None
    return int(min(cell.settings.concurrency, len(cell.job.clips)) * max(threads))


def ordered_trials(
    design: Design, cells: Sequence[Cell], needs: Mapping[str, int | None], blocks: int
) -> list[Cell]:
    """Every cell once a block, as a sweep runs them, but what is nearest to the host's memory last, by what it
    needs: nothing that a kill could cost is left by then."""
    mine = {cell.name for cell in cells}
    every = [c for block in design.numbers(blocks) for c in design.block(block) if c.name in mine]
    return sorted(every, key=lambda cell: _nearness(cell, needs[cell.name]))


def _nearness(cell: Cell, need_bytes: int | None) -> float:
    """0 for all that is far enough away from the host's memory."""
    if need_bytes is None or cell.host.memory_bytes is None:
        return 0.0
    share = need_bytes / cell.host.memory_bytes
    return share if share > _NEAR else 0.0


def needed_of_ffmpeg(documents: Sequence[CellDocument]) -> tuple[list[str], list[str]]:
    """Encoders and filters that tasks name and that some builds lack."""
    encoders = {document.work["row"]["video_encoder"] for document in documents}
    words = {
        word
        for document in documents
        for told in document.work["tasks"]
        for attempt in Task.from_json(told).attempts
        for step in attempt.steps
        if isinstance(step, Run)
        for word in step.argv
    }
    filters = [name for name in _FILTERS if any(f"{name}=" in word for word in words)]
    return sorted(encoders & {"libx264"}), filters


def as_documents(
    documents: Sequence[CellDocument],
) -> tuple[list[dict[str, Any]], dict[int, dict[str, Any]]]:
    """What `plan.json` holds of the cells, and each cell's own file by its number."""
    heads = [dataclasses.asdict(document.planned) for document in documents]
    return heads, {document.planned.number: document.work for document in documents}
