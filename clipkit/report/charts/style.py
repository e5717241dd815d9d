"""How every chart looks: colours told apart by everybody, sizes for a page of 1280 px."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.container import Container
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from clipkit import files
from clipkit.format import printable
from clipkit.masked import escaped, fit_to_show
from clipkit.records.columns import column
from clipkit.report.charts import writing

# Okabe and Ito's colours for every kind of colour vision (jfly.uni-koeln.de/color).
ORANGE, SKY, GREEN, BLUE = "#E69F00", "#56B4E9", "#009E73", "#0072B2"
VERMILLION, PURPLE, INK, PALE = "#D55E00", "#CC79A7", "#1f2430", "#d4d8de"

GREY = writing.GREY
RECOMMENDED = "recommended"
PHONE = "-phone"
"""Ends the name of the file of a chart that is drawn for a phone."""
_SUBJECTS = {RECOMMENDED: BLUE, "sketch": PURPLE, "fluent": ORANGE, "command": GREEN}
FAILURE = VERMILLION
HALO: dict[str, Any] = {"facecolor": "white", "edgecolor": "none", "pad": 0.4, "alpha": 0.8}
"""A ground for letters that lie on lines. An outline would make shapes of the letters, which are large."""
STAR = "\N{BLACK STAR}"
"""Marks the recommended settings on card, map, front and table."""
PHONE_PX = 360
"""How wide the second drawing of a chart is, which a page shows on a narrow screen."""
_NARROW_SCREEN = "(max-width: 640px)"
_LEGEND_PT = 8.0
_LONG_NUMBER = re.compile(r"(?<!scale\()-?\d+\.\d{3,}")
_HANDLE_PX = 46
"""What a legend's sign and the gaps around it take."""
_SERIES = tuple(zip((BLUE, ORANGE, GREEN, PURPLE, SKY, INK), "os^Dv*", strict=True))

_DEFAULTS: dict[Any, Any] = {
    name: value for name, value in mpl.rcParamsDefault.items() if not name.startswith("backend")
}
"""Or a `matplotlibrc` that lies in the current folder had a say, which may have text made by a TeX."""

_RC: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": [writing.FAMILY],
    "font.size": writing.TEXT_PT,
    "text.color": INK,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.labelsize": writing.TEXT_PT,
    "axes.titlesize": writing.TITLE_PT,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": "#e6e8ec",
    "grid.linewidth": 0.8,
    "hatch.linewidth": 0.8,
    "legend.frameon": False,
    "legend.fontsize": _LEGEND_PT,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "text.parse_math": False,  # what a dollar begins is no formula: names come from strangers
    "text.hinting": "no_hinting",  # or text is as wide as its picture is fine, and is cut off
    "svg.fonttype": "none",  # letters, not their outlines: a quarter of the size
    "svg.hashsalt": "clipkit",
}


def color(subject: str) -> str:
    """The colour that a subject has in every chart."""
    return _SUBJECTS.get(subject, SKY)


def series(index: int) -> tuple[str, str]:
    """Colour and marker of a line among several: never the colour alone."""
    return _SERIES[index % len(_SERIES)]


def legend_below(figure: Figure, handles: Sequence[Artist | Container]) -> None:
    """A legend below all axes, in as many columns as have room beside each other."""
    room_px = writing.width_px(figure) - 16
    for handle in handles:
        label = writing.wrapped(str(handle.get_label()), room_px - _HANDLE_PX, _LEGEND_PT)
        handle.set_label(label)
    widths = [
        _HANDLE_PX + max(writing.text_px(line, _LEGEND_PT) for line in label.split("\n"))
        for label in (str(handle.get_label()) for handle in handles)
    ]
    columns = next(
        (n for n in range(len(widths), 1, -1) if _columns_px(widths, n) <= room_px),
        1,
    )
    figure.legend(handles=list(handles), loc="outside lower left", ncols=columns,
                  handlelength=2.2, handleheight=1.2, columnspacing=1.4)  # fmt: skip


def _columns_px(widths: Sequence[float], columns: int) -> float:
    """How wide that many columns are, filled as matplotlib fills them: one after the other."""
    return float(sum(max(part) for part in np.array_split(np.array(widths), columns)))


def draw_nothing(ax: Axes, why: str) -> Axes:
    """An empty chart that says why it is empty."""
    ax.set_axis_off()
    ax.text(0.5, 0.5, why, ha="center", va="center", color=GREY, transform=ax.transAxes)
    return ax


@dataclass(frozen=True, slots=True)
class Picture:
    """A finished chart, ready for a notebook, a page and a file. `alt` tells it in words, `finding` what
    its title says; `phone_svg` is the same drawn for a narrow screen. The PNG is made when it is asked for:
    what is shown and not saved has no use for it."""

    name: str
    alt: str
    finding: str
    width_px: int
    svg: bytes = field(repr=False)
    phone_svg: bytes = field(repr=False)
    _draw_png: Callable[[], bytes] = field(repr=False, compare=False)

    @property
    def png(self) -> bytes:
        with mpl.rc_context(_DEFAULTS | _RC):
            return self._draw_png()

    def save(self, root: Path, folder: str) -> None:
        """Write `<name>.svg`, `<name>.png` and `<name>-phone.svg` into that folder below `root`. Raises
        OSError, also where a link leads out of it."""
        drawn = {".svg": self.svg, ".png": self.png, f"{PHONE}.svg": self.phone_svg}
        for ending, content in drawn.items():
            files.write_file(root, f"{folder}/{self.name}{ending}", content)

    def _repr_html_(self) -> str:
        """Both drawings; what shows it takes the one that fits the screen."""
        return (
            f'<picture><source media="{_NARROW_SCREEN}" srcset="{_data_uri(self.phone_svg)}" '
            f'width="{PHONE_PX}"><img src="{_data_uri(self.svg)}" alt="{escaped(self.alt)}" '
            f'data-finding="{escaped(self.finding)}" width="{self.width_px}" '
            'style="max-width:100%;height:auto"></picture>'
        )


