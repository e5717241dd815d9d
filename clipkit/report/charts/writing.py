"""Words on a chart: how wide they are, where their lines break, and what stands over all axes."""

from __future__ import annotations

import functools
import re

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.layout_engine import ConstrainedLayoutEngine

DPI = 100
"""One CSS pixel is one dot: a figure of 6 inches is 600 px wide on the page."""

FAMILY = "DejaVu Sans"
SMALL_PT, TEXT_PT, TITLE_PT = 7.5, 8.5, 9.5
_LINE = 1.25
"""From one line to the next, in sizes of its letters; matplotlib's own is 1.2."""

GREY = "#6b7280"
_EDGE_PX = 5
_BESIDE_AXES_PX = 70
"""About how much of a panel's width its scale takes."""


def text_px(text: str, size_pt: float = SMALL_PT, bold: bool = False) -> float:
    """How wide a line of text is."""
    return sum(_advance_px(letter, bold) for letter in text) * size_pt


@functools.cache
def _advance_px(letter: str, bold: bool) -> float:
    """From a letter to the next, in pixels for each point of its size."""
    weight = "bold" if bold else "normal"
    font = get_font(findfont(FontProperties(family=[FAMILY], weight=weight)))
    font.set_size(100, DPI)
    # What the font lacks is drawn as a box, about as wide as an M.
    known = letter if font.get_char_index(ord(letter)) else "M"
    return float(font.load_char(ord(known)).linearHoriAdvance) / 65536 / 100


def wrapped(text: str, width_px: float, size_pt: float = SMALL_PT, bold: bool = False) -> str:
    """The text in lines of at most that width; a word that is longer is broken."""
    return "\n".join(
        line
        for paragraph in text.split("\n")
        for line in _lines(paragraph, width_px, size_pt, bold)
    )


def line_px(size_pt: float) -> float:
    """How high a line of text is."""
    return size_pt / 72 * DPI * _LINE


def width_px(figure: Figure) -> float:
    """How wide the figure is on a page."""
    return float(figure.get_size_inches()[0]) * DPI


def height_px(figure: Figure) -> float:
    return float(figure.get_size_inches()[1]) * DPI


def heading(figure: Figure, text: str, words: str) -> None:
    """Over all axes of a figure: what was found, in bold, and below it small print on how to read it.

    To be called before the layout; it keeps the room that it needs. What was found is the figure's
    label too.
    """
    figure.set_label(text)
    room_px, high_px = width_px(figure) - 2 * _EDGE_PX, height_px(figure)
    above = wrapped(text, room_px, TITLE_PT, bold=True)
    below = wrapped(words, room_px)
    top_px = 3 + (1 + above.count("\n")) * line_px(TITLE_PT)
    end_px = top_px + (1 + below.count("\n")) * line_px(SMALL_PT) + 5
    left = _EDGE_PX / width_px(figure)
    engine = figure.get_layout_engine()
    if isinstance(engine, ConstrainedLayoutEngine):
        engine.set(rect=(0, 0, 1, max(0.1, 1 - end_px / high_px)))
    figure.text(left, 1 - 3 / high_px, above, va="top", fontsize=TITLE_PT, fontweight="bold",
                in_layout=False)  # fmt: skip
    figure.text(left, 1 - top_px / high_px, below, va="top", fontsize=SMALL_PT, color=GREY,
                in_layout=False)  # fmt: skip


def title(ax: Axes, text: str, words: str = "", words_color: str = GREY) -> None:
    """Over one panel: a title in bold, and below it small print, in lines that have room above it."""
    room_px = panel_px(ax)
    small = wrapped(words, room_px) if words else ""
    lines = 1 + small.count("\n") if small else 0
    # In points, as all offsets are.
    ax.set_title(
        wrapped(text, room_px, TITLE_PT, bold=True), pad=6 + lines * line_px(SMALL_PT) * 72 / DPI
    )
    if small:
        ax.annotate(small, (0, 1), xycoords="axes fraction", xytext=(0, 5),
                    textcoords="offset points", fontsize=SMALL_PT, color=words_color)  # fmt: skip


def panel_px(ax: Axes) -> float:
    """About how wide a panel is, before it is laid out: its share of the figure less its scale."""
    spec = ax.get_subplotspec()
    across = spec.get_gridspec().ncols if spec is not None else 1
    return width_px(ax.figure) / across - _BESIDE_AXES_PX  # type: ignore[arg-type]


def _lines(text: str, width_px: float, size_pt: float, bold: bool) -> list[str]:
    lines, line = [], ""
    for word in re.findall(r"\S+\s*", text) or [""]:
        if line and text_px((line + word).rstrip(), size_pt, bold) > width_px:
            lines.append(line.rstrip())
            line = ""
        line += word
        while text_px(line.rstrip(), size_pt, bold) > width_px and len(line) > 1:
            fits = _letters_in(line, width_px, size_pt, bold)
            lines.append(line[:fits])
            line = line[fits:]
    return [*lines, line.rstrip()]


def _letters_in(line: str, width_px: float, size_pt: float, bold: bool) -> int:
    """How many letters of a line have room: one at least."""
    counts = range(len(line) - 1, 1, -1)
    return next((n for n in counts if text_px(line[:n], size_pt, bold) <= width_px), 1)
