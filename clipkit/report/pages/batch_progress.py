"""A batch's progress in a terminal: a line for each notebook."""

from __future__ import annotations

from dataclasses import dataclass, field

from clipkit import format as fmt
from clipkit.report.pages.batch_pages import Ended, Item
from clipkit.terminal import Line


@dataclass(slots=True)
class BatchProgress:
    """Draws which notebook runs, and how each ended."""

    total: int
    line: Line = field(default_factory=Line)

    def __call__(self, number: int, item: Item) -> None:
        head = f"{number + 1} of {self.total}  {item.name}"
        if item.ended is Ended.NOT_RUN:
            self.line.update(f"{head} …")
            return
        took = "" if item.duration_s is None else f", {fmt.seconds(item.duration_s)}"
        why = f": {item.error}" if item.error else ""
        self.line.final(f"{head:<40} {item.ended}{took}{why}")
