"""What earlier lives of this pack came to, by the journal that they left: what is done, what was lost. Pure.

A trial that began and has no end was lost with the instance, or with the harness alone. What it died of nobody
can ask any more: a new container counts from 0. Its last sample tells how near to the limit it was.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from clipkit.pack.there.parts import LOST
from clipkit.records.status import COUNTS, Status

NEAR = 0.9
"""Of the limit: who died there with so much in need died of that."""


@dataclass(frozen=True, slots=True)
class Began:
    """An attempt that began in some life. `oom_kills`: the counter's, then; `limit_bytes`: the memory that there was."""

    trial: int
    run_id: str
    attempt: int
    started_utc: str
    identity: Mapping[str, Any]
    machine: str | None
    limit_bytes: int | None
    oom_kills: int | None


@dataclass(frozen=True, slots=True)
class Past:
    """`ended`: statuses by trial; `open`: what has no end; `losses`: how often each trial was lost already, `attempts`: how
    often it was tried."""

    ended: dict[int, list[Status]] = field(default_factory=dict)
    open: tuple[Began, ...] = ()
    losses: Counter[int] = field(default_factory=Counter)
    attempts: Counter[int] = field(default_factory=Counter)

    @property
    def done(self) -> set[int]:
        """Trials with an end that counts."""
        return {n for n, ends in self.ended.items() if any(end in COUNTS for end in ends)}


def past_of(entries: Iterable[Mapping[str, Any]]) -> Past:
    """From the journal's lines."""
    past, lives = Past(), dict[str, Mapping[str, Any]]()
    opened: dict[str, Began] = {}
    for entry in entries:
        kind, trial = entry["kind"], entry["trial"]
        if kind == "where":
            lives[entry["life"]] = entry
        elif kind == "began":
            past.attempts[trial] += 1
            opened[entry["run_id"]] = _began(entry, lives.get(entry["life"], {}))
        elif kind == "ended":
            record = entry["record"]
            opened.pop(record["run_id"], None)
            past.ended.setdefault(trial, []).append(Status(record["status"]))
            past.losses[trial] += bool(entry.get(LOST))
    return Past(past.ended, tuple(opened.values()), past.losses, past.attempts)


def _began(entry: Mapping[str, Any], life: Mapping[str, Any]) -> Began:
    memory = life.get("found", {}).get("memory", {}).get("value")
    return Began(
        trial=entry["trial"],
        run_id=entry["run_id"],
        attempt=entry["attempt"],
        started_utc=entry["started_utc"],
        identity=life.get("identity", {}),
        machine=life.get("machine"),
        limit_bytes=None if memory is None else int(memory),
        oom_kills=entry.get("oom_kills"),
    )


@dataclass(frozen=True, slots=True)
class Now:
    """This life: who it is, and its counter of kills."""

    identity: Mapping[str, Any]
    oom_kills: int | None


def how_it_died(
    began: Began, last_need_bytes: int | None, losses: int, now: Now
) -> tuple[Status, str]:
    """Of an attempt without an end, of a trial that was lost so often before; and why, in words.
    `last_need_bytes`: of all that ran there, in its last sample."""
    if began.identity and began.identity == now.identity:
        if None not in (began.oom_kills, now.oom_kills) and now.oom_kills > began.oom_kills:  # type: ignore[operator]
            return (
                Status.OOM,
                "the kernel killed processes for want of memory, the harness among them",
            )
        where = "the harness was killed in it"
    else:
        where = "the instance ended in it"
        limit_bytes = began.limit_bytes
        if limit_bytes and last_need_bytes is not None and last_need_bytes >= NEAR * limit_bytes:
            share = last_need_bytes / limit_bytes
            return Status.OOM, f"{where}, with {share:.0%} of its memory in need at last"
    if losses:
        return Status.FAILED, f"{where}, for the second time: it is not run again"
    return Status.INVALID_MACHINE, f"{where}, and not for want of memory by its last sample"


def trials_left(numbers: Iterable[int], past: Past, done: Collection[int]) -> list[int]:
    """Of the trials those without an end that counts. `done`: as the user says it."""
    return [number for number in numbers if number not in past.done and number not in done]


def parse_numbers(text: str) -> set[int]:
    """`1-4,6` as it is given to `--done`. Raises ValueError."""
    found: set[int] = set()
    for part in text.split(",") if text else ():
        low, dash, high = part.partition("-")
        first, last = int(low), int(high if dash else low)
        if not 1 <= first <= last <= 10**6:
            raise ValueError(part)
        found |= {*range(first, last + 1)}
    return found


def numbers_words(numbers: Iterable[int]) -> str:
    """The other way round."""
    runs = groupby(enumerate(sorted(numbers)), lambda pair: pair[1] - pair[0])
    each = [[number for _, number in run] for _, run in runs]
    return ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in each)
