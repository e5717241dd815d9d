"""Runs tasks in a pool of ffmpeg processes and tells of it in events. Stdlib only.

One thread, one selector: children are watched by their pidfd, so nothing polls and the engine's own
CPU is what an orchestrator costs at least.
"""

from __future__ import annotations

import selectors
import time
from collections.abc import Callable
from typing import Any

from clipkit.engine.child import NOT_NOW, Child, end_in_words
from clipkit.engine.manners import Manners, Pacing
from clipkit.engine.orders import Orders
from clipkit.engine.patches import PatchError
from clipkit.engine.queue import Queue
from clipkit.engine.telling import clip_event
from clipkit.engine.work import ScratchError, Work, WrongOutputError
from clipkit.plan.task import Task

Emit = Callable[[dict[str, Any]], None]

# A kill from outside looks the same from here, and what needs less memory is as right.
_OUT_OF_MEMORY = "killed, or out of memory"
_NO_ROOM = "too little memory beside the clips that run"
RETRY_S = 1.0
"""After so long what the system refused to start is tried again, and before that when a clip ends."""


class Pool:
    """The tasks of one job. `accept` them, then serve the selector until `idle`."""

    def __init__(self, orders: Orders, emit: Emit, selector: selectors.BaseSelector) -> None:
        self._orders = orders
        self._emit = emit
        self._selector = selector
        self._waiting = Queue()
        self._running: list[Work] = []
        self._stopping: str | None = None
        self._retry_at_s = 0.0
        self._manners = Manners(orders.nice, orders.cpu_scheduling, orders.ionice, orders.cpus)
        self._pacing = None if orders.cpus is None else Pacing(orders.cpus)
        self.first_task_s: float | None = None
        self.first_clip_s: float | None = None
        self.last_clip_s: float | None = None

    @property
    def idle(self) -> bool:
        return not self._waiting and not self._running

    def accept(self, task: Task) -> None:
        if self.first_task_s is None:
            self.first_task_s = time.monotonic()
        work = Work(task, self._orders.work_dir, self._orders.log_dir)
        if self._stopping:
            self._give_up(work, self._stopping)
            return
        self._waiting.add(work)
        self._fill()

    def cancel(self, reason: str) -> None:
        """Kill what runs and forget what waits and comes; each clip ends with the status `reason`."""
        self._stopping = self._stopping or reason
        for work in list(self._running):
            if work.refused:
                self._end_all(work, reason, self._why_stopped(reason, work))
            else:
                self._kill(work, reason)
        for work in self._waiting.emptied():
            self._give_up(work, reason)

    def _give_up(self, work: Work, reason: str) -> None:
        self._emit(clip_event(work, reason, self._why_stopped(reason, work)))

    def _why_stopped(self, reason: str, work: Work) -> str:
        refused = f": no process could be started ({work.refused})" if work.refused else ""
        if reason == "timeout":
            struck = f"the time limit of {self._orders.timeout_s:g} s struck"
            return f"{struck} before it was {'finished' if work.begun else 'started'}{refused}"
        return f"stopped before it was finished{refused}" if work.begun else "not started"

    def patience_s(self) -> float | None:
        """How long the selector may sleep before there is something to do of itself."""
        if self.first_task_s is None or self.idle:
            return None
        at_s = self.first_task_s + self._orders.timeout_s
        if any(work.refused for work in self._running):
            at_s = min(at_s, self._retry_at_s)
        left_s = max(0.0, at_s - time.monotonic())
        return min(left_s, self._pacing.wait_s) if self._pacing else left_s

    def check_time(self) -> None:
        """Stop everything where the time limit has struck, and try again what the system refused to start."""
        now_s = time.monotonic()
        if self.first_task_s is None or self.idle:
            return
        if self._pacing:
            self._pacing.pace(work.child.pid for work in self._running if work.child)
        if now_s >= self.first_task_s + self._orders.timeout_s:
            self.cancel("timeout")
        elif now_s >= self._retry_at_s:
            self._go_on()

    def _go_on(self) -> None:
        """First with what was refused."""
        if not self._stopping:
            self._try_again()
        self._fill()

    def _try_again(self) -> None:
        """In their order, until one is refused again."""
        for work in [work for work in self._running if work.refused]:
            if not work.refused or work not in self._running:  # an end of another one came between
                continue
            if not self._has_room(work):
                self._refuse(work, _NO_ROOM)
                return
            if not work.begun:
                work.started_s = time.monotonic()
            work.refused = None
            self._advance(work)
            if work.refused:
                return

    def _fill(self) -> None:
        """Behind what the system has refused to start nothing else is tried."""
        if any(work.refused for work in self._running):
            return
        while (work := self._waiting.next) and not self._stopping and self._admits(work):
            self._running.append(self._waiting.take())
            work.started_s = time.monotonic()
            self._advance(work)
            if work.refused:
                return

    def _admits(self, work: Work) -> bool:
        running = len(self._running)
        return not running or (running < self._orders.concurrency and self._has_room(work))

    def _has_room(self, work: Work) -> bool:
        """For its attempt, which may need more than the one that it was admitted for, beside what runs."""
        budget = self._orders.memory_budget_bytes
        others = [other for other in self._running if other is not work and not other.refused]
        if budget is None or not others:
            return True
        return sum(map(_needs_bytes, others)) + _needs_bytes(work) <= budget

    def _advance(self, work: Work) -> None:
        """Begin the step that it is at; what is no process is done here and now, and the next step begun."""
        try:
            child = work.start_step()
            while child is None and work.follows:
                work.step += 1
                child = work.start_step()
        except PatchError as error:
            self._next_attempt(work, str(error))
        except ScratchError as error:
            self._end(work, "failed", str(error))
        except OSError as error:
            if error.errno in NOT_NOW:
                self._refuse(work, error.strerror or str(error))
            else:
                self._end_all(work, "failed", work.why_not_started(error))
        else:
            if child:
                self._watch(work, child)
            else:
                self._judge(work)

    def _refuse(self, work: Work, why: str) -> None:
        work.refused = why
        self._retry_at_s = time.monotonic() + RETRY_S

    def _watch(self, work: Work, child: Child) -> None:
        self._manners.teach(child.pid)
        self._selector.register(child.pidfd, selectors.EVENT_READ, lambda: self._ended(work))
        self._selector.register(
            child.stdout, selectors.EVENT_READ, lambda: self._progressed(work, child)
        )

    def _progressed(self, work: Work, child: Child) -> None:
        if work.child is not child:  # it ended in the same round; its descriptor may be another's
            return
        said = child.read_progress()
        if not said:
            self._selector.unregister(child.stdout)
            return
        frames = [line[6:] for line in said.split(b"\n") if line.startswith(b"frame=")]
        if frames and frames[-1].strip().isdigit():
            self._emit({"event": "progress", "number": work.task.number, "frames": int(frames[-1])})

    def _ended(self, work: Work) -> None:
        child = work.child
        if child is None:
            return
        self._selector.unregister(child.pidfd)
        if child.stdout in self._selector.get_map():
            self._selector.unregister(child.stdout)
        ended = child.reap()
        work.account(ended)
        if work.killed_for:
            self._end_all(work, work.killed_for, self._why_stopped(work.killed_for, work))
        elif work.ran_out(ended) and work.may_need_less:
            self._next_attempt(work, f"{_OUT_OF_MEMORY} ({end_in_words(ended)})", ran_out=True)
        elif work.was_stopped(ended):
            self._end_all(work, "killed", end_in_words(ended))
        elif why_apart := work.why_apart(ended):
            self._next_attempt(work, why_apart)
        elif ended.code != 0:
            self._next_attempt(work, work.explain(ended))
        elif work.follows:
            work.step += 1
            self._advance(work)
        else:
            for each in self._apart(work):
                self._judge(each)

    def _apart(self, lead: Work) -> list[Work]:
        lead, *others = lead.parted()
        self._running += others
        return [lead, *others]

    def _judge(self, work: Work) -> None:
        try:
            track = work.check()
        except WrongOutputError as error:
            self._next_attempt(work, work.why_wrong(error))
            return
        try:
            placed = work.place(self._orders.out_dir)
        except OSError as error:
            self._end(work, "failed", f"cannot be put into place: {error.strerror}")
            return
        seen = track.report() if track else {}
        argv = work.argv(placed.clip, placed.poster)
        self._end(work, "ok", None, argv=argv, **seen, **placed.report())

    def _next_attempt(self, work: Work, error: str, ran_out: bool = False) -> None:
        """Also after an exit code: ffmpeg gives up where a seek lands on what it cannot decode.

        What the failed one has left is removed first: it may fill the disk, and nothing of it is used.
        """
        if work.current.cut_with:
            self._put_back(work, error)
            return
        following = work.attempt_after(ran_out)
        if following is not None and not work.is_homeless:
            work.tidy()
            work.attempt, work.step, work.failed_before = following, 0, error
            if self._has_room(work):
                self._advance(work)
            else:
                self._refuse(work, _NO_ROOM)
        else:
            self._end(work, "failed", error)

    def _put_back(self, lead: Work, error: str) -> None:
        """Each to be made alone, in its turn."""
        for work in reversed(self._apart(lead)):
            if self._stopping:  # for one of the others
                self._end(work, self._stopping, self._why_stopped(self._stopping, work))
                continue
            work.tidy()
            work.attempt, work.failed_before = work.attempt + 1, error
            work.started_s, work.spent_s = None, work.wall_s
            self._running.remove(work)
            self._waiting.put_back(work)
        self._go_on()

    def _end_all(self, lead: Work, status: str, error: str) -> None:
        for work in self._apart(lead):
            self._end(work, status, error)

    def _end(self, work: Work, status: str, error: str | None, **found: Any) -> None:
        now_s = time.monotonic()
        if status == "failed" and work.is_homeless:  # whatever else was seen comes of that
            error = f"its work folder {work.folder} was removed while it was cutting"
        work.tidy()
        self._running.remove(work)
        if status == "ok":
            self.first_clip_s = self.first_clip_s or now_s
            self.last_clip_s = now_s
        self._emit(clip_event(work, status, error, **found))
        if status != "ok" and self._orders.stop_on_failure and not self._stopping:
            self.cancel("cancelled")
        self._go_on()

    def _kill(self, work: Work, reason: str) -> None:
        if work.child and not work.killed_for:
            work.killed_for = reason
            work.child.kill()


def _needs_bytes(work: Work) -> int:
    """Of the attempt that it is at; nothing where that is unknown."""
    return max(work.task.predicted_bytes or 0, work.current.needs_bytes or 0)
