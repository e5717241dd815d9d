"""What a campaign asks of its strategy: the next cell, given the records so far."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Protocol

from clipkit.hosts import Host
from clipkit.plan.clips import Job
from clipkit.plan.subjects import Subject
from clipkit.records.record import Record
from clipkit.settings import Settings, to_table

WARMUP = "warmup"
"""The phase of a cell whose record is discarded: it reads the upload and ffmpeg from disk."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One combination of levels to run once. `phase` says what for, `block` which repeat it is."""

    phase: str
    subject: Subject
    settings: Settings
    job: Job
    host: Host
    reserve_bytes: int
    block: int
    timeout_s: float

    @property
    def name(self) -> str:
        """Stable: the same levels have the same name in every campaign."""
        levels = {
            "subject": self.subject.template.argv if self.subject.template else self.subject.name,
            "settings": to_table(self.settings),
            "memory_bytes": self.host.memory_bytes,
            "cpus": self.host.cpus,
            "reserve_bytes": self.reserve_bytes,
            "upload": self.job.upload.sha256,
            "clips": [(clip.start_s, clip.duration_s) for clip in self.job.clips],
        }
        digest = hashlib.sha256(json.dumps(levels, sort_keys=True).encode()).hexdigest()
        return f"{self.subject.name}-{digest[:8]}"


@dataclass(frozen=True, slots=True)
class Inferred:
    """A cell that need not be run: it needs as much memory as the one of `because`, which ran out."""

    cell: Cell
    because: Record


class Strategy(Protocol):
    def ask(self) -> Cell | Inferred | None:
        """The next cell to run or to put down; None when there is nothing left to learn."""
        ...

    def tell(self, record: Record) -> None:
        """What came of the cell asked for last."""
        ...
