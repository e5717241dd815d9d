"""What a notebook and a page show: a piece of text, or a chart and the table of its numbers."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from clipkit import format as fmt
from clipkit.records.folder import FIGURES
from clipkit.report.charts.style import Picture
from clipkit.report.notebooks import place
from clipkit.tables import Table

HALF_PX, WIDE_PX = 612, 980
"""Two halves stand side by side on a page of 1280 px; a wide one stands alone."""


@dataclass(frozen=True, slots=True)
class Section:
    """A finished piece of HTML, every word from outside escaped."""

    markup: str

    def __repr__(self) -> str:
        return fmt.brief(self, f"{len(self.markup)} letters of HTML")

    def _repr_html_(self) -> str:
        return self.markup


@dataclass(frozen=True, slots=True)
class Exhibit:
    """A chart and its numbers."""

    picture: Picture
    table: Table

    def __repr__(self) -> str:
        return fmt.brief(self, f"a chart and {self.table!r}")

    def _repr_html_(self) -> str:
        return self.picture._repr_html_() + self.table._repr_html_()


@dataclass(frozen=True, slots=True)
class Exhibits:
    """Several, one below the other."""

    shown: tuple[Exhibit, ...]

    def __repr__(self) -> str:
        return fmt.brief(self, f"{len(self.shown)} charts, each with its table")

    def _repr_html_(self) -> str:
        return "".join(exhibit._repr_html_() for exhibit in self.shown)


def kept(exhibit: Exhibit) -> Exhibit:
    """Its picture is saved beside the notebook that shows it (`notebooks.place`), if one does and
    where that can be written; otherwise it is in the exhibit alone."""
    figures = place.figures()
    if figures is not None:
        with contextlib.suppress(OSError):
            exhibit.picture.save(place.beside(), f"{FIGURES}/{figures.name}")
    return exhibit
