"""How long the whole job takes: a bar for each baseline and for the recommended settings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from clipkit import format
from clipkit.records.status import Status
from clipkit.report.charts import style, writing
from clipkit.report.charts.paired_runs import pair_points
from clipkit.report.charts.status_looks import LOOKS
from clipkit.report.charts.subject_rows import is_confirmed, unmeasured_subjects
from clipkit.tuning.recommendation import Baseline, Recommendation

_CUT_ABOVE = 5.0
"""A bar this many times as long as the next is cut, or the others could not be told apart."""


_LINE_PT = 11.5
_NARROW_PX = 500


@dataclass(frozen=True, slots=True)
class Bar:
    """The time of the whole job. `wall_s` is None where it was not measured: `ended` says why. `runs` confirmed it,
    each a pair where a baseline was beside it; 0: none did, None: nobody tells how many."""

    subject: str
    wall_s: float | None
    ci95_s: tuple[float, float] | None
    speedup: float | None
    speedup_ci95: tuple[float, float] | None
    pairs: int | None
    clips_run: int
    clips_asked: int
    estimated: bool
    ended: str
    runs: int | None = 0

    @property
    def time_words(self) -> str:
        """`912 s  [876 – 958]`, and how it ended where there is no time."""
        if self.wall_s is None:
            return self.ended
        return format.seconds(self.wall_s) + _interval(self.ci95_s)

    @property
    def speedup_words(self) -> str:
        if self.speedup is None:
            return ""
        pairs = f", {self.pairs} pairs" if self.pairs else ""
        return f"{format.ratio(self.speedup)} as long{_interval(self.speedup_ci95)}{pairs}"

    @property
    def run_words(self) -> str:
        """What the time rests on."""
        if self.wall_s is None and not self.clips_run:
            return "no attempt counts"
        if self.subject == style.RECOMMENDED:
            if self.runs == 0:
                return "predicted, not confirmed"
            part = f", {self.clips_run} of {self.clips_asked} clips" if self.estimated else ""
            if self.pairs:
                return f"confirmed in {self.pairs} pairs{part}"
            counted = f" in {format.counted(self.runs, 'run')}" if self.runs else ""
            return f"confirmed{counted}{part}"
        run = f"{self.clips_run} of {self.clips_asked} clips run"
        return f"{run}, all {self.clips_asked} estimated" if self.estimated else run


def job_time_points(table: pd.DataFrame, recommendation: Recommendation) -> list[Bar]:
    """The baselines in their order, the recommended settings last.

    Times are the verdict's; what no attempt that counts stands behind has none.
    """
    unmeasured = unmeasured_subjects(table, recommendation)
    confirmed = is_confirmed(table, recommendation)
    pairs = Counter(pair.baseline for pair in pair_points(table, recommendation))
    bars = [
        _of_baseline(baseline, pairs[baseline.name], confirmed)
        for baseline in recommendation.baselines
    ]
    bars.append(_of_recommended(recommendation, max(pairs.values(), default=0), confirmed))
    return [
        _without_time(bar, unmeasured[bar.subject]) if bar.subject in unmeasured else bar
        for bar in bars
    ]


def draw_job_times(bars: Sequence[Bar], ax: Axes) -> Axes:
    """Horizontal bars from zero with their 95 % intervals, each labelled with its numbers: beside it, or
    below on a phone."""
    figure: Figure = ax.figure  # type: ignore[assignment]
    below = writing.width_px(figure) < _NARROW_PX
    high = 0.3 if below else 0.5
    limit_s = _limit_s(bars)
    for row, bar in enumerate(bars):
        drawn_s = _draw_bar(bar, row, limit_s, ax, high)
        if below:
            _write_below(bar, row + high / 2, ax)
        else:
            _write_beside(bar, row, drawn_s + limit_s * 0.02, ax)
    names = [
        f"{style.STAR} {bar.subject}" if bar.subject == style.RECOMMENDED else bar.subject
        for bar in bars
    ]
    ax.set_yticks(range(len(bars)), names, fontweight="bold")
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(len(bars) - (0.2 if below else 0.45), -0.55)
    ax.set_xlim(0, limit_s * (1.08 if below else 1.95))
    ax.locator_params(axis="x", nbins=5 if below else 9)
    ticks_s = [tick for tick in ax.get_xticks() if tick <= limit_s * 1.001]
    ax.set_xticks(ticks_s)
    ax.spines["bottom"].set_bounds(0, limit_s)
    ax.spines["left"].set_visible(False)
    ax.set_xlabel("wall time of the whole job (s)", loc="left")
    writing.heading(figure, _title(bars), _how_to_read(bars, limit_s))
    return ax


def _of_baseline(baseline: Baseline, pairs: int, compared: bool) -> Bar:
    """`compared`: there is a confirmed time of the recommended settings to compare it with."""
    return Bar(
        subject=baseline.name,
        wall_s=baseline.wall_s,
        ci95_s=baseline.wall_ci95_s,
        speedup=baseline.speedup if compared else None,
        speedup_ci95=baseline.speedup_ci95 if compared else None,
        pairs=pairs,
        clips_run=baseline.clips_run,
        clips_asked=baseline.clips_asked,
        estimated=baseline.estimated,
        ended=Status(baseline.status).words,
    )


def _of_recommended(recommendation: Recommendation, pairs: int, confirmed: bool) -> Bar:
    known = recommendation.baselines
    clips_asked = known[0].clips_asked if known else 0
    confirmed_s = recommendation.confirmed_wall_s if confirmed else None
    # What an older clipkit did not tell was all of them.
    clips_run = recommendation.measured_job.get("clips_covered", clips_asked)
    return Bar(
        subject=style.RECOMMENDED,
        wall_s=recommendation.predicted_wall_s if confirmed_s is None else confirmed_s,
        ci95_s=recommendation.confirmed_ci95_s if confirmed else None,
        speedup=None,
        speedup_ci95=None,
        pairs=0 if confirmed_s is None else pairs,
        runs=0 if confirmed_s is None else pairs or recommendation.measured_job.get("pairs"),
        clips_run=clips_run,
        clips_asked=clips_asked,
        estimated=confirmed_s is not None and clips_run < clips_asked,
        ended=Status.OK.words,
    )


def _without_time(bar: Bar, why: str) -> Bar:
    return replace(
        bar,
        wall_s=None,
        ci95_s=None,
        speedup=None,
        speedup_ci95=None,
        pairs=0,
        runs=0,
        clips_run=0,
        estimated=False,
        ended=why,
    )


def _limit_s(bars: Sequence[Bar]) -> float:
    """Where the axis ends: at the longest bar, or short of it where that one is to be cut."""
    times_s = sorted(bar.wall_s for bar in bars if bar.wall_s is not None) or [1.0]
    if len(times_s) > 1 and times_s[-1] > _CUT_ABOVE * times_s[-2]:
        return times_s[-2] * 2
    return times_s[-1]


def _draw_bar(bar: Bar, row: int, limit_s: float, ax: Axes, high: float) -> float:
    """Draw one bar, `high` of the row, or a cross where there is no time; how far it reaches."""
    if bar.wall_s is None:
        look = next((look for status, look in LOOKS.items() if status.words == bar.ended), None)
        marker, fill = (look.marker, look.marker_fill) if look else ("X", style.FAILURE)
        line = look.marker_line if look else style.FAILURE
        ax.plot(limit_s * 0.025, row, marker=marker, markersize=9, markerfacecolor=fill,
                markeredgecolor=line, clip_on=False)  # fmt: skip
        return limit_s * 0.045
    cut = bar.wall_s > limit_s
    ax.barh(
        row,
        min(bar.wall_s, limit_s),
        height=high,
        color=style.color(bar.subject),
        alpha=0.55 if bar.estimated else 1,
        hatch="///" if bar.estimated else None,
        edgecolor="white",
        linewidth=0,
    )
    if cut:
        _mark_cut(row, limit_s, ax, high)
        return limit_s
    if bar.ci95_s is None:
        return bar.wall_s
    low_s, high_s = bar.ci95_s
    error_s = [[max(0.0, bar.wall_s - low_s)], [max(0.0, high_s - bar.wall_s)]]
    ax.errorbar(bar.wall_s, row, xerr=error_s, color=style.INK, capsize=4, linewidth=1.2)
    return max(bar.wall_s, high_s)


def _mark_cut(row: int, limit_s: float, ax: Axes, high: float) -> None:
    for at in (0.80, 0.835):
        x_s = [limit_s * (at - 0.02), limit_s * (at + 0.02)]
        ax.plot(x_s, [row + high * 0.7, row - high * 0.7], color="white", linewidth=3.5)


def _write_beside(bar: Bar, row: int, x_s: float, ax: Axes) -> None:
    """The time in bold, below it what it means; failures in the colour of failures."""
    lines = _labels(bar)
    for index, line in enumerate(lines):
        up = _LINE_PT * ((len(lines) - 1) / 2 - index)
        ax.annotate(line, (x_s, row), xytext=(0, up), textcoords="offset points", va="center",
                    **_look(bar, index))  # fmt: skip


def _write_below(bar: Bar, bottom: float, ax: Axes) -> None:
    """The same under the bar, from its start."""
    for index, line in enumerate(_labels(bar)):
        down = -_LINE_PT * (index + 0.7)
        ax.annotate(line, (0, bottom), xytext=(2, down), textcoords="offset points",
                    va="center", **_look(bar, index))  # fmt: skip


def _labels(bar: Bar) -> list[str]:
    return [line for line in (bar.time_words, bar.speedup_words, bar.run_words) if line]


def _look(bar: Bar, index: int) -> dict[str, Any]:
    if index:
        return {"fontsize": writing.SMALL_PT, "color": style.GREY}
    color = style.FAILURE if bar.wall_s is None else style.INK
    return {"fontsize": writing.TEXT_PT, "fontweight": "bold", "color": color}


def _interval(bounds: tuple[float, float] | None) -> str:
    return "" if bounds is None else f"  [{format.number(bounds[0])} – {format.number(bounds[1])}]"


def _how_to_read(bars: Sequence[Bar], limit_s: float) -> str:
    words = ["[ ]: 95 % interval"]
    if any(bar.estimated for bar in bars):
        words.append("hatched: estimated")
    if any(bar.wall_s is not None and bar.wall_s > limit_s for bar in bars):
        words.append("bar with a gap: longer than drawn")
    return "  ·  ".join(words)


def _title(bars: Sequence[Bar]) -> str:
    """How long the recommended settings take beside the others, in words."""
    if not bars or bars[-1].wall_s is None:
        return "No attempt of the recommended settings counts"
    others = [f"{bar.subject} {format.seconds(bar.wall_s)}" for bar in bars[:-1] if bar.wall_s]
    beside = f", {', '.join(others)}" if others else ""
    clips = f"{bars[0].clips_asked} clips: " if bars[0].clips_asked else ""
    return f"{clips}{bars[-1].subject} {format.seconds(bars[-1].wall_s)}{beside}"
