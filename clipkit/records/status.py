"""How a trial ended, and the one rule of evidence: what counts, what finished, what failed."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Protocol


class Status(StrEnum):
    """How a trial ended."""

    OK = "ok"
    OOM = "oom"
    TIMEOUT = "timeout"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INVALID_NOISE = "invalid_noise"
    INVALID_MACHINE = "invalid_machine"
    OOM_INFERRED = "oom_inferred"

    @property
    def words(self) -> str:
        """For people."""
        return _WORDS[self]


_WORDS = {
    Status.OK: "ok",
    Status.OOM: "ran out of memory",
    Status.OOM_INFERRED: "not run: a smaller one ran out of memory",
    Status.TIMEOUT: "timed out",
    Status.FAILED: "failed",
    Status.CANCELLED: "cancelled",
    Status.INVALID_NOISE: "not measured: disturbed",
    Status.INVALID_MACHINE: "not measured: the machine failed",
}

COUNTS = (Status.OK, Status.OOM, Status.TIMEOUT, Status.FAILED)
"""The ends of an attempt that count. What others disturbed or the user cut short never does, also
not where it is the last attempt there is."""

FAILURES = (Status.OOM, Status.TIMEOUT, Status.FAILED)

RAN_OUT = (Status.OOM, Status.OOM_INFERRED)

INVALID = (Status.INVALID_NOISE, Status.INVALID_MACHINE)
"""The ends that tell nothing of the cell: others disturbed the attempt, or the machine or the harness
failed. They are kept, and the attempt is repeated."""

TELLING = (*COUNTS, Status.OOM_INFERRED)
"""The ends that say something of their cell: also that it need not be run, since a smaller ran out."""

_RANKS = (Status.OOM, Status.TIMEOUT, Status.FAILED, Status.OK, Status.OOM_INFERRED, *INVALID)


class Ended(Protocol):
    """What a record tells of its end."""

    @property
    def status(self) -> Status: ...
    @property
    def wall_s(self) -> float | None: ...


def is_finished(record: Ended) -> bool:
    """Whether the attempt counts, ended well, and has a time."""
    return record.status is Status.OK and bool(record.wall_s)


def has_failed(record: Ended) -> bool:
    """Whether the attempt counts and did not end well."""
    return record.status in FAILURES


def status_of_all(ends: Iterable[Status]) -> Status | None:
    """The status of a cell from the ends of its attempts.

    What failed once has failed, its good runs were luck: running out of memory comes before other
    failures. An inference stands only where no attempt says otherwise; where none counts, the cell is
    not measured: disturbed, or the machine failed. None where there is no attempt but such as the user
    cut short.
    """
    found = set(ends)
    return next((status for status in _RANKS if status in found), None)


def rank(status: str) -> int:
    """The order in which the ends of attempts stand for their cell, the lowest first."""
    order = (*_RANKS, Status.CANCELLED)
    return order.index(Status(status))
