"""What a clip costs on each plan that is always busy, and how soon the jobs of a load are ready there: the
original beside the tuned settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from clipkit.report.charts import style, writing
from clipkit.tuning.offers import Known, Offer
from clipkit.tuning.timings import TUNED
from clipkit.tuning.which_plan import WhichPlan

_NARROW_PX = 500
_ROW_PX, _AROUND_PX = 17, 150
_NODE = "node, "
_SEVERAL_WAITS = 4.0
"""A bar this many times as long as the longest wait is cut: how much too slow is no matter."""


@dataclass(frozen=True, slots=True)
class PlanBar:
    """One plan with one way. `ready_s`: within it nearly all jobs are ready, with the fastest and the
    slowest core of the range beside; None: never. `usd_busy`: for 1,000 clips where it cuts day and night;
    `usd`: at that load, None: it does not carry so many. `measured`: on its CPU; else its times are
    estimated."""

    plan: str
    usd_per_month: float
    how: str
    is_tuned: bool
    usd_busy: float
    usd: float | None
    ready_s: float | None
    fast_s: float | None
    slow_s: float | None
    carries: bool
    measured: bool


def plan_bars(found: WhichPlan) -> list[PlanBar]:
    """Of plans with a price, the cheapest first; of all ways those of one service or command."""
    hows = drawn_hows(found)
    priced = [
        offer for offer in found.offers if offer.timing.how in hows and offer.plan.usd_per_month
    ]
    ordered = sorted(
        priced, key=lambda o: (o.plan.usd_per_month or 0.0, o.plan.name, hows.index(o.timing.how))
    )
    return [_bar(offer) for offer in ordered]


def drawn_hows(found: WhichPlan) -> list[str]:
    """The original's way and the tuned one: of Node.js' service where it was measured, else of what was."""
    of_node = [how for how in found.hows if how.startswith(_NODE)]
    known = of_node or found.hows
    tuned = [how for how in known if _is_tuned(how)][:1]
    return [how for how in known if not _is_tuned(how)][:1] + tuned


def _is_tuned(how: str) -> bool:
    return TUNED in how.split(", ")


def _bar(offer: Offer) -> PlanBar:
    return PlanBar(
        plan=offer.plan.name,
        usd_per_month=offer.plan.usd_per_month or 0.0,
        how=offer.timing.how,
        is_tuned=_is_tuned(offer.timing.how),
        usd_busy=offer.usd_busy or 0.0,
        usd=offer.usd_at_load,
        ready_s=offer.same.nearly_all_s,
        fast_s=offer.fast.nearly_all_s,
        slow_s=offer.slow.nearly_all_s,
        carries=offer.carries,
        measured=offer.known is not Known.BY_CPU_SECONDS,
    )


def plans_px(bars: Sequence[PlanBar], width_px: float) -> int:
    """How high the figure is."""
    rows = len(bars) + len({bar.plan for bar in bars}) * 0.6
    panels = 2 if width_px < _NARROW_PX else 1
    return int(_AROUND_PX + (panels - 1) * 60 + panels * rows * _ROW_PX)


def draw_plans(bars: Sequence[PlanBar], found: WhichPlan, figure: Figure) -> None:
    """Prices on the left, waiting on the right; on a phone below each other."""
    if not bars:
        style.draw_nothing(figure.subplots(), "no plan whose price is known can be told of")
        return
    narrow = writing.width_px(figure) < _NARROW_PX
    shape = (2, 1) if narrow else (1, 2)
    price, ready = figure.subplots(*shape, sharey=True, squeeze=False).flat
    at = _places(bars)
    _draw_prices(bars, at, price)
    _draw_ready(bars, at, ready, found.load.longest_wait_s)
    ready.tick_params(axis="y", length=0, labelleft=narrow, labelsize=writing.SMALL_PT)
    load = found.load
    asked = (
        f"{load.clips_per_day:g} clips a day, {load.clips_per_job} a job, 95 % of jobs ready within "
        f"{load.longest_wait_s / 60:g} min; lines: with a core {load.cores[0]:g} to {load.cores[1]:g} times as "
        "fast as the one that measured; beside a plan's name: USD a month"
    )
    if not all(bar.measured for bar in bars):
        asked += f"; *: {Known.BY_CPU_SECONDS}, not measured"
    writing.heading(figure, style.chart_text(plans_finding(bars)), asked)
    style.legend_below(figure, _legend(bars))


def plans_finding(bars: Sequence[PlanBar]) -> str:
    """The cheapest that carries the load, for each way."""
    said: dict[str, list[str]] = {}
    for how in dict.fromkeys(bar.how for bar in bars):
        able = [bar for bar in bars if bar.how == how and bar.carries]
        best = min(able, key=lambda bar: bar.usd_per_month, default=None)
        words = f"{best.plan} at {best.usd_per_month:g} USD a month" if best else "none of these"
        said.setdefault(words, []).append(_short(how))
    told = "; ".join(f"{words} ({' and '.join(hows)})" for words, hows in said.items())
    return f"The cheapest plan that carries the load: {told}"


def _short(how: str) -> str:
    """Without whose it is: both ways are of the same service or command."""
    return how.removeprefix(_NODE)


def _places(bars: Sequence[PlanBar]) -> list[float]:
    """From above, a gap between plans."""
    at, places = 0.0, []
    for index, bar in enumerate(bars):
        if index and bars[index - 1].plan != bar.plan:
            at += 0.6
        places.append(at)
        at += 1
    return places


def _color(bar: PlanBar) -> str:
    return style.color(style.RECOMMENDED if bar.is_tuned else "fluent")


def _draw_prices(bars: Sequence[PlanBar], at: Sequence[float], ax: Axes) -> None:
    most = max(bar.usd_busy for bar in bars)
    for place, bar in zip(at, bars, strict=True):
        ax.barh(place, bar.usd_busy, height=0.8, color=_color(bar))
        ax.annotate(f" {bar.usd_busy:.3g}", (bar.usd_busy, place), va="center",
                    fontsize=writing.SMALL_PT)  # fmt: skip
    middles: dict[str, list[float]] = {}
    estimated = {bar.plan for bar in bars if not bar.measured}
    for place, bar in zip(at, bars, strict=True):
        mark = " *" if bar.plan in estimated else ""
        middles.setdefault(f"{bar.plan}, {bar.usd_per_month:g}{mark}", []).append(place)
    ax.set_yticks([sum(own) / len(own) for own in middles.values()], list(middles),
                  fontsize=writing.SMALL_PT)  # fmt: skip
    ax.set_ylim(at[-1] + 0.7, -0.7)
    ax.tick_params(axis="y", length=0, labelleft=True)
    ax.set_xlim(0, most * 1.25)
    ax.locator_params(axis="x", nbins=4)
    ax.set_xlabel("USD for 1,000 clips, always busy")


def _draw_ready(bars: Sequence[PlanBar], at: Sequence[float], ax: Axes, longest_s: float) -> None:
    limit = _SEVERAL_WAITS * longest_s / 60
    for place, bar in zip(at, bars, strict=True):
        if bar.ready_s is None:
            ax.annotate(" never", (0, place), va="center", fontsize=writing.SMALL_PT,
                        color=style.FAILURE)  # fmt: skip
            continue
        minutes = bar.ready_s / 60
        ax.barh(place, min(minutes, limit), height=0.8, color=_color(bar))
        ends = [limit if end is None else min(end / 60, limit) for end in (bar.fast_s, bar.slow_s)]
        ax.plot(ends, [place, place], color=style.INK, linewidth=1.2)
        ax.annotate(f" {minutes:.1f}", (max(min(minutes, limit), *ends), place), va="center",
                    fontsize=writing.SMALL_PT, bbox=style.HALO, zorder=4)  # fmt: skip
    ax.axvline(longest_s / 60, color=style.FAILURE, linewidth=1.4)
    ax.set_xlim(0, limit * 1.2)
    ax.locator_params(axis="x", nbins=5)
    ax.set_xlabel("95 % of jobs ready within (min)")


def _legend(bars: Sequence[PlanBar]) -> list[Patch]:
    colors = {bar.how: _color(bar) for bar in bars}
    handles = [
        Patch(color=color, label=style.chart_text(_short(how))) for how, color in colors.items()
    ]
    return [*handles, Patch(color=style.FAILURE, label="the longest wait that is asked for")]
