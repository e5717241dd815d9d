"""What was planned at home, as it lies in the pack, and how its tasks are filled in here. Stdlib only.

`plan.json` tells of all trials in a few words each; what a cell is cut with lies in a file of its own, and only
one is read at a time: a grid of a hundred cells would take more memory than the harness may have.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from clipkit.media.formats import whole_pictures_words
from clipkit.plan.task import Patch, Step, Task

PLAN = "plan.json"
FORM = 2
"""Of `plan.json`; another one is of another clipkit than the code beside it."""

FFMPEG = "/\0ffmpeg\0"
"""Stands in a task for the host's own ffmpeg, and `film` for an upload: no path can hold a NUL."""


THREADS = "\0threads\0"
"""Stands for how many threads a clip gets, where its cell leaves that open."""


def film(sha256: str) -> str:
    return f"/\0film:{sha256}\0"


@dataclass(frozen=True, slots=True)
class PlannedUpload:
    """`packed`: its member in the pack, compressed; None: it lies there already, and is named by `--upload`."""

    sha256: str
    name: str
    size_bytes: int
    packed: str | None


@dataclass(frozen=True, slots=True)
class OpenThreads:
    """Of a cell of clipkit's engine that leaves threads open: each of `at_once` clips gets its share of `cpu_percent`
    of the host's CPU, as `clipkit cut` would give it there. `same_as`: with so many it is that other cell."""

    at_once: int
    cpu_percent: int
    same_as: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class PlannedCell:
    """`predicted_bytes`: what all of it takes of memory at most, by the model at home or a measurement there; `needs`:
    the same by the number of threads that are filled in there, or else of cores that ffmpeg counts there, each the
    most up to that number; empty: it is the same everywhere. `cpu_s`: seconds of home's CPU; `busy`: cores that it
    can keep busy, None: all that there are. `ours`: its words are not the user's own, so that it may be run in vain.
    `open`: None where the host fills in no threads."""

    number: int
    words: str
    upload: str
    predicted_bytes: int | None
    cpu_s: float | None
    busy: int | None
    timeout_s: float
    ours: bool
    needs: tuple[tuple[int, int], ...]
    open: OpenThreads | None

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> PlannedCell:
        left = told["open"]
        threads = left and OpenThreads(**left | {"same_as": _pairs(left["same_as"])})
        return cls(**told | {"needs": _pairs(told["needs"]), "open": threads})

    def need_bytes(self, threads: int | None, cores: int) -> int | None:
        """On a host that fills in so many threads, or where ffmpeg counts so many cores; None: not known."""
        which = cores if threads is None else threads
        enough = [need for number, need in self.needs if number >= which]
        enough = enough or [need for _, need in self.needs[-1:]]
        return enough[0] if enough else self.predicted_bytes


def _pairs(told: Sequence[Sequence[int]]) -> tuple[tuple[int, int], ...]:
    return tuple((first, second) for first, second in told)


@dataclass(frozen=True, slots=True)
class PlannedTrial:
    """`number`: from 1, in the order in which they run."""

    number: int
    cell: PlannedCell
    block: int


@dataclass(frozen=True, slots=True)
class Promise:
    """What was found at home: cells `rival` take `ratio` times as long as cells `own`, between `low` and `high`
    (None: not known). `rival_rate` and `own_rate`: their CPU seconds a second at home."""

    ratio: float
    low: float | None
    high: float | None
    rival: tuple[int, ...]
    own: tuple[int, ...]
    rival_rate: float | None
    own_rate: float | None

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> Promise:
        cells = {name: tuple(told[name]) for name in ("rival", "own")}
        return cls(**told | cells)

    @property
    def between(self) -> tuple[float, float]:
        """The ratio itself where its interval is not known."""
        low, high = (self.ratio if end is None else end for end in (self.low, self.high))
        return low, high

    @property
    def is_none(self) -> bool:
        """Home left open which of the two is faster."""
        low, high = self.between
        return low <= 1 <= high


