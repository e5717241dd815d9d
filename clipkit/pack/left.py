"""What of a pack's plan is not home yet, why, and how to go on there. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from clipkit.campaign.again import done_of
from clipkit.pack.arrived import Payload
from clipkit.pack.kept import Packed
from clipkit.pack.there.parts import Kind
from clipkit.records.record import Record
from clipkit.records.status import INVALID

_LIVES = 2
"""That ended in a trial: a third is not given to it."""


@dataclass(frozen=True, slots=True)
class Left:
    """A trial that has no end which counts. `number`: in the plan, from 1; `began`: in how many starts it began and did not end."""

    number: int
    cell: str
    block: int
    words: str
    began: int
    why: str

    @property
    def has_failed(self) -> bool:
        """Lost twice: over a folder that lasts the next start calls it so, and does not run it again either."""
        return self.began >= _LIVES

    def __str__(self) -> str:
        return f"trial {self.number} ({self.words}, block {self.block + 1}): {self.why}"


def left_of(
    packed: Packed, payloads: Sequence[Payload], records: Sequence[Record]
) -> tuple[Left, ...]:
    done, lives, reasons = done_of(records), _lives(payloads), _reasons(payloads)
    invalid = {(r.cell, r.block): r for r in records if r.status in INVALID}
    found = []
    for number, trial in enumerate(packed.trials, start=1):
        key = (trial.cell, trial.block)
        if key not in done:
            began = len(lives[number])
            why = _why(began, invalid.get(key), reasons.get(str(number)))
            found.append(Left(number, trial.cell, trial.block, trial.words, began, why))
    return tuple(found)


def done_words(packed: Packed, left: Sequence[Left]) -> str:
    """The option that has a start there leave out what is home, or has failed: `--done 1-7,9`; empty where nothing
    is."""
    open_numbers = {each.number for each in left if not each.has_failed}
    done = [n for n in range(1, len(packed.trials) + 1) if n not in open_numbers]
    ranges = (list(group) for _, group in groupby(enumerate(done), lambda pair: pair[1] - pair[0]))
    words = [_range(each[0][1], each[-1][1]) for each in ranges]
    return f"--done {','.join(words)}" if words else ""


def _range(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"


def _why(began: int, invalid: Record | None, left_out: str | None) -> str:
    if invalid:
        return f"{invalid.status.words}: {invalid.error}"
    if began >= _LIVES:
        return (
            f"failed: it began in {began} starts, and no end of it came home: it is not run again"
        )
    if began:
        return "began, and no end of it came home"
    return f"left out there: {left_out}" if left_out else "not run yet"


def _lives(payloads: Sequence[Payload]) -> defaultdict[int, set[str]]:
    """In which starts each trial began and did not end."""
    ended = {_run_id(p.document.get("record")) for p in payloads if p.kind is Kind.ENDED}
    found = defaultdict[int, set[str]](set)
    for payload in payloads:
        if payload.kind is Kind.BEGAN:
            run_id = _run_id(payload.document)
            if run_id is None or run_id not in ended:
                found[payload.trial].add(payload.life)
    return found


def _run_id(told: Any) -> str | None:
    """Of what is signed, and yet may be anything."""
    found = told.get("run_id") if isinstance(told, Mapping) else None
    return found if isinstance(found, str) else None


def _reasons(payloads: Sequence[Payload]) -> dict[str, str]:
    """Why a start left trials out, by their numbers."""
    found: dict[str, str] = {}
    for payload in payloads:
        told = payload.document.get("left_out") if payload.kind is Kind.WHERE else None
        found |= (
            {number: str(why) for number, why in told.items()} if isinstance(told, dict) else {}
        )
    return found
