"""How a sweep stands, as data: the same for a terminal, a notebook and whoever looks later."""

from __future__ import annotations

import dataclasses
import datetime
import json
import math
import os
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

from clipkit import format as fmt
from clipkit.campaign.design import Design
from clipkit.campaign.grid import finished
from clipkit.campaign.run import ClipProgress, Event, TrialStarted
from clipkit.campaign.strategy import WARMUP, Cell
from clipkit.errors import CampaignError
from clipkit.records.record import Record, Status
from clipkit.records.store import Store

PROGRESS = "progress.json"
# While clips of one trial come in, the file is written no more often.
_REWRITE_S = 0.5


@dataclass(frozen=True, slots=True)
class Standing:
    """`total`, `done` and the counts below it are cells times blocks; times in seconds.

    `failed` counts those that others' load spoilt, too. `state`: running, finished, cancelled or failed. `eta_s` is the time that the rest will take,
    None while nothing is known. `now`: what runs, in words; `clip`: how far it is. `best`: the
    fastest so far of the job and host that ran last.
    """

    campaign: str
    state: str
    pid: int
    total: int
    done: int
    ok: int
    oom: int
    inferred: int
    failed: int
    elapsed_s: float
    eta_s: float | None
    now: str | None
    clip: str | None
    best: str | None
    best_s_per_clip: float | None
    error: str | None
    updated_utc: str

    @property
    def words(self) -> str:
        """One line: how much is done, what is left, the best so far."""
        parts = [f"{self.done} of {self.total} trials"]
        counts = ((self.oom, "out of memory"), (self.inferred, "inferred"), (self.failed, "failed"))
        parts += [f"{number} {what}" for number, what in counts if number]
        if self.state == "running" and self.eta_s is not None:
            parts.append(f"{fmt.clock(self.eta_s)} left")
        if self.state != "running":
            parts.append(self.state)
        if self.best:
            parts.append(f"best {self.best}")
        return ", ".join(parts)


def read(folder: Path) -> Standing:
    """How the campaign in that folder stands, by its own word. Raises CampaignError without one."""
    path = folder / PROGRESS
    try:
        return Standing(**json.loads(path.read_text("utf-8")))
    except FileNotFoundError:
        raise CampaignError(
            f"{folder} has no {PROGRESS}: no sweep has been started there"
        ) from None
    except (OSError, TypeError, ValueError) as error:
        raise CampaignError(f"{path} cannot be read: {error}") from None


@dataclass(slots=True)
class Tally:
    """Watches a sweep's events and keeps its `standing`, in the campaign's folder too."""

    store: Store
    design: Design
    past: Iterable[Record]
    standing: Standing = field(init=False)
    _ended: dict[tuple[str, int], Status] = field(default_factory=dict)
    _took_s: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    _clip_s: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    _began_s: float = field(default_factory=time.monotonic)
    _trial_began_s: float = 0.0
    _written_s: float = -math.inf
    _clips_done: int = 0

    def __post_init__(self) -> None:
        past = [record for record in self.past if record.cell in self.design.words]
        done = finished(past)
        for record in past:
            if (record.cell, record.block) in done:
                self._count(record, record.wall_s)
        counts = self._counts()
        last = next(
            (cell for cell in self.design.cells if past and past[-1].cell == cell.name), None
        )
        self.standing = Standing(
            **counts,
            **self._best(last),
            campaign=self.store.folder.name,
            state="running" if counts["done"] < self.design.total else "finished",
            pid=os.getpid(),
            total=self.design.total,
            now=None,
            clip=None,
            error=None,
        )

    def begin(self) -> None:
        """The sweep starts: whoever looks finds it in the folder from now on."""
        self._write()

    def __call__(self, event: Event) -> None:
        if isinstance(event, TrialStarted):
            self._trial_began_s, self._clips_done = time.monotonic(), 0
            self._update(now=self.label(event.cell), clip=None)
        elif isinstance(event, ClipProgress):
            self._clips_done += event.event["event"] == "clip"
            shown = f"clip {self._clips_done} of {len(event.cell.job.clips)}"
            self.standing = dataclasses.replace(self.standing, clip=shown)
            if time.monotonic() - self._written_s > _REWRITE_S:
                self._write()
        elif event.cell.phase != WARMUP:
            self._count(event.record, time.monotonic() - self._trial_began_s)
            self._update(now=None, clip=None, **self._best(event.cell))

    def end(self, state: str, error: str | None = None) -> None:
        """The sweep is over: finished, cancelled or failed."""
        self._update(state=state, error=error, now=None, clip=None, eta_s=None)

    def label(self, cell: Cell) -> str:
        """`block 2 of 3: veryfast, concurrency 3`."""
        if cell.phase == WARMUP:
            return f"warming up: {cell.job.upload.path.name}"
        return f"block {cell.block + 1} of {self.design.blocks}: {self.design.words[cell.name]}"

    def _count(self, record: Record, took_s: float | None) -> None:
        if record.status is not Status.CANCELLED and record.block < self.design.blocks:
            self._ended[record.cell, record.block] = record.status
        if record.status is not Status.OOM_INFERRED and took_s is not None:
            self._took_s[record.cell].append(took_s)
        if record.status is Status.OK and record.wall_s:
            self._clip_s[record.cell].append(record.wall_s / record.clips)

    def _counts(self) -> dict[str, Any]:
        ends = list(self._ended.values())
        well = ends.count(Status.OK)
        ran_out, inferred = ends.count(Status.OOM), ends.count(Status.OOM_INFERRED)
        return {
            "done": len(ends),
            "ok": well,
            "oom": ran_out,
            "inferred": inferred,
            "failed": len(ends) - well - ran_out - inferred,
            "elapsed_s": time.monotonic() - self._began_s,
            "eta_s": self._eta_s(),
            "updated_utc": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        }

    def _eta_s(self) -> float | None:
        """What is left takes as long as the same cell took before, or else as the mean cell."""
        if not self._took_s:
            return None
        known = {cell: fmean(times_s) for cell, times_s in self._took_s.items()}
        usual_s = fmean(known.values())
        inferred = {
            cell for (cell, _), status in self._ended.items() if status is Status.OOM_INFERRED
        }
        left = (
            known.get(cell.name, 0.0 if cell.name in inferred else usual_s)
            for cell in self.design.cells
            for block in range(self.design.blocks)
            if (cell.name, block) not in self._ended
        )
        return sum(left)

    def _best(self, last: Cell | None) -> dict[str, Any]:
        """The fastest cell of the same job and host as `last`, by its mean time a clip."""

        def place(cell: Cell) -> tuple[Any, ...]:
            return (cell.job.upload.sha256, cell.job.clips, cell.host, cell.reserve_bytes)

        alike = [cell.name for cell in self.design.cells if last and place(cell) == place(last)]
        means = {name: fmean(self._clip_s[name]) for name in alike if name in self._clip_s}
        if not means:
            return {"best": None, "best_s_per_clip": None}
        best = min(means, key=lambda name: means[name])
        words = f"{fmt.seconds(means[best])} a clip: {self.design.words[best]}"
        return {"best": words, "best_s_per_clip": means[best]}

    def _update(self, **changes: Any) -> None:
        self.standing = dataclasses.replace(self.standing, **self._counts() | changes)
        self._write()

    def _write(self) -> None:
        text = json.dumps(dataclasses.asdict(self.standing), indent=1)
        self.store.write(PROGRESS, f"{text}\n")
        self._written_s = time.monotonic()