@dataclass(frozen=True, slots=True)
class Plan:
    """Of one pack. `canary_s`: what a fixed piece of work took at home; `quantiles`: of Student's t by the number
    of values, since nothing here can tell them; `encoders` and `filters`: that an ffmpeg has to have."""

    pack: str
    key: bytes
    campaign: str
    host: str
    packed_utc: str
    clipkit_version: str
    ffmpeg_version: str
    canary_s: float
    uploads: tuple[PlannedUpload, ...]
    trials: tuple[PlannedTrial, ...]
    quantiles: dict[int, float]
    encoders: tuple[str, ...]
    filters: tuple[str, ...]
    promise: Promise | None

    @property
    def cells(self) -> tuple[PlannedCell, ...]:
        return tuple(dict.fromkeys(trial.cell for trial in self.trials))

    def trial(self, number: int) -> PlannedTrial:
        return self.trials[number - 1]


@dataclass(frozen=True, slots=True)
class CellWork:
    """What a cell is cut with. `row`: its record as far as home knows it; `clips`: the same of its clips;
    `at_once`: how many of these run together."""

    row: dict[str, Any]
    clips: list[dict[str, Any]]
    tasks: list[Task]
    at_once: int
    planned_mode: str | None


def read_plan(folder: Path) -> Plan:
    """Of an unpacked pack. Raises ValueError for one of another form."""
    told = json.loads((folder / PLAN).read_bytes())
    if told["form"] != FORM:
        raise ValueError(f"{folder / PLAN} has the form {told['form']}, and not {FORM}")
    cells = [PlannedCell.from_json(each) for each in told["cells"]]
    trials = (
        PlannedTrial(number, cells[cell], block)
        for number, (cell, block) in enumerate(told["trials"], start=1)
    )
    names = (
        "pack",
        "campaign",
        "host",
        "packed_utc",
        "clipkit_version",
        "ffmpeg_version",
        "canary_s",
    )
    promise = told["promise"]
    return Plan(
        **{name: told[name] for name in names},
        key=bytes.fromhex(told["key"]),
        uploads=tuple(PlannedUpload(**each) for each in told["uploads"]),
        trials=tuple(trials),
        encoders=tuple(told["encoders"]),
        filters=tuple(told["filters"]),
        quantiles={int(n): value for n, value in told["quantiles"].items()},
        promise=promise and Promise.from_json(promise),
    )


def cell_name(number: int) -> str:
    """Of its file in the pack."""
    return f"cells/{number}.json"


def read_work(folder: Path, cell: PlannedCell) -> CellWork:
    told = json.loads((folder / cell_name(cell.number)).read_bytes())
    tasks = [Task.from_json(each) for each in told["tasks"]]
    return CellWork(told["row"], told["clips"], tasks, told["at_once"], told["planned_mode"])


@dataclass(frozen=True, slots=True)
class Place:
    """What stands here for what a task leaves open. `reads`: what its processes may read where home held them to
    anything; `crops_as_told`: see `FfmpegBuild`; `threads`: None where it leaves none open."""

    film: str
    path: Path
    ffmpeg: str
    reads: tuple[str, ...] | None
    crops_as_told: bool
    threads: int | None

    def word(self, word: str) -> str:
        word = word.replace(self.film, str(self.path)).replace(FFMPEG, self.ffmpeg)
        return word.replace(THREADS, str(self.threads))

    def argv(self, argv: Sequence[str]) -> tuple[str, ...]:
        words = [self.word(word) for word in argv]
        if not self.crops_as_told:  # home plans for one that does: an older one knows no such words
            words = _without(words, whole_pictures_words())
        return tuple(words)


def filled_in(task: Task, place: Place) -> Task:
    """The task with this host's own paths and threads."""
    attempts = tuple(
        replace(attempt, steps=tuple(_step_there(step, place) for step in attempt.steps))
        for attempt in task.attempts
    )
    return replace(task, attempts=attempts, reads=None if task.reads is None else place.reads)


def _step_there(step: Step, place: Place) -> Step:
    if isinstance(step, Patch):
        named = step.arguments.items()
        arguments = {key: place.word(v) if isinstance(v, str) else v for key, v in named}
        return replace(step, arguments=arguments)
    return replace(step, argv=place.argv(step.argv))


def _without(words: list[str], left_out: tuple[str, ...]) -> list[str]:
    size, found = len(left_out), list[str]()
    at = 0
    while at < len(words):
        if tuple(words[at : at + size]) == left_out:
            at += size
        else:
            found.append(words[at])
            at += 1
    return found
