"""What a campaign asks of its strategy: the next cells, given the records so far."""

from __future__ import annotations

import heapq
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from clipkit.hosts import Host
from clipkit.plan.clips import Job
from clipkit.plan.subject import Cuts, Serves
from clipkit.records.identity import Levels, levels_of_cell, name_of_cell
from clipkit.records.record import Record
from clipkit.records.status import Status
from clipkit.settings import Settings
from clipkit.trial.visit import Manner

ATTEMPTS = 3
"""An attempt that is invalid is kept, and repeated up to so many tries in a session."""

WARMUP = "warmup"
"""The phase of a cell whose record is discarded: it reads the upload and ffmpeg from disk."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One combination of levels to run once. `phase` says what for, `block` which repeat it is.

    `settings` are what is asked; what of them its subject does not follow tells no cells apart.
    `attempts`: how often it is tried in one session before what others disturb stays so; `last_counts`:
    the last of them counts all the same, and its record tells how disturbed it was. Where the machine
    failed it is tried `ATTEMPTS` times, and none of these counts.
    `rest_s`: how long a service is left alone before its memory at rest is read; `jobs`: how many it gets
    in one life (`trial.visit.Manner`).
    `known_as`: its name in the campaign that it is run for, where a clipkit of another age gave it one.
    """

    phase: str
    subject: Cuts | Serves
    settings: Settings
    job: Job
    host: Host
    reserve_bytes: int
    block: int
    timeout_s: float
    known_as: str | None = None
    attempts: int = ATTEMPTS
    last_counts: bool = False
    rest_s: float = Manner().rest_s
    jobs: int = 1

    def is_tried_again(self, status: Status, tried: int) -> bool:
        """Whether another attempt follows in this session after so many, of which the last ended so."""
        if status is Status.INVALID_MACHINE:
            return tried < max(ATTEMPTS, self.attempts)
        return status is Status.INVALID_NOISE and tried < self.attempts

    @property
    def levels(self) -> Levels:
        """What makes it this cell: see `records.identity`."""
        clips = self.job.clips
        return levels_of_cell(
            {
                "subject": self.subject.name,
                "command": self.subject.command,
                **self.subject.which,
                "upload_sha256": self.job.upload.sha256,
                "clips": len(clips),
                "clip_s": sum(clip.duration_s for clip in clips) / len(clips),
                "clip_starts_s": tuple(clip.start_s for clip in clips),
                "memory_limit_bytes": self.host.memory_bytes,
                "cpu_quota": self.host.cpus,
                "reserve_bytes": self.reserve_bytes,
                **dict(self.subject.used(self.settings).items()),
            }
        )

    @property
    def condition(self) -> Hashable:
        """The host and the job that it shares with the variants that it is compared with; services are
        compared with each other, so of one that is its settings and words too."""
        job = self.job
        words = self.subject.which.get("service_argv")
        alike = (self.settings, words) if words else None
        return self.host, self.reserve_bytes, job.upload.sha256, tuple(job.clips), alike

    @property
    def name(self) -> str:
        """Stable: the same levels have the same name in every campaign of this clipkit."""
        return self.known_as or name_of_cell(self.levels)


@dataclass(frozen=True, slots=True)
class Inferred:
    """A cell that need not be run: it needs as much memory as the one of `because`, which ran out."""

    cell: Cell
    because: Record


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a strategy is. `total`: trials in all, None where it cannot know; `left_s`: what the
    rest will take on one machine, None where nothing is known yet; `blocks_s`: what of that each block will take
    that is not over, in their order, where machines may take one each."""

    done: int
    total: int | None
    left_s: float | None
    blocks_s: tuple[float, ...] = ()

    def left_on_s(self, machines: int) -> float | None:
        """What the rest will take on so many machines: who has ended a block takes the next one."""
        if self.left_s is None or not self.blocks_s:
            return self.left_s
        busy_s = [0.0] * max(1, machines)
        for block_s in self.blocks_s:
            heapq.heapreplace(busy_s, busy_s[0] + block_s)
        return max(busy_s)


class Strategy(Protocol):
    """To add one: a module with a class of this shape, an entry in `strategies.STRATEGIES`, its tests.

    Cells may be open, asked for and not told of yet, while others are asked for.
    """

    def ask(self) -> Cell | Inferred | None:
        """The next cell to run or to put down. None where there is none: nothing is left to learn,
        or, while cells are open, what to ask depends on what comes of them."""
        ...

    def tell(self, cell: Cell, record: Record) -> None:
        """What came of a cell that was asked for. Raises CampaignError for one that was not."""
        ...

    def progress(self) -> Progress:
        """By its own count."""
        ...


@runtime_checkable
class AsksInBlocks(Strategy, Protocol):
    """One whose cells are run block by block, each block on one machine."""

    def next_block(self) -> int | None:
        """The block of what would be asked for next; None where that is nothing."""
        ...

    def took(self, cell: Cell, took_s: float) -> None:
        """So long it ran, which is told of next; it may have been asked for long before it began."""
        ...
