"""Peak memory of so many clips at once against the ceiling, and how many would fit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from clipkit import format
from clipkit.claims import Effect, Finding, Fit, Side, Verdict
from clipkit.claims.originals import PRESET
from clipkit.claims.verdict import Variant
from clipkit.format import MIB
from clipkit.plan.subjects import TUNABLE
from clipkit.records.best import USABLE_FRACTION, margin_words
from clipkit.records.status import RAN_OUT, Status
from clipkit.report.charts import style, writing
from clipkit.report.charts.status_looks import LOOKS

_NARROW_PX, _COLUMNS = 500, 3
_NUMBER_PX, _AXES_PX = 12, 200
"""About how high a number and a panel are."""


@dataclass(frozen=True, slots=True)
class Bar:
    """The highest peak of all runs of one subject with so many clips of one size at once; None where
    one did not finish, as `status` says, or where no peak is known. `extrapolated`: on the line
    through the measured ones. `served`: by a service, whose own memory is in it."""

    subject: str
    lines: int
    at_once: int
    peak_bytes: int | None
    status: Status
    extrapolated: bool
    served: bool = False

    @property
    def panel(self) -> str:
        return f"{self.lines}p, services" if self.served else f"{self.lines}p"

    @property
    def lacks(self) -> str:
        """Why there is no peak, in words for a narrow column."""
        if self.status in RAN_OUT:
            return "ran out"
        return "unknown" if self.status is Status.OK else LOOKS[self.status].text


def largest_room_bytes(verdict: Verdict) -> int | None:
    """What the largest ceiling that was judged leaves for the job: peaks under others are not
    comparable with it. None where nothing was judged."""
    rooms = [effect.condition.room_bytes for effect in _shown_effects(verdict)]
    return max((room for room in rooms if room is not None), default=None)


def at_once_bars(verdict: Verdict) -> list[Bar]:
    """Of the verdict on claim C2, under `largest_room_bytes`: by size, then by how many at once; one thread
    a clip. Of a service the most at once that ended well, and the fewest that did not."""
    room = largest_room_bytes(verdict)
    sides: dict[tuple[int, int, Variant], list[Side]] = {}
    for effect in _shown_effects(verdict):
        if effect.condition.room_bytes != room:
            continue
        for side, count in ((effect.before, 1), (effect.after, effect.at_once)):
            if side and side.variant.settings.encoder_threads == 1:
                alone = replace(
                    side.variant, settings=side.variant.settings.changed_to(concurrency=1)
                )
                sides.setdefault((effect.condition.lines, count, alone), []).append(side)
    measured = [_measured(key, own) for key, own in sides.items()]
    known = _telling(measured) + [_at_the_limit(fit) for fit in verdict.fits if _shown(fit, room)]
    return sorted(
        known,
        key=lambda bar: (
            bar.served,
            bar.lines,
            bar.subject != "fluent",
            bar.subject,
            bar.at_once,
        ),
    )


def _telling(bars: Sequence[Bar]) -> list[Bar]:
    """All of commands; of each service two at most, on both sides of the edge."""
    found = [bar for bar in bars if not bar.served]
    edges: dict[tuple[str, int, bool], Bar] = {}
    for bar in bars:
        if bar.served:
            well = bar.status is Status.OK
            key = (bar.subject, bar.lines, well)
            known = edges.get(key)
            if known is None or (bar.at_once > known.at_once) is well:
                edges[key] = bar
    return [*found, *edges.values()]


def _shown_effects(verdict: Verdict) -> list[Effect]:
    """Those of the original's preset, of whatever subject, to which the claim applies."""
    return [
        effect
        for effect in verdict.effects
        if effect.after.variant.settings.preset == PRESET
        and effect.finding is not Finding.DOES_NOT_APPLY
    ]


def draw_at_once(own: Sequence[Bar], ax: Axes, room_bytes: int | None) -> Axes:
    """The bars of one size of frame, side by side; extrapolated ones hatched."""
    writing.title(ax, own[0].panel)
    highest = max(bar.peak_bytes or 0 for bar in own) / MIB
    room = room_bytes / MIB if room_bytes else max(highest, 1.0)
    for place, bar in enumerate(own):
        color = style.color(style.RECOMMENDED if bar.subject in TUNABLE else bar.subject)
        if bar.peak_bytes is None:
            look = LOOKS.get(bar.status, LOOKS[Status.FAILED])
            ax.plot(
                place,
                room * 0.97,
                marker=look.marker,
                markerfacecolor=look.marker_fill,
                markeredgecolor=look.marker_line,
                markersize=9,
            )
            ax.text(place, room * 0.9, bar.lacks, ha="center", va="top", color=look.marker_line)
            continue
        height = bar.peak_bytes / MIB
        ax.bar(
            place,
            height,
            width=0.66,
            color="white" if bar.extrapolated else color,
            edgecolor=color,
            hatch="////" if bar.extrapolated else None,
        )
        # No number on one of the two lines: just above the bar or, where one runs there, in its top.
        high = max(room, highest) * 1.12 * _NUMBER_PX / _AXES_PX
        lines = (room, room * USABLE_FRACTION) if room_bytes is not None else ()
        crossed = any(height < line < height + high * 1.4 for line in lines)
        ax.text(
            place,
            height - high * 0.25 if crossed else height + high * 0.2,
            f"{height:.0f}",
            ha="center",
            va="top" if crossed else "bottom",
            bbox=style.HALO,
            zorder=4,
        )
    if room_bytes is not None:
        ax.axhline(room, color=style.FAILURE, linewidth=1.4)
        ax.axhline(room * USABLE_FRACTION, color=style.FAILURE, linewidth=0.8, linestyle="--")
    ax.set_ylim(0, max(room, highest) * 1.12)
    ax.set_xlim(-0.6, len(own) - 0.4)
    ax.set_xticks(range(len(own)), [f"{bar.subject}\n{bar.at_once}" for bar in own])
    ax.tick_params(axis="x", length=0, labelsize=7.5)
    ax.set_xlabel("clips at once")
    ax.set_ylabel("peak memory (MB)")
    ax.grid(axis="y")
    return ax


