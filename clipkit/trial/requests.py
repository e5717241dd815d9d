"""One request to a server in the words of its description, and what is wrong with its answer.

Of a server that a user described, an answer that does not match is told with the key that it does not match.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clipkit.plan.routes import (
    AnswerError,
    Asking,
    ClipKeys,
    Poll,
    Routes,
    find_in,
    shown,
    status_word,
)
from clipkit.trial.client import Answer, Client
from clipkit.trial.told_job import Order, entries_of, no_time, told_under


class RefusedError(Exception):
    """What the client was told instead of what it asked for."""


@dataclass(frozen=True, slots=True)
class Requests:
    """Every method raises RefusedError. `data`: what `{data}` stands for."""

    routes: Routes
    film: Path
    data: Path

    def send(
        self, client: Client, asking: Asking, values: dict[str, Any], to: Path | None = None
    ) -> Answer:
        """A good answer, in which the name is that is asked for. Raises ServiceGoneError too."""
        known = {"film": str(self.film), "data": str(self.data), **values}
        answer = client.send(asking.filled(known, self.film), to)
        if not answer.is_good:
            raise RefusedError(self.refusal(asking, answer))
        if asking.id is not None:
            self.name_in(asking, answer)
        return answer

    def name_in(self, asking: Asking, answer: Answer) -> Any:
        """By which it is asked for later, a text or a number; None where it is not."""
        if asking.id is None:
            return None
        key = f"{asking.table} id"
        try:
            name = find_in(_json_of(answer), asking.id)
        except AnswerError as why:
            raise self._mismatch(key, asking, str(why)) from None
        if isinstance(name, bool) or not isinstance(name, str | int | float):
            raise self._mismatch(key, asking, f"'{asking.id}' names nothing: it is {shown(name)}")
        return name

    def check_figures(self, asking: Asking, document: Any) -> None:
        """Whether what it tells of its clips in figures is figures."""
        poll = self.routes.poll
        if poll and (why := no_time(told_under(document, poll.created_s))):
            raise self._mismatch("[poll] created_s", asking, why)
        for entry in entries_of(document, self.routes.clips):
            for key in ("started_s", "ended_s"):
                if why := no_time(told_under(entry, getattr(self.routes.clips, key))):
                    raise self._mismatch(f"[clips] {key}", asking, why)

    def status_in(self, poll: Poll, answer: Answer) -> str:
        try:
            return status_word(find_in(_json_of(answer), poll.status))
        except AnswerError as why:
            asking = Asking("[poll]", "GET", poll.path)
            raise self._mismatch("[poll] status", asking, str(why)) from None

    def json_told(self, asking: Asking, answer: Answer) -> Any:
        """What was answered in the end; of a server whose answer nothing is read of, whatever it is."""
        if self.routes.clips == ClipKeys():
            return answer.document or {}
        try:
            return _json_of(answer)
        except AnswerError as why:
            raise self._mismatch(f"{asking.table} answer", asking, str(why)) from None

    def clip_told(self, asking: Asking, answer: Answer, file: Path) -> Path:
        """The file that the clip came into."""
        if answer.content_type != "application/json":
            return file
        said = answer.body[:80].decode("utf-8", "replace")
        why = f"it answered with JSON, not with the clip: {said}"
        raise self._mismatch(f"{asking.table} answer", asking, why)

    def standing(self, orders: Sequence[Order]) -> str | None:
        """With what word jobs stand that do not end: nobody may have described it as an end."""
        poll = self.routes.poll
        if not self.routes.is_theirs or poll is None:
            return None
        told = [told_under(order.document, poll.status) for order in orders]
        words = " and ".join(sorted({shown(each) for each in told if each is not None}))
        where = self._where("[poll] done")
        return f"{where}GET {poll.path} still tells {words}" if words else None

    def refusal(self, asking: Asking, answer: Answer) -> str:
        if not self.routes.is_theirs:  # of a contract of ours the answer says enough
            return answer.words
        where = self._where(f"{asking.table} path")
        return f"{where}{asking.method} {asking.path} answered {answer.words}"

    def _mismatch(self, key: str, asking: Asking, why: str) -> RefusedError:
        return RefusedError(f"{self._where(key)}{asking.method} {asking.path}: {why}")

    def _where(self, key: str) -> str:
        return f"{Path(self.routes.file).name} {key}: "


def _json_of(answer: Answer) -> Any:
    """Raises AnswerError where it is none."""
    document = answer.document
    if document is None:
        said = answer.body[:60].decode("utf-8", "replace").strip()
        kind = answer.content_type or "nothing"
        raise AnswerError(f"the answer is no JSON but {kind}: {said!r}")
    return document
