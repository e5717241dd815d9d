"""What a notebook and a report show: a chart and the table of its numbers."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

from clipkit.report.charts.style import Picture
from clipkit.tables import Table

HALF_PX, WIDE_PX = 612, 980
"""Two halves stand side by side on a page of 1280 px; a wide one stands alone."""


@dataclass(frozen=True, slots=True)
class Exhibit:
    """A chart and its numbers."""

    picture: Picture
    table: Table

    def _repr_html_(self) -> str:
        return self.picture._repr_html_() + self.table._repr_html_()


@dataclass(frozen=True, slots=True)
class Exhibits:
    """Several, one below the other."""

    shown: tuple[Exhibit, ...]

    def _repr_html_(self) -> str:
        return "".join(exhibit._repr_html_() for exhibit in self.shown)


def keep(figures: Path, exhibit: Exhibit) -> Exhibit:
    """Put the picture into that folder too, where it can be written."""
    # Where somebody shares a campaign for reading, its charts are in the notebook alone.
    with contextlib.suppress(OSError):
        exhibit.picture.save(figures)
    return exhibit
