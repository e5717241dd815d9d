"""What a cell may need of memory on a host that is not known yet: by the threads that it will have there. Pure."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from clipkit.campaign.strategy import Cell
from clipkit.errors import FfmpegError
from clipkit.model.memory import ENGINE_BYTES, bound_bytes, clip_anon_bytes
from clipkit.pack.open_cells import with_told_threads
from clipkit.pack.there.planned import OpenThreads
from clipkit.plan.command_words import CommandWords
from clipkit.plan.subjects import ENGINE
from clipkit.plan.task import Task
from clipkit.plan.threads import threads_of
from clipkit.plan.x264_words import X264

RECKONED = (1, 2, 3, 4, 6, 8, 12, 16)
"""Of threads of each kind; what lies between takes no more than the next."""
_CORES = (1, 2, 4, 8, 16, 32, 64, 128)


@dataclass(frozen=True, slots=True)
class Needs:
    """`at_home`: on the host that the plan names; `there`: see `PlannedCell.needs`."""

    at_home: int | None
    there: tuple[tuple[int, int], ...]


def needs_by_threads(cell: Cell, opened: OpenThreads, tasks: Mapping[int, Sequence[Task]]) -> Needs:
    """Of one that leaves them open, by its tasks with each of `RECKONED`."""
    reckoned = {
        threads: predicted_bytes(with_told_threads(cell, threads), planned)
        for threads, planned in tasks.items()
    }
    there = tuple((threads, need) for threads, need in reckoned.items() if need is not None)
    cpus = cell.host.cpus or os.cpu_count() or 1
    own = threads_of(cpus * opened.cpu_percent / 100, opened.at_once)
    return Needs(next((need for threads, need in there if threads >= own), None), there)


def needs_by_cores(cell: Cell, tasks: Sequence[Task], measured_bytes: int | None) -> Needs:
    """Of one whose threads are told, or ffmpeg's own choice. What was measured at home grows as the model does with
    the cores that ffmpeg sees."""
    at_home, cores_here = measured_bytes or predicted_bytes(cell, tasks), os.cpu_count() or 1
    here = _modelled_bytes(cell, cores_here)
    if at_home is None or here is None or cell.subject.name == ENGINE:
        return Needs(at_home, ())
    counts = sorted({*_CORES, cores_here})
    more = {cores: (_modelled_bytes(cell, cores) or here) - here for cores in counts}
    there = tuple((cores, at_home + max(0, by)) for cores, by in more.items())
    return Needs(at_home, there if any(more.values()) else ())


def predicted_bytes(cell: Cell, tasks: Sequence[Task]) -> int | None:
    """What engine and clips take at most, as many at once as the cell has; None where that is not known."""
    at_once = min(cell.settings.concurrency, len(tasks))
    each = [task.predicted_bytes for task in tasks]
    known = sorted((need for need in each if need is not None), reverse=True)
    if len(known) == len(each):
        return ENGINE_BYTES + sum(known[:at_once])
    return _modelled_bytes(cell, os.cpu_count() or 1)


def _modelled_bytes(cell: Cell, cores: int) -> int | None:
    """Where ffmpeg sees so many cores. What a command does not state is ffmpeg's own choice."""
    used, encoding = cell.subject.used(cell.settings), cell.subject.encoding(cell.settings)
    if used.mode != "encode" or encoding.video_encoder not in (None, *X264):
        return None
    at_once = min(cell.settings.concurrency, len(cell.job.clips))
    asked = CommandWords(used, encoding).asked()
    try:
        anon_bytes = clip_anon_bytes(cell.job.upload, asked, cores=cores)
    except FfmpegError:
        return None
    return ENGINE_BYTES + at_once * bound_bytes(anon_bytes)
