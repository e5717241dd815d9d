"""How every chart looks: colours told apart by everybody, sizes for a page of 1280 px."""

from __future__ import annotations

import base64
import html
import io
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from clipkit.records.columns import column

DPI = 100
"""One CSS pixel is one dot: a figure of 6 inches is 600 px wide on the page."""

# Okabe and Ito's colours for every kind of colour vision (jfly.uni-koeln.de/color).
ORANGE, SKY, GREEN, BLUE = "#E69F00", "#56B4E9", "#009E73", "#0072B2"
VERMILLION, PURPLE, INK, GREY, PALE = "#D55E00", "#CC79A7", "#1f2430", "#6b7280", "#d4d8de"

RECOMMENDED = "recommended"
_SUBJECTS = {RECOMMENDED: BLUE, "sketch": PURPLE, "fluent": ORANGE, "command": GREEN}
FAILURE = VERMILLION
_NOTE_LINE_PX, _NOTE_LETTER_PX = 13, 5.4
"""Height of a line of a picture's note, and about how wide one of its letters is."""
_LEGEND_PX = 250
"""About how wide a long entry of a legend is."""
_SERIES = tuple(zip((BLUE, ORANGE, GREEN, PURPLE, SKY, INK), "os^Dv*", strict=True))

_RC: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 8.5,
    "text.color": INK,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.labelsize": 8.5,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": "#e6e8ec",
    "grid.linewidth": 0.8,
    "hatch.linewidth": 0.8,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "text.hinting": "no_hinting",  # or text is as wide as its picture is fine, and is cut off
    "svg.fonttype": "path",
    "svg.hashsalt": "clipkit",
}


def color(subject: str) -> str:
    """The colour that a subject has in every chart."""
    return _SUBJECTS.get(subject, SKY)


def series(index: int) -> tuple[str, str]:
    """Colour and marker of a line among several: never the colour alone."""
    return _SERIES[index % len(_SERIES)]


def title(ax: Axes, text: str, words: str, words_color: str = GREY) -> None:
    """A title in bold, and below it a line or several of small print."""
    ax.set_title(text, pad=18 + 10 * words.count("\n"))
    ax.annotate(
        words,
        (0, 1),
        xycoords="axes fraction",
        xytext=(0, 6),
        textcoords="offset points",
        fontsize=7.5,
        color=words_color,
    )


def heading(figure: Figure, text: str, words: str) -> None:
    """Over all axes of a figure: a title in bold, and below it a line of small print."""
    above = figure.suptitle(f"{text}\n", x=0.005, ha="left", fontsize=9.5, fontweight="bold")
    figure.axes[0].annotate(
        words, (0, 0), xycoords=above, va="bottom", fontsize=7.5, color=GREY, in_layout=False
    )


def legend_columns(figure: Figure) -> int:
    """How many entries of a legend have room beside each other."""
    return max(1, int(figure.get_size_inches()[0] * DPI // _LEGEND_PX))


def draw_nothing(ax: Axes, why: str) -> Axes:
    """An empty chart that says why it is empty."""
    ax.set_axis_off()
    ax.text(0.5, 0.5, why, ha="center", va="center", color=GREY, transform=ax.transAxes)
    return ax


@dataclass(frozen=True, slots=True)
class Picture:
    """A finished chart, ready for a notebook, a page and a file. `alt` tells it in words."""

    name: str
    alt: str
    width_px: int
    svg: bytes = field(repr=False)
    png: bytes = field(repr=False)

    def save(self, folder: Path) -> None:
        """Write `<name>.svg` and `<name>.png`."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{self.name}.svg").write_bytes(self.svg)
        (folder / f"{self.name}.png").write_bytes(self.png)

    def _repr_html_(self) -> str:
        return image(self.svg, self.alt, self.width_px)


def image(svg: bytes, alt: str, width_px: int) -> str:
    """An `<img>` that carries its picture."""
    data = base64.b64encode(svg).decode("ascii")
    return (
        f'<img src="data:image/svg+xml;base64,{data}" alt="{html.escape(alt)}" '
        f'width="{width_px}" style="max-width:100%;height:auto">'
    )


def picture(
    name: str,
    alt: str,
    size_px: tuple[int, int],
    draw: Callable[[Figure], object],
    shown: Sequence[str] = (),
) -> Picture:
    """Let `draw` fill a figure of that size, in our style, and render it.

    `shown`: what of a campaign it shows where that is not all of it (`Campaign.shown`): a line below
    the chart, in the picture's own frame, says so.
    """
    note = f"Shown: {', '.join(shown)}" if shown else ""
    with mpl.rc_context(_RC):
        figure = Figure(figsize=(size_px[0] / DPI, size_px[1] / DPI), dpi=DPI, layout="constrained")
        FigureCanvasAgg(figure)
        draw(figure)
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # everything has its place now
        frame = _write_note(note, figure)
        svg, png = (_rendered(figure, kind, frame) for kind in ("svg", "png"))
        return Picture(name, f"{alt}. {note}" if note else alt, size_px[0], svg, png)


def _write_note(note: str, figure: Figure) -> Bbox | None:
    """Below the figure, where nothing of it can be in its way; the frame that holds both, in inches."""
    if not note:
        return None
    for legend in figure.legends:  # or it would move with the frame, onto the note
        legend.set_bbox_to_anchor((0, 0, 1, 1), figure.transFigure)
    width, height = figure.get_size_inches()
    lines = textwrap.wrap(note, int(width * DPI / _NOTE_LETTER_PX))
    strip = (len(lines) * _NOTE_LINE_PX + 5) / DPI
    figure.text(
        0.005,
        -2 / (height * DPI),
        chart_text("\n".join(lines)),
        va="top",
        fontsize=7.5,
        fontweight="bold",
        color=GREY,
        in_layout=False,
    )
    return Bbox([[0, -strip], [width, height]])


def _rendered(figure: Figure, kind: str, frame: Bbox | None) -> bytes:
    buffer = io.BytesIO()
    # No date in the file: the same records make the same picture.
    metadata = {"Date": None} if kind == "svg" else None
    dpi = DPI * (2 if kind == "png" else 1)
    figure.savefig(buffer, format=kind, dpi=dpi, metadata=metadata, bbox_inches=frame)
    return buffer.getvalue()


def chart_title(name: str, level: str) -> str:
    """A column's level (in words) as a title: `memory ceiling 512 MB`, `ultrafast`."""
    tells = name in ("preset", "subject", "upload")
    return chart_text(level if tells else f"{column(name).title} {level}")


def chart_text(text: str) -> str:
    """Text that a chart shows letter by letter: no formulas, nothing that cannot be printed."""
    shown = (
        letter if letter.isprintable() or letter == "\n" else "\N{REPLACEMENT CHARACTER}"
        for letter in text
    )
    return "".join(shown).replace("$", r"\$")
