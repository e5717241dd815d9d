"""An experiment laid out on an upload that exists only as facts, and what machines would make of it:
no ffmpeg runs here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from inventing_records import TEMPLATE
from inventing_uploads import upload

from clipkit.campaign.course import Course
from clipkit.campaign.design import Design, design_of
from clipkit.campaign.experiment_file import parse_experiment
from clipkit.campaign.strategy import WARMUP, Cell, Inferred, Strategy
from clipkit.format import MIB
from clipkit.records.record import Record
from clipkit.records.served import Served
from clipkit.records.status import Status

FILM = upload()
CORES = 2

EXPERIMENT = """
[job]
uploads = "film.mp4"
clips = 4
length_s = 2
[host]
memory = ["512M", "128M"]
cpus = 2
[settings]
preset = ["ultrafast", "veryfast"]
concurrency = { from = 1, to = 4 }
encoder_threads = [1, 2]
[run]
seed = 5
"""

PLAIN = "[job]\nuploads = 'film.mp4'\nlength_s = 2\n"
"""One cell: the defaults."""


@dataclass
class Clock:
    """Seconds that only a test moves."""

    now_s: float = 1000.0

    def __call__(self) -> float:
        return self.now_s


def laid_out(text: str = EXPERIMENT) -> Design:
    return design_of(parse_experiment(text, Path("/x/file.toml")), {"film.mp4": FILM})


def course(
    design: Design,
    past: list[Record] | None = None,
    clock: Callable[[], float] | None = None,
    spent_s: float = 0.0,
) -> Course:
    return Course(design, past or [], CORES, clock or Clock(), spent_s)


def record(
    cell: Cell, status: Status = Status.OK, attempt: int = 1, wall_s: float | None = 4.0
) -> Record:
    """What the cell would leave: with its levels, so that it is known whatever it is called."""
    clips = cell.job.clips
    measured = status in (Status.OK, Status.INVALID_NOISE)
    return replace(
        TEMPLATE,
        cell=cell.name,
        block=cell.block,
        attempt=attempt,
        phase=cell.phase,
        subject=cell.subject.name,
        command=cell.subject.command,
        served=Served(**cell.subject.which),
        settings=cell.subject.used(cell.settings),
        host=cell.host.name,
        memory_limit_bytes=cell.host.memory_bytes,
        cpu_quota=cell.host.cpus,
        reserve_bytes=cell.reserve_bytes,
        upload_sha256=cell.job.upload.sha256,
        clips=len(clips),
        clip_s=clips[0].duration_s,
        clip_starts_s=tuple(clip.start_s for clip in clips),
        status=status,
        wall_s=wall_s if measured else None,
        peak_anon_bytes=50 * MIB,
    )


Machine = Callable[[Cell], Status]


def roomy(_: Cell) -> Status:
    return Status.OK


def too_small(cell: Cell) -> Status:
    """A machine that runs out under 128 MB from three clips of `veryfast` at once on."""
    tight = cell.host.memory_bytes == 128 * MIB and cell.settings.preset == "veryfast"
    return Status.OOM if tight and cell.settings.concurrency >= 3 else Status.OK


def run(strategy: Strategy, machine: Machine = roomy, at_most: int = 10_000) -> list[Record]:
    """What a campaign would store."""
    stored: list[Record] = []
    while len(stored) < at_most and (asked := strategy.ask()) is not None:
        if isinstance(asked, Inferred):
            told = record(asked.cell, Status.OOM_INFERRED)
            strategy.tell(asked.cell, told)
        else:
            told = record(asked, machine(asked))
            strategy.tell(asked, told)
        if isinstance(asked, Inferred) or asked.phase != WARMUP:
            stored.append(told)
    return stored
