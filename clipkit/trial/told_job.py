"""A job as a server told it, in one form, whatever its own is. Pure.

`status`, `created_s` and `clips`, each with `number`, `status` (`ok`, `failed`, `killed`, `timeout`, or
another while it is open), `error`, `bytes`, `url`, `started_s` and `ended_s` (seconds since 1970, of its
ffmpeg), and by the client's clock `sent_s` and `answered_s`; what is not known is None.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from clipkit.plan.routes import AnswerError, ClipKeys, Routes, find_in, shown, status_word

ENDED = ("done", "failed")
CLIP_ENDED = ("ok", "failed", "killed", "timeout")
OPEN = "open"
_MILLISECONDS_SINCE_1970 = 1e11
"""As seconds that would be the year 5138, as milliseconds it is 1973."""


@dataclass(slots=True)
class Order:
    """Clips that were ordered together, by their numbers. `job`: by which the server knows it. `document`:
    as the server told it last; `sent_s` and `answered_s`: when the client began and knew."""

    numbers: tuple[int, ...]
    job: Any = None
    status: str = OPEN
    document: Any = None
    error: str | None = None
    sent_s: float | None = None
    answered_s: float | None = None

    @property
    def has_ended(self) -> bool:
        return self.status in ENDED


def document_of(orders: Sequence[Order], routes: Routes) -> dict[str, Any]:
    """All orders of a job; empty where the server took none."""
    taken = [order for order in orders if order.document is not None or order.has_ended]
    if not taken:
        return {}
    ended = all(order.has_ended for order in orders)
    is_well = all(order.status == "done" for order in orders)
    return {
        "status": ("done" if is_well else "failed") if ended else OPEN,
        "created_s": _created_s(taken, routes),
        "clips": [clip for order in taken for clip in told_clips(order, routes)],
    }


def told_clips(order: Order, routes: Routes) -> list[dict[str, Any]]:
    """What its last answer says of each of its clips."""
    entries = entries_of(order.document, routes.clips)
    if routes.clips.list is None:
        entries *= len(order.numbers)
    entries = entries or [None] * len(order.numbers)
    clips = []
    for number, entry in zip(order.numbers, entries, strict=False):
        named = told_under(entry, routes.clips.number)
        clips.append(_clip(order, named if named in order.numbers else number, entry, routes))
    return clips


def entries_of(document: Any, keys: ClipKeys) -> list[Any]:
    """Where an answer tells of each clip; all of it where it has no list of them."""
    if keys.list is None:
        return [document]
    listed = told_under(document, keys.list)
    return [*listed] if isinstance(listed, list) else []


def no_time(told: Any) -> str | None:
    """Why it is no time in seconds since 1970; None where it is one, or nothing is told."""
    if told is None or (_is_number(told) and told < _MILLISECONDS_SINCE_1970):
        return None
    kind = "looks like milliseconds" if _is_number(told) else "is no number"
    return f"{shown(told)} {kind}: it is read as seconds since 1970, so leave this key out"


def told_under(entry: Any, key: str | None) -> Any:
    """What an answer says under the key; None where it says nothing."""
    if key is None:
        return None
    try:
        return find_in(entry, key)
    except AnswerError:
        return None


def _clip(order: Order, number: int, entry: Any, routes: Routes) -> dict[str, Any]:
    keys = routes.clips
    error = told_under(entry, keys.error)
    return {
        "number": number,
        "status": _status(order, told_under(entry, keys.status), routes),
        "error": order.error if not error else error if isinstance(error, str) else shown(error),
        "bytes": _number(told_under(entry, keys.bytes)),
        "url": told_under(entry, keys.url),
        "started_s": _number(told_under(entry, keys.started_s)),
        "ended_s": _number(told_under(entry, keys.ended_s)),
        "sent_s": order.sent_s,
        "answered_s": order.answered_s,
    }


def _is_number(told: Any) -> bool:
    return isinstance(told, int | float) and not isinstance(told, bool)


def _number(told: Any) -> Any:
    return told if _is_number(told) else None


def _status(order: Order, told: Any, routes: Routes) -> str:
    if told is None:
        return {"done": "ok", "failed": "failed"}.get(order.status, OPEN)
    word = status_word(told)
    if word in routes.clips.done:
        return "ok"
    if word in routes.clips.failed:
        return word if word in CLIP_ENDED else "failed"
    return OPEN


def _created_s(taken: Sequence[Order], routes: Routes) -> float | None:
    key = routes.poll.created_s if routes.poll else None
    told = [told_under(order.document, key) for order in taken]
    if key is not None and all(_is_number(each) for each in told):
        return float(min(told))
    return min((order.sent_s for order in taken if order.sent_s is not None), default=None)