def draw_each_size(bars: Sequence[Bar], figure: Figure, room_bytes: int | None, found: str) -> None:
    """A panel for each size of frame, and of services for each, beside each other, or below on a phone."""
    panels = list(dict.fromkeys(bar.panel for bar in bars))
    if not panels:
        style.draw_nothing(figure.subplots(), "nothing was cut at once under that ceiling")
        return
    narrow = writing.width_px(figure) < _NARROW_PX
    columns = 1 if narrow else min(_COLUMNS, len(panels))
    axes = list(figure.subplots(panel_rows(bars, columns), columns, squeeze=False).flat)
    for ax, panel in zip(axes, panels, strict=False):
        draw_at_once([bar for bar in bars if bar.panel == panel], ax, room_bytes)
    for ax in axes[len(panels) :]:
        ax.set_axis_off()
    writing.heading(figure, found, "highest peak of all runs, whole job")
    style.legend_below(figure, at_once_legend(bars, room_bytes))


def panel_rows(bars: Sequence[Bar], columns: int = _COLUMNS) -> int:
    """In how many rows the panels stand, at least one."""
    return max(1, math.ceil(len({bar.panel for bar in bars}) / columns))


def at_once_finding(bars: Sequence[Bar], room_bytes: int | None) -> str:
    """How many at once were run and fitted, and where not even the fewest did, in words, by size of frame."""
    most: dict[int, Bar] = {}
    for bar in bars:
        if bar.peak_bytes is not None and not bar.extrapolated:
            known = most.get(bar.lines)
            if known is None or (bar.at_once, bar.peak_bytes) > (
                known.at_once,
                known.peak_bytes or 0,
            ):
                most[bar.lines] = bar
    never = {
        lines: min(own)
        for lines in {bar.lines for bar in bars}.difference(most)
        if (own := [bar.at_once for bar in bars if bar.lines == lines and bar.status in RAN_OUT])
    }
    if not most:
        return "How much memory so many clips at once need, was not measured"
    told = ", ".join(
        f"{bar.at_once} at once {format.size(bar.peak_bytes)} at {lines}p"
        for lines, bar in sorted(most.items())
    ) + "".join(f"; not {count} at {lines}p" for lines, count in sorted(never.items()))
    return (
        f"They fit into {format.memory(room_bytes)}: {told}" if room_bytes else f"They need: {told}"
    )


def at_once_legend(bars: Sequence[Bar], room_bytes: int | None) -> list[Artist]:
    """What the hatching, where there is any, and the two lines mean."""
    margin = margin_words()
    entries: list[Artist] = []
    if any(bar.extrapolated for bar in bars):
        words = f"not run: as many as would leave {margin} free, by the line through the others"
        entries.append(Patch(facecolor="white", edgecolor=style.GREY, hatch="////", label=words))
    if room_bytes is not None:
        words = f"ceiling {format.size(room_bytes)}; dashed: {margin} less"
        entries.append(Line2D([], [], color=style.FAILURE, linewidth=1.4, label=words))
    return entries


def _measured(key: tuple[int, int, Variant], own: Sequence[Side]) -> Bar:
    lines, count, variant = key
    failed = [side.status for side in own if side.status is not Status.OK]
    status = next((s for s in failed if s in RAN_OUT), failed[0] if failed else Status.OK)
    peaks = [side.peak_bytes for side in own if side.peak_bytes is not None]
    peak_bytes = None if failed else max(peaks, default=None)
    served = variant.service is not None
    return Bar(variant.subject, lines, count, peak_bytes, status, False, served)


def _shown(fit: Fit, room_bytes: int | None) -> bool:
    return fit.preset == PRESET and fit.extrapolated and fit.room_bytes == room_bytes


def _at_the_limit(fit: Fit) -> Bar:
    peak_bytes = fit.one_bytes + fit.each_more_bytes * (fit.clips - 1)
    return Bar(fit.subject, fit.lines, fit.clips, int(peak_bytes), Status.OK, True)
