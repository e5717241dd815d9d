"""What of a pack's plan is not home yet, why, and how to go on there. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from clipkit.campaign.again import done_of
from clipkit.pack.arrived import Payload, Refusal
from clipkit.pack.kept import Packed
from clipkit.pack.there.lives import numbers_words
from clipkit.pack.there.parts import Kind
from clipkit.records.record import Record
from clipkit.records.status import INVALID

_LIVES = 2
"""That ended in a trial: a third is not given to it."""
_WHEN = "started_utc"


@dataclass(frozen=True, slots=True)
class Left:
    """A trial that has no end which counts. `number`: in the plan, from 1; `began`: in how many starts it began as the
    last that is known of them; `over`: how many of these began before another start did, and so are not under way."""

    number: int
    cell: str
    block: int
    words: str
    began: int
    over: int
    why: str

    @property
    def has_failed(self) -> bool:
        """Lost twice: over a folder that lasts the next start calls it so, and does not run it again either."""
        return self.over >= _LIVES

    @property
    def is_given_up(self) -> bool:
        """Who starts again takes the newest start for over too."""
        return self.began >= _LIVES

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"has_failed": self.has_failed}

    def __str__(self) -> str:
        return f"trial {self.number} ({self.words}, block {self.block + 1}): {self.why}"


@dataclass(slots=True)
class _Starts:
    """That began a trial whose end is not here: of which nothing came behind that, of them those that are `over`, and
    those in which it `ended`."""

    stopped: set[str] = field(default_factory=set)
    over: set[str] = field(default_factory=set)
    ended: set[str] = field(default_factory=set)


def left_of(
    packed: Packed,
    payloads: Sequence[Payload],
    refused: Sequence[Refusal],
    records: Sequence[Record],
) -> tuple[Left, ...]:
    done, starts, reasons = done_of(records), _starts(payloads, refused), _reasons(payloads)
    invalid = {(r.cell, r.block): r for r in records if r.status in INVALID}
    found = []
    for number, trial in enumerate(packed.trials, start=1):
        key = (trial.cell, trial.block)
        if key not in done:
            own = starts[number]
            why = _why(own, invalid.get(key), reasons.get(str(number)))
            began, over = len(own.stopped), len(own.over)
            found.append(Left(number, trial.cell, trial.block, trial.words, began, over, why))
    return tuple(found)


def done_words(packed: Packed, left: Sequence[Left]) -> str:
    """The option that has a start there leave out what is home, or has failed: `--done 1-7,9`; empty where nothing
    is."""
    open_numbers = {each.number for each in left if not each.is_given_up}
    done = [n for n in range(1, len(packed.trials) + 1) if n not in open_numbers]
    return f"--done {numbers_words(done)}" if done else ""


def _why(starts: _Starts, invalid: Record | None, left_out: str | None) -> str:
    began = f"it began in {len(starts.stopped)} starts, and no end of it came home"
    if len(starts.over) >= _LIVES:
        return f"failed: {began}: it is not run again"
    if len(starts.stopped) >= _LIVES:
        return f"{began}: it is not run again; if the newest has not ended yet, wait for it"
    if invalid:
        return f"{invalid.status.words}: {invalid.error}"
    if starts.stopped:
        return "began, and no end of it came home"
    if starts.ended:
        return "it ended, and its end did not come home"
    return f"left out there: {left_out}" if left_out else "not run yet"


def _starts(payloads: Sequence[Payload], refused: Sequence[Refusal]) -> defaultdict[int, _Starts]:
    """By the number of the trial. That it ended tells what there is of its end, or what its start printed of others
    behind it."""
    ended = {_word(payload, "run_id") for payload in payloads if payload.kind is Kind.ENDED}
    broken = {(each.pack, each.life, each.trial) for each in refused}
    newest, last = "", defaultdict[str, str](str)
    for payload in payloads:
        if payload.kind is Kind.WHERE:
            newest = max(newest, _word(payload, _WHEN))
        else:
            last[payload.life] = max(last[payload.life], _word(payload, _WHEN))
    found = defaultdict[int, _Starts](_Starts)
    for payload in payloads:
        run_id, own = _word(payload, "run_id"), found[payload.trial]
        if payload.kind is not Kind.BEGAN or (run_id and run_id in ended):
            continue
        when, which = _word(payload, _WHEN), (payload.pack, payload.life, payload.trial)
        if when < last[payload.life] or which in broken:
            own.ended.add(payload.life)
        else:
            own.stopped.add(payload.life)
            own.over |= {payload.life} if when < newest else set()
    return found


def _word(payload: Payload, name: str) -> str:
    """Of what is signed, and yet may be anything; empty where it is not there."""
    told: Any = payload.document
    told = told.get("record") if payload.kind is Kind.ENDED else told
    found = told.get(name) if isinstance(told, Mapping) else None
    return found if isinstance(found, str) else ""


def _reasons(payloads: Sequence[Payload]) -> dict[str, str]:
    """Why a start left trials out, by their numbers."""
    found: dict[str, str] = {}
    for payload in payloads:
        told = payload.document.get("left_out") if payload.kind is Kind.WHERE else None
        found |= (
            {number: str(why) for number, why in told.items()} if isinstance(told, dict) else {}
        )
    return found
