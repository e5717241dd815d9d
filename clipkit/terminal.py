"""Progress in a terminal: one line that keeps up, or a line an event where nobody watches."""

from __future__ import annotations

import shutil
import sys
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self, TextIO

from clipkit import format as fmt
from clipkit import streams

_REDRAW_S = 0.1


@dataclass(slots=True)
class Line:
    """A line that is redrawn on a terminal; elsewhere only what is final is printed.

    Where nobody reads any more, the stream leads nowhere from then on.
    """

    stream: TextIO = field(default_factory=lambda: sys.stderr)
    _drawn_s: float = 0.0
    _open: bool = False

    def update(self, text: str) -> None:
        now_s = time.monotonic()
        if self.stream.isatty() and now_s - self._drawn_s > _REDRAW_S:
            width = shutil.get_terminal_size().columns - 1
            self._write(f"\r\x1b[2K{fmt.on_one_line(text)[:width]}")
            self._drawn_s, self._open = now_s, True

    def final(self, text: str) -> None:
        self.clear()
        self._write(f"{fmt.on_one_line(text)}\n")

    def clear(self) -> None:
        if self._open:
            self._write("\r\x1b[2K")
            self._open = False

    def _write(self, text: str) -> None:
        streams.write_on(self.stream, text)


@dataclass(slots=True)
class CutProgress:
    """`with CutProgress(…) as progress:` draws a cut until the block ends: clips finished, frames so far, the time still to go.

    `frames` are those that the clips show; a copy writes some more before it is cut to them.
    """

    clips: int
    frames: int
    line: Line = field(default_factory=Line)
    _started_s: float = field(default_factory=time.monotonic)
    _done: int = 0
    _frames: dict[int, int] = field(default_factory=dict)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.line.clear()

    def __call__(self, event: dict[str, Any]) -> None:
        if event["event"] == "progress":
            self._frames[event["number"]] = event["frames"]
        elif event["event"] == "clip":
            self._done += 1
            self._frames[event["number"]] = event["frames"] or 0
        made = sum(self._frames.values())
        elapsed_s = time.monotonic() - self._started_s
        left = fmt.clock(max(0.0, elapsed_s * (self.frames / made - 1))) if made else "?"
        self.line.update(f"{self._done} of {self.clips} clips, {left} left")