def _data_uri(svg: bytes) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(svg).decode('ascii')}"


def picture(
    name: str,
    alt: str,
    size_px: tuple[int, int, int],
    draw: Callable[[Figure], object],
    shown: Sequence[str] = (),
) -> Picture:
    """Let `draw` fill a figure in our style, and render it; then one for a phone, which is narrower:
    `size_px` is width, height, and the height on a phone.

    `shown`: what of a campaign it shows where that is not all of it (`Campaign.shown`): a line below
    the chart, in the picture's own frame, says so.
    """
    note = f"Shown: {', '.join(shown)}" if shown else ""
    with mpl.rc_context(_DEFAULTS | _RC):
        width_px, height_px, on_phone_px = size_px
        figure, frame = _drawn((width_px, height_px), draw, note)
        svg, draw_png = _rendered(figure, "svg", frame), partial(_rendered, figure, "png", frame)
        phone, phone_frame = _drawn((PHONE_PX, on_phone_px), draw, note)
        phone_svg = _rendered(phone, "svg", phone_frame)
        told = f"{alt}. {note}" if note else alt
        finding = str(figure.get_label())
        return Picture(name, told, finding, width_px, svg, phone_svg, draw_png)


def _drawn(
    size_px: tuple[int, int], draw: Callable[[Figure], object], note: str
) -> tuple[Figure, Bbox | None]:
    """The figure, everything in its place, and the frame that holds it and its note."""
    inches = (size_px[0] / writing.DPI, size_px[1] / writing.DPI)
    figure = Figure(figsize=inches, dpi=writing.DPI, layout="constrained")
    FigureCanvasAgg(figure)
    draw(figure)
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # everything has its place now
    return figure, _write_note(note, figure)


def _write_note(note: str, figure: Figure) -> Bbox | None:
    """Below the figure, where nothing of it can be in its way; the frame that holds both, in inches."""
    if not note:
        return None
    for legend in figure.legends:  # or it would move with the frame, onto the note
        legend.set_bbox_to_anchor((0, 0, 1, 1), figure.transFigure)
    width, height = figure.get_size_inches()
    lines = writing.wrapped(chart_text(note), writing.width_px(figure) - 10, bold=True)
    strip = ((1 + lines.count("\n")) * writing.line_px(writing.SMALL_PT) + 6) / writing.DPI
    figure.text(
        0.005,
        -2 / (height * writing.DPI),
        lines,
        va="top",
        fontsize=writing.SMALL_PT,
        fontweight="bold",
        color=GREY,
        in_layout=False,
    )
    return Bbox([[0, -strip], [width, height]])


def _rendered(figure: Figure, kind: str, frame: Bbox | None) -> bytes:
    buffer = io.BytesIO()
    # No date in the file: the same records make the same picture.
    metadata = {"Date": None} if kind == "svg" else None
    dpi = writing.DPI * (2 if kind == "png" else 1)
    figure.savefig(buffer, format=kind, dpi=dpi, metadata=metadata, bbox_inches=frame)
    return _smaller(buffer.getvalue()) if kind == "svg" else buffer.getvalue()


def _smaller(svg: bytes) -> bytes:
    """The same picture: without words on who wrote it, with hundredths of a pixel, and with another
    font of the same width for who has not ours."""
    text = re.sub(r"<!--.*?-->|<metadata>.*?</metadata>", "", svg.decode("utf-8"), flags=re.DOTALL)
    text = re.sub(r"<[^>]*>", lambda tag: _LONG_NUMBER.sub(_rounded, tag[0]), text)
    text = text.replace(f"'{writing.FAMILY}'", f"'{writing.FAMILY}', Verdana")
    return printable(re.sub(r"\s*\n\s*", "\n", text)).encode("utf-8")


def _rounded(number: re.Match[str]) -> str:
    return f"{float(number[0]):.2f}".rstrip("0").rstrip(".")


def standing_words(best: str) -> str:
    """How a cell stands (`records.best`), with the mark of the recommended one."""
    return f"{STAR} {best}" if best == RECOMMENDED else best


def chart_title(name: str, level: str) -> str:
    """A column's level (in words) as a title: `memory ceiling 512 MB`, `ultrafast`."""
    tells = name in ("preset", "subject", "upload")
    return chart_text(level if tells else f"{column(name).title} {level}")


def chart_text(text: str) -> str:
    """Text that a chart shows letter by letter: nothing that cannot be printed, nothing that is not to be sent."""
    return fit_to_show(text)
