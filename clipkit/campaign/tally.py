"""Watches a sweep's events and keeps how it stands, in the campaign's folder too."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import math
import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from clipkit import format as fmt
from clipkit.campaign.again import done_of
from clipkit.campaign.design import Design
from clipkit.campaign.loop import ClipProgress, Event, TrialEnded, TrialStarted
from clipkit.campaign.standing import Standing, running_words
from clipkit.campaign.strategy import WARMUP, Cell, Progress, Strategy
from clipkit.documents import json_text
from clipkit.records.allowed import hiding_is_allowed
from clipkit.records.best import RECOMMENDED, ranked
from clipkit.records.cells import cells_of
from clipkit.records.condition import Condition
from clipkit.records.folder import PROGRESS
from clipkit.records.record import Record
from clipkit.records.status import COUNTS, INVALID, Status
from clipkit.records.store import Store
from clipkit.records.table import table_of

# While clips of one trial come in, the file is written no more often.
_REWRITE_S = 0.5
# What grows with the campaign, where it takes longer than that, is done so seldom that it takes a fiftieth of the time.
_LONG_S, _SHARE = 0.005, 50


@dataclass(slots=True)
class Seldom:
    """Whether it is time again for something that takes ever longer: not where it took long and was done just
    now."""

    _took_s: float = 0.0
    _done_s: float = -math.inf

    def is_due(self) -> bool:
        return self._took_s <= _LONG_S or time.monotonic() - self._done_s >= _SHARE * self._took_s

    @contextlib.contextmanager
    def doing(self) -> Iterator[None]:
        began_s = time.monotonic()
        yield
        self._done_s = time.monotonic()
        self._took_s = self._done_s - began_s

    def now(self) -> None:
        """It is due, whatever it took."""
        self._done_s = -math.inf


@dataclass(slots=True)
class Tally:
    """Watches a sweep's events and keeps its `standing`, in the campaign's folder too. `began_s`: when
    the sweeping began by the monotonic clock, earlier sessions put in front."""

    store: Store
    design: Design
    strategy: Strategy
    past: Iterable[Record]
    shard: str | None = None
    blocks: int | None = None
    began_s: float = field(default_factory=time.monotonic)
    standing: Standing = field(init=False)
    _ended: dict[tuple[str, int], Status] = field(default_factory=dict)
    _records: list[Record] = field(default_factory=list)
    _statuses: Counter[Status] = field(default_factory=Counter)
    _ranking: Seldom = field(default_factory=Seldom)
    _looking_ahead: Seldom = field(default_factory=Seldom)
    _ahead: Progress = field(default_factory=lambda: Progress(0, None, None))
    _written_s: float = -math.inf
    _clips_done: int = 0
    _at_once: int = 1
    _machines: dict[str, int] = field(default_factory=dict)
    _running: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._records = [record for record in self.past if record.cell in self.design.words]
        done = done_of(self._records)
        for record in self._records:
            if (record.cell, record.block) in done:
                self._count(record)
        counts = self._counts()
        is_over = counts["done"] == counts["total"]
        self.standing = Standing(
            **counts,
            **self._best(self._last),
            campaign=self.store.folder.name,
            state="finished" if is_over else "running",
            pid=os.getpid(),
            now=None,
            clip=None,
            error=None,
            shard=self.shard,
        )

    def begin(self) -> None:
        """The sweep starts: whoever looks finds it in the folder from now on."""
        self._write()

    def __call__(self, event: Event) -> None:
        if isinstance(event, TrialStarted):
            self._clips_done = 0
            self._update(now=self._begins(event), clip=None)
        elif isinstance(event, ClipProgress):
            self._clips_done += event.event["event"] == "clip"
            shown = f"clip {self._clips_done} of {len(event.cell.job.clips)}"
            self.standing = dataclasses.replace(self.standing, clip=shown)
            if time.monotonic() - self._written_s > _REWRITE_S:
                self._write()
        elif event.cell.phase != WARMUP:
            self._records.append(event.record)
            self._count(event.record)
            self._ends(event)
            now = running_words(self._running)
            self._update(now=now, clip=None, **self._best(event.record))

    def end(self, state: str, error: str | None = None) -> None:
        """The sweep is over: finished, cancelled or failed."""
        self._ranking.now()
        self._looking_ahead.now()
        self._running.clear()
        best = self._best(self._last)
        self._update(state=state, error=error, now=None, clip=None, eta_s=None, **best)

    def _begins(self, event: TrialStarted) -> str | None:
        """What runs, in words."""
        label = self.label(event.cell)
        if event.on is None:
            return label
        self._at_once = event.on.machines
        self._machines.setdefault(event.on.machine, 0)
        self._running[event.on.machine] = label
        return running_words(self._running)

    def _ends(self, event: TrialEnded) -> None:
        if event.on is not None:
            self._running.pop(event.on.machine, None)
            self._machines[event.on.machine] += event.record.status in COUNTS

    @property
    def _last(self) -> Record | None:
        return self._records[-1] if self._records else None

    def label(self, cell: Cell) -> str:
        """`block 2 of 3: veryfast, concurrency 3`."""
        if cell.phase == WARMUP:
            return f"warming up: {cell.job.upload.name}"
        of = "" if self.blocks is None else f" of {self.blocks}"
        return f"block {cell.block + 1}{of}: {self.design.words[cell.name]}"

    def _count(self, record: Record) -> None:
        if record.status is not Status.CANCELLED and self.design.has(record):
            before = self._ended.get((record.cell, record.block))
            if before is not None:
                self._statuses[before] -= 1
            self._statuses[record.status] += 1
            self._ended[record.cell, record.block] = record.status

    def _counts(self) -> dict[str, Any]:
        if self._looking_ahead.is_due():
            with self._looking_ahead.doing():
                self._ahead = self.strategy.progress()
        done, ends = len(self._ended), self._statuses
        ahead = self._ahead  # it may be of some trials ago
        left_s = 0.0 if done == ahead.total else ahead.left_on_s(self._at_once)
        disturbed, broken = (ends[status] for status in INVALID)
        told = ends[Status.OK] + ends[Status.OOM] + ends[Status.OOM_INFERRED] + disturbed + broken
        return {
            "total": self._ahead.total,
            "done": done,
            "ok": ends[Status.OK],
            "oom": ends[Status.OOM],
            "inferred": ends[Status.OOM_INFERRED],
            "disturbed": disturbed,
            "machine_failed": broken,
            "failed": done - told,
            "elapsed_s": time.monotonic() - self.began_s,
            "eta_s": left_s,
            "machines": dict(self._machines),
            "running": dict(self._running),
            "updated_utc": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        }

    def _best(self, last: Record | None) -> dict[str, Any]:
        """What is recommended so far for the job and host of the attempt `last`; nothing where it is not time to tell
        it again: of many records it takes long to find."""
        if last is None:
            return {"best": None, "best_s_per_clip": None}
        if not self._ranking.is_due():
            return {}
        with self._ranking.doing():
            found = _recommended(self._records, last, hiding_is_allowed(self.store.folder))
        if found is None:
            return {"best": None, "best_s_per_clip": None}
        name, s_per_clip = found
        words = f"{fmt.seconds(s_per_clip)} a clip: {self.design.words[name]}"
        return {"best": words, "best_s_per_clip": s_per_clip}

    def _update(self, **changes: Any) -> None:
        self.standing = dataclasses.replace(self.standing, **self._counts() | changes)
        self._write()

    def _write(self) -> None:
        text = json_text(dataclasses.asdict(self.standing), indent=1)
        # It need not outlast the machine, and making sure of that would make its disk work meanwhile.
        self.store.write(PROGRESS, f"{text}\n", lasting=False)
        self._written_s = time.monotonic()


def _recommended(
    records: Sequence[Record], last: Record, hiding_allowed: bool
) -> tuple[str, float] | None:
    """Name and seconds a clip of the cell that `records.best` recommends, of the condition that
    `last` was run under; None where none finished there."""
    table, condition = table_of(records), Condition.of(last.to_row())
    cells = ranked(cells_of(table), hiding_allowed)
    for row in cells[cells["best"] == RECOMMENDED].to_dict("records"):
        if Condition.of(row) == condition:
            return str(row["cell"]), float(row["s_per_clip"])
    return None
