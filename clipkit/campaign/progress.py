"""A campaign's events as lines in a terminal: what runs, what it found, what is left of the budget."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from clipkit import format as fmt
from clipkit.campaign.loop import ClipProgress, Event, TrialEnded, TrialStarted
from clipkit.campaign.standing import machine_label
from clipkit.campaign.strategy import WARMUP, Cell
from clipkit.campaign.tally import Tally
from clipkit.records.record import Record
from clipkit.records.status import Status
from clipkit.terminal import Line

_PHASES = {
    "warmup": "warming up",
    "screen": "screening",
    "baseline": "timing today's way",
    "confirm": "confirming",
}


@dataclass(slots=True)
class SweepProgress:
    """Draws a sweep: a line for each trial that ended, and one that keeps up with the present."""

    tally: Tally
    line: Line = field(default_factory=Line)

    def __call__(self, event: Event) -> None:
        if isinstance(event, TrialEnded):
            if event.cell.phase != WARMUP:
                now = self.tally.standing
                of = "" if now.total is None else f" of {now.total}"
                left = "" if now.eta_s is None else f", {fmt.clock(now.eta_s)} left"
                on = "" if event.on is None else f"{machine_label(event.on.machine)}: "
                what = f"{on}{self.tally.label(event.cell)}"
                self.line.final(f"{now.done}{of}{left}  {what}: {_result(event.record)}")
                self.line.update(now.words)
        else:
            now = self.tally.standing
            doing = ", ".join(part for part in (now.now, now.clip) if part)
            self.line.update(f"{now.words} | {doing} …")

    def close(self) -> None:
        self.line.clear()


@dataclass(slots=True)
class TuneProgress:
    """Draws a tuning: what runs, what it found, how much of the budget is left."""

    budget_s: float
    line: Line = field(default_factory=Line)
    _cell_started_s: float = 0.0
    _clips_done: int = 0

    def __call__(self, event: Event) -> None:
        if isinstance(event, TrialStarted):
            self._cell_started_s, self._clips_done = time.monotonic() - event.elapsed_s, 0
            self.line.update(f"{self._clock(event.elapsed_s)}  {cell_label(event.cell)} …")
        elif isinstance(event, ClipProgress):
            self._clips_done += event.event["event"] == "clip"
            elapsed_s = time.monotonic() - self._cell_started_s
            done = f"clip {self._clips_done} of {len(event.cell.job.clips)}"
            self.line.update(f"{self._clock(elapsed_s)}  {cell_label(event.cell)} … {done}")
        else:
            self._ended(event)

    def _ended(self, event: TrialEnded) -> None:
        self.line.final(
            f"{self._clock(event.elapsed_s)}  {cell_label(event.cell):<52} {_result(event.record)}"
        )

    def _clock(self, elapsed_s: float) -> str:
        left_s = max(0.0, self.budget_s - elapsed_s)
        return f"{fmt.clock(elapsed_s)} (at most {fmt.clock(left_s)} left)"


def cell_label(cell: Cell) -> str:
    """`screening: 3 at once, threads 1+1`, `confirming: fluent`."""
    what = cell.subject.name
    if cell.subject.tunable:
        settings = cell.settings
        threads = "+".join(
            str(n) if n else "auto" for n in (settings.decoder_threads, settings.encoder_threads)
        )
        what = f"{settings.concurrency} at once, threads {threads}"
        if settings.lookahead is not None:
            what += f", lookahead {settings.lookahead}"
        if settings.refs is not None:
            what += f", refs {settings.refs}"
    return f"{_PHASES.get(cell.phase, cell.phase)}: {what}"


def _result(record: Record) -> str:
    if record.status is not Status.OK:
        return f"{record.status}: {record.error}"
    memory = fmt.size(record.peak_anon_bytes)
    clips = "1 clip" if record.clips == 1 else f"{record.clips} clips"
    return f"{clips} in {fmt.seconds(record.wall_s)}, {memory}"
