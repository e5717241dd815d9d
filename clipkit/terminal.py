"""Progress in a terminal: one line that keeps up, or a line an event where nobody watches."""

from __future__ import annotations

import shutil
import sys
import time
from dataclasses import dataclass, field
from typing import Any, TextIO

from clipkit import format as fmt
from clipkit.campaign.run import ClipProgress, Event, TrialEnded, TrialStarted
from clipkit.campaign.strategy import Cell
from clipkit.trial.record import Record, Status

_REDRAW_S = 0.1
_PHASES = {
    "warmup": "warming up",
    "screen": "screening",
    "baseline": "timing today's way",
    "confirm": "confirming",
}


@dataclass(slots=True)
class Line:
    """A line that is redrawn on a terminal; elsewhere only what is final is printed."""

    stream: TextIO = field(default_factory=lambda: sys.stderr)
    _drawn_s: float = 0.0
    _open: bool = False

    def update(self, text: str) -> None:
        now_s = time.monotonic()
        if self.stream.isatty() and now_s - self._drawn_s > _REDRAW_S:
            width = shutil.get_terminal_size().columns - 1
            self.stream.write(f"\r\x1b[2K{text[:width]}")
            self.stream.flush()
            self._drawn_s, self._open = now_s, True

    def final(self, text: str) -> None:
        self.clear()
        self.stream.write(f"{text}\n")
        self.stream.flush()

    def clear(self) -> None:
        if self._open:
            self.stream.write("\r\x1b[2K")
            self._open = False


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
            self.line.update(f"{self._clock(event.elapsed_s)}  {label(event.cell)} …")
        elif isinstance(event, ClipProgress):
            self._clips_done += event.event["event"] == "clip"
            elapsed_s = time.monotonic() - self._cell_started_s
            done = f"clip {self._clips_done} of {len(event.cell.job.clips)}"
            self.line.update(f"{self._clock(elapsed_s)}  {label(event.cell)} … {done}")
        else:
            self._ended(event)

    def _ended(self, event: TrialEnded) -> None:
        self.line.final(
            f"{self._clock(event.elapsed_s)}  {label(event.cell):<52} {_result(event.record)}"
        )

    def _clock(self, elapsed_s: float) -> str:
        left_s = max(0.0, self.budget_s - elapsed_s)
        return f"{fmt.clock(elapsed_s)} (at most {fmt.clock(left_s)} left)"


def label(cell: Cell) -> str:
    """`screening: 3 at once, threads 1+1`, `confirming: fluent`."""
    what = cell.subject.name
    if cell.subject.template is None:
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


@dataclass(slots=True)
class CutProgress:
    """Draws a cut: clips finished, frames so far, the time still to go."""

    clips: int
    frames: int
    line: Line = field(default_factory=Line)
    _started_s: float = field(default_factory=time.monotonic)
    _done: int = 0
    _frames: dict[int, int] = field(default_factory=dict)

    def __call__(self, event: dict[str, Any]) -> None:
        if event["event"] == "progress":
            self._frames[event["number"]] = event["frames"]
        elif event["event"] == "clip":
            self._done += 1
            self._frames[event["number"]] = event["frames"] or 0
        made = sum(self._frames.values())
        elapsed_s = time.monotonic() - self._started_s
        left = fmt.clock(elapsed_s * (self.frames / made - 1)) if made else "?"
        self.line.update(f"{self._done} of {self.clips} clips, {left} left")
