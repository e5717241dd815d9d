"""Where the words of a chart lie: measured on the figures that are really saved, as they are saved."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import pytest
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

# Boxes of letters hold room above and below them that no ink reaches.
_SLACK_PX = 1.5


@dataclass
class Saved:
    """The figures of one chart after another, and what is wrong with their words."""

    charts: int = 0
    narrowest_px: float = float("inf")
    widest_px: float = 0
    faults: list[str] = field(default_factory=list)

    def measure(self, figure: Figure, frame: Bbox | None) -> None:
        width_in, height_in = figure.get_size_inches()
        inches = frame or Bbox([[0, 0], [width_in, height_in]])
        whole = Bbox(inches.get_points() * figure.dpi)
        self.charts += 1
        self.narrowest_px = min(self.narrowest_px, whole.width)
        self.widest_px = max(self.widest_px, whole.width)
        boxes = _boxes(figure)
        where = f"at {whole.width:.0f} px"
        for words, box in boxes:
            if not _holds(whole, box):
                self.faults.append(f"{where} leaves the figure: {words!r}")
        for (words, box), (others, other) in combinations(boxes, 2):
            if _overlap(box, other):
                self.faults.append(f"{where} {words!r} lies on {others!r}")
        self.faults += [f"{where} {words!r} hides a mark" for words in _on_marks(figure, boxes)]


@contextlib.contextmanager
def measured(monkeypatch: pytest.MonkeyPatch) -> Iterator[Saved]:
    """Every figure that is saved inside is measured first."""
    seen = Saved()
    save = Figure.savefig

    def measuring(figure: Figure, *where: Any, **how: Any) -> None:
        # Twice is once: a chart is saved as it is in two formats.
        if how.get("format") != "png":
            seen.measure(figure, how.get("bbox_inches"))
        save(figure, *where, **how)

    with monkeypatch.context() as patch:
        patch.setattr(Figure, "savefig", measuring)
        yield seen


def _boxes(figure: Figure) -> list[tuple[str, Bbox]]:
    """The words that are drawn, not those of hidden axes or of ticks beyond an axis' end."""
    drawn: list[Text] = []
    with pytest.MonkeyPatch.context() as patch:
        draw = Text.draw

        def noting(text: Text, renderer: Any, *more: Any, **others: Any) -> None:
            drawn.append(text)
            draw(text, renderer, *more, **others)

        patch.setattr(Text, "draw", noting)
        figure.draw_without_rendering()
    once = {id(text): text for text in drawn if text.get_visible() and text.get_text().strip()}
    return [(text.get_text(), Text.get_window_extent(text)) for text in once.values()]


def _holds(whole: Bbox, box: Bbox) -> bool:
    return (
        box.x0 >= whole.x0 - _SLACK_PX
        and box.x1 <= whole.x1 + _SLACK_PX
        and box.y0 >= whole.y0 - _SLACK_PX
        and box.y1 <= whole.y1 + _SLACK_PX
    )


def _overlap(one: Bbox, other: Bbox) -> bool:
    across = min(one.x1, other.x1) - max(one.x0, other.x0)
    down = min(one.y1, other.y1) - max(one.y0, other.y0)
    return across > _SLACK_PX and down > 2 * _SLACK_PX


def _on_marks(figure: Figure, boxes: list[tuple[str, Bbox]]) -> Iterator[str]:
    """Words that lie on the middle of a mark: a dot of a scatter, or of a line of dots alone."""
    for ax in figure.axes:
        middles = [
            tuple(ax_.get_offset_transform().transform(place))
            for ax_ in ax.collections
            if isinstance(ax_, PathCollection)
            for place in ax_.get_offsets()
        ]
        middles += [
            tuple(line.get_transform().transform(place))
            for line in ax.lines
            if line.get_marker() not in ("None", None, "") and len(line.get_xydata()) == 1
            for place in line.get_xydata()
        ]
        for words, box in boxes:
            if any(box.x0 < x < box.x1 and box.y0 < y < box.y1 for x, y in middles):
                yield words
