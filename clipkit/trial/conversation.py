"""What is said to a server about one job, in the words of its description, and what it answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from clipkit.plan.clips import Job
from clipkit.plan.routes import AnswerError, Asking, Routes, filled_path
from clipkit.trial.client import Client, ServiceGoneError
from clipkit.trial.requests import RefusedError, Requests
from clipkit.trial.told_job import CLIP_ENDED, Order, document_of, told_clips, told_under

_LOOK_S = 0.2


@dataclass(slots=True)
class Conversation:
    """About one job. `folder`: where what is fetched goes; `at_once`: orders that are open at a time where
    an order's answer is what is waited for. `heard` is told of each clip that has ended."""

    client: Client
    routes: Routes
    job: Job
    data: Path
    folder: Path
    at_once: int
    poll_s: float
    deadline_s: float
    heard: Callable[[int, str], None] = lambda _number, _status: None
    upload: Any = None
    orders: list[Order] = field(default_factory=list)
    fetched: dict[int, Path | str] = field(default_factory=dict)
    polls: int = 0
    told: str | None = None
    timed_out: bool = False
    _seen: set[int] = field(default_factory=set)

    def take_up(self) -> bool:
        """Upload the film, where that is a request of its own: whether it was taken."""
        asking = self.routes.upload
        if asking is None:
            return True
        try:
            answer = self._requests.send(self.client, asking, {})
            self.upload = self._requests.name_in(asking, answer)
        except (RefusedError, ServiceGoneError) as error:
            self.told = str(error)
            return False
        return True

    def have_cut(self, is_alive: Callable[[], bool]) -> None:
        """Order the clips and wait until they have ended, the server is gone, or the time is over."""
        numbers = tuple(range(1, len(self.job.clips) + 1))
        groups = [(n,) for n in numbers] if self.routes.is_per_clip else [numbers]
        self.orders = [Order(group) for group in groups]
        if self.routes.poll:
            self._order_and_poll(is_alive)
        else:
            self._order_and_wait()

    def fetch(self) -> None:
        """The clips that are said to be ok: `fetched` says where each one lies, or why it does not."""
        if self.routes.fetch is None:
            return
        for order in self.orders:
            for clip in told_clips(order, self.routes):
                if clip["status"] == "ok":
                    self.fetched[clip["number"]] = self._fetch(order, clip)

    def forget(self) -> None:
        """Have the server remove what it holds of the job, where it can be told to."""
        for template, values in self._removals():
            try:
                self.client.delete(filled_path(template, values))
            except (ServiceGoneError, AnswerError) as error:
                self.told = str(error)
                return

    @property
    def _requests(self) -> Requests:
        return Requests(self.routes, self.job.upload.path, self.data)

    @property
    def document(self) -> dict[str, Any]:
        """The job in the one form; empty where nothing was taken."""
        return document_of(self.orders, self.routes)

    def is_lost(self) -> bool | None:
        """Whether the server does not know the job; None where that cannot be asked, or no answer came."""
        poll = self.routes.poll
        ordered = [order for order in self.orders if order.document is not None]
        if poll is None or not ordered:
            return None
        try:
            return self.client.get(self._filled(poll.path, ordered[0])).status == 404
        except (ServiceGoneError, AnswerError):
            return None

    # -- a server that is asked how far it is ------------------------------------------------

    def _order_and_poll(self, is_alive: Callable[[], bool]) -> None:
        most = self.routes.at_once or len(self.orders)
        waiting, running = list(self.orders), list[Order]()
        while waiting or running:
            while waiting and len(running) < most:
                order = waiting.pop(0)
                if not self._taken(order):
                    return
                running.append(order)
            for order in list(running):
                if not self._ask_after(order, is_alive):
                    return
                if order.has_ended:
                    running.remove(order)
            if time.monotonic() > self.deadline_s:
                self.timed_out = True
                self.told = self.told or self._requests.standing(running)
                return
            if running and not (waiting and len(running) < most):
                time.sleep(self.poll_s)

    def _taken(self, order: Order) -> bool:
        order.sent_s = time.time()
        asking = self.routes.order
        try:
            answer = self._requests.send(self.client, asking, self._values(order))
            order.job = self._requests.name_in(asking, answer)
            order.document = answer.document
        except (RefusedError, ServiceGoneError) as error:
            self.told = str(error)
            order.error = str(error)
            return False
        return True

    def _ask_after(self, order: Order, is_alive: Callable[[], bool]) -> bool:
        """Whether there is a sense in asking on."""
        poll = self.routes.poll
        assert poll is not None  # noqa: S101 (else nobody asks)
        try:
            answer = self.client.get(self._filled(poll.path, order))
        except ServiceGoneError as error:
            self.told = str(error)
            return is_alive()
        self.polls += 1
        if answer.status == 404:
            self.told = self._requests.refusal(Asking("[poll]", "GET", poll.path), answer)
            return False
        if answer.status != 200:  # such as 503 while it is busy: it is asked again
            return True
        try:
            status = self._requests.status_in(poll, answer)
            self._requests.check_figures(Asking("[poll]", "GET", poll.path), answer.document)
        except RefusedError as error:
            self.told = str(error)
            return False
        self.told, order.document = None, answer.document
        told = told_under(answer.document, poll.error)
        order.error = None if told is None else str(told)
        if status in (*poll.done, *poll.failed):
            order.status = "done" if status in poll.done else "failed"
            order.answered_s = time.time()
        self._hear(order)
        return True

    # -- a server whose answer is what is waited for -----------------------------------------

    def _order_and_wait(self) -> None:
        """In threads, so that an interrupt and the time limit reach us whatever the server does; who is
        still waiting then is let go when the server is ended."""
        most = self.routes.at_once or self.at_once
        pool = ThreadPoolExecutor(min(most, len(self.orders)), thread_name_prefix="order")
        try:
            open_: set[Future[None]] = {pool.submit(self._answered, o) for o in self.orders}
            while open_:
                _, open_ = wait(open_, _LOOK_S, FIRST_COMPLETED)
                for order in self.orders:
                    self._hear(order)
                if open_ and time.monotonic() > self.deadline_s:
                    self.timed_out = True
                    return
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _answered(self, order: Order) -> None:
        order.sent_s = time.time()
        left_s = max(1.0, self.deadline_s - time.monotonic())
        patient = replace(self.client, patience_s=left_s)
        to = self._file(order.numbers[0]) if self.routes.answers_clip else None
        asking = self.routes.order
        try:
            answer = self._requests.send(patient, asking, self._values(order), to)
            if to is None:
                document = self._requests.json_told(asking, answer)
                self._requests.check_figures(asking, document)
                order.document = document
            else:
                self.fetched[order.numbers[0]] = self._requests.clip_told(asking, answer, to)
            status = "done"
        except (RefusedError, ServiceGoneError, OSError) as error:
            order.error = str(error)
            self.told = self.told or order.error  # what broke first; the rest follows from it
            status = "failed"
        order.answered_s, order.status = time.time(), status

    # -- one request -------------------------------------------------------------------------

    def _values(self, order: Order) -> dict[str, Any]:
        if not self.routes.is_per_clip:
            return {"upload": self.upload, "clips": self.routes.list_of(self.job.clips)}
        number = order.numbers[0]
        return {
            "upload": self.upload,
            **self.routes.wanted(self.job.clips[number - 1], number),
        }

    def _filled(self, template: str, order: Order, **more: Any) -> str:
        return filled_path(template, {"job": order.job, "upload": self.upload, **more})

    def _fetch(self, order: Order, clip: dict[str, Any]) -> Path | str:
        file = self._file(clip["number"])
        try:
            path = self._filled(
                str(self.routes.fetch), order, number=clip["number"], url=clip["url"]
            )
            answer = self.client.fetch(path, file)
        except (ServiceGoneError, AnswerError) as error:
            return str(error)
        if answer.status != 200:
            return answer.words
        return file if file.exists() else f"JSON came instead: {answer.body[:80]!r}"

    def _file(self, number: int) -> Path:
        return self.folder / f"clip-{number:03d}.mp4"

    def _removals(self) -> Sequence[tuple[str, dict[str, Any]]]:
        found = []
        if self.routes.delete_job is not None:
            found += [
                (self.routes.delete_job, {"job": order.job, "upload": self.upload})
                for order in self.orders
            ]
        if self.routes.delete_upload is not None:
            found.append((self.routes.delete_upload, {"upload": self.upload}))
        return found

    def _hear(self, order: Order) -> None:
        for clip in told_clips(order, self.routes):
            if clip["status"] in CLIP_ENDED and clip["number"] not in self._seen:
                self._seen.add(clip["number"])
                self.heard(clip["number"], clip["status"])
