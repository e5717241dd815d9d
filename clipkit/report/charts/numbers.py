"""Numbers beside dots, each where it covers neither a dot nor another number."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.text import Text
from matplotlib.transforms import Bbox, BboxBase

from clipkit.report.charts import style, writing

_GAPS_PX = (2, 5, 9, 15, 23, 33, 45)
"""Between a dot's edge and its number, the nearest first; from afar a line leads to it."""
_LED_FROM_PX = 12
_DIRECTIONS = (45, 0, 90, 315, 135, 20, 70, 180, 270, 225)
_HIGH_PX = 12


@dataclass(frozen=True, slots=True)
class Dot:
    """A dot at its place in the data, how far it reaches in pixels, and what stands beside it, if
    anything; what is `first` chooses its place first, and is bold."""

    x: float
    y: float
    reach_px: float
    text: str = ""
    first: bool = False


def write_numbers(dots: Sequence[Dot], ax: Axes) -> None:
    """Write what stands beside the dots. The axes must have their place in the figure already; what
    finds no room is left out."""
    taken = [_around(*_px(dot, ax), dot.reach_px, dot.reach_px) for dot in dots]
    taken += [Text.get_window_extent(text) for text in ax.texts]
    for dot in sorted((dot for dot in dots if dot.text), key=lambda dot: not dot.first):
        half_px = writing.text_px(dot.text, writing.SMALL_PT, dot.first) / 2 + 1
        place = next(_free(dot, half_px, taken, ax), None)
        if place is None:
            continue
        right_px, up_px = place
        x_px, y_px = _px(dot, ax)
        taken.append(_around(x_px + right_px, y_px + up_px, half_px, _HIGH_PX / 2))
        _write(dot, right_px, up_px, ax)


def _free(
    dot: Dot, half_px: float, taken: Sequence[Bbox], ax: Axes
) -> Iterator[tuple[float, float]]:
    """Where there is room beside the dot, in pixels from it."""
    x_px, y_px = _px(dot, ax)
    for gap_px in _GAPS_PX:
        for degrees in _DIRECTIONS:
            away_px = dot.reach_px + gap_px
            right_px = math.cos(math.radians(degrees)) * (away_px + half_px)
            up_px = math.sin(math.radians(degrees)) * (away_px + _HIGH_PX / 3)
            box = _around(x_px + right_px, y_px + up_px, half_px, _HIGH_PX / 2)
            if _holds(ax.bbox, box) and not any(box.overlaps(other) for other in taken):
                yield right_px, up_px


def _holds(whole: BboxBase, box: Bbox) -> bool:
    across = whole.x0 <= box.x0 and box.x1 <= whole.x1
    return bool(across and whole.y0 <= box.y0 and box.y1 <= whole.y1)


def _write(dot: Dot, right_px: float, up_px: float, ax: Axes) -> None:
    led = math.hypot(right_px, up_px) > _LED_FROM_PX + dot.reach_px + writing.text_px(dot.text) / 2
    points = 72 / writing.DPI
    written = ax.annotate(
        dot.text,
        (dot.x, dot.y),
        xytext=(right_px * points, up_px * points),
        textcoords="offset points",
        ha="center",
        va="center",
        fontsize=writing.SMALL_PT,
        fontweight="bold" if dot.first else "normal",
        arrowprops={"arrowstyle": "-", "color": writing.GREY, "linewidth": 0.5, "shrinkA": 0}
        if led
        else None,
        bbox=style.HALO,
        zorder=5,
    )
    written.set_in_layout(False)


def _px(dot: Dot, ax: Axes) -> tuple[float, float]:
    x_px, y_px = ax.transData.transform((dot.x, dot.y))
    return float(x_px), float(y_px)


def _around(x_px: float, y_px: float, half_px: float, half_high_px: float) -> Bbox:
    return Bbox([[x_px - half_px, y_px - half_high_px], [x_px + half_px, y_px + half_high_px]])
