"""Memory over time of chosen runs, against the ceiling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from clipkit import format
from clipkit.errors import CampaignError
from clipkit.format import MIB
from clipkit.records.evidence import finished_rows
from clipkit.records.identity import plain
from clipkit.records.need import PARTS, need_bytes, needs_of
from clipkit.records.status import Status
from clipkit.records.table import read_samples
from clipkit.report.charts import style, writing
from clipkit.report.charts.subject_rows import rows_of_subject, subjects_of, why_unmeasured
from clipkit.tuning.recommendation import Recommendation

_DRAWN_POINTS = 400
_PANEL_PX = 190
"""How wide a trace is drawn at least."""


@dataclass(frozen=True, slots=True)
class Trace:
    """What one run needed over time, without page cache, which the kernel drops when it must.

    `title` and `words` head it. `anon_bytes` leaves out the reserve; `other_bytes` is shared and kernel
    memory; `peak_need_bytes` is the run's own (`records.need`). Where nothing was sampled, the three of
    them are empty.
    """

    title: str
    words: str
    subject: str
    run_id: str | None
    status: str | None
    t_s: tuple[float, ...]
    anon_bytes: tuple[float, ...]
    other_bytes: tuple[float, ...]
    peak_need_bytes: int | None
    reserve_bytes: int
    limit_bytes: int | None


def memory_traces(
    campaign: Path, table: pd.DataFrame, recommendation: Recommendation
) -> list[Trace]:
    """One trace a subject: its run that needed most, the recommended settings last."""
    traces = []
    for subject in subjects_of(recommendation):
        row = _representative(rows_of_subject(subject, table, recommendation))
        trace = replace(
            _trace(campaign, row),
            title=subject,
            words=why_unmeasured(subject, table, recommendation) or _run_words(row),
            subject=subject,
            reserve_bytes=recommendation.reserve_bytes,
            limit_bytes=recommendation.host.memory_bytes,
        )
        traces.append(trace)
    return traces


def run_trace(campaign: Path, row: pd.Series, title: str, words: str) -> Trace:
    """One run (a row of the table), on its own host."""
    trace = _trace(campaign, row)
    ended = Status(str(trace.status)).words
    if ended not in (title, Status.OK.words):
        words += f"\n{ended}"
    return replace(trace, title=title, words=words)


def draw_memory(trace: Trace, ax: Axes) -> Axes:
    """One run: the reserve at the bottom, what the job needs on top of it, the ceiling above."""
    writing.title(ax, trace.title, style.chart_text(trace.words), _color_of_words(trace))
    if not trace.t_s:
        style.draw_nothing(
            ax, "no attempt counts" if trace.status is None else "nothing was sampled"
        )
        return ax
    t_s = list(trace.t_s)
    reserve = trace.reserve_bytes / MIB
    need = [reserve + value / MIB for value in trace.anon_bytes]
    top = [low + value / MIB for low, value in zip(need, trace.other_bytes, strict=True)]
    color = style.color(trace.subject)
    if reserve:
        ax.fill_between(
            t_s, 0, reserve, facecolor=style.PALE, edgecolor="white", hatch="xxx", linewidth=0
        )
    ax.fill_between(t_s, reserve, need, color=color, alpha=0.75, linewidth=0)
    ax.fill_between(t_s, need, top, color=color, alpha=0.35, linewidth=0)
    _label_peak(trace, ax)
    if trace.limit_bytes is not None:
        ax.axhline(trace.limit_bytes / MIB, color=style.FAILURE, linewidth=1.4)
    ax.set_xlim(0, t_s[-1])
    ax.locator_params(axis="x", nbins=3)
    ax.set_ylim(0, _top_bytes(trace) * 1.12 / MIB)
    ax.set_xlabel("time (s)")
    ax.grid(axis="y")
    return ax


def memory_grid(count: int, width_px: float) -> tuple[int, int]:
    """How many of so many traces stand below and beside each other in a figure of that width."""
    across = max(1, min(count, int(width_px // _PANEL_PX)))
    return -(-count // across), across


def draw_memories_under(traces: Sequence[Trace], figure: Figure, finding: str) -> None:
    """The traces in a figure of their own, under what they show."""
    down, across = memory_grid(len(traces), writing.width_px(figure))
    axes = list(figure.subplots(down, across, squeeze=False).flat)
    draw_memories(traces, axes[: len(traces)], across)
    for ax in axes[len(traces) :]:
        ax.set_axis_off()
    words = "memory in use over time, one run of each, without page cache"
    writing.heading(figure, finding, words)


def memories_finding(traces: Sequence[Trace]) -> str:
    """The peaks, in words, and the ceiling where it is the same for all."""
    peaks = ", ".join(
        f"{trace.title} {format.size(trace.peak_need_bytes)}" for trace in traces if trace.t_s
    )
    limits = {trace.limit_bytes for trace in traces}
    limit = next(iter(limits)) if len(limits) == 1 else None
    under = f" under {format.size(limit)}" if limit is not None else ""
    return style.chart_text(f"Peaks{under}: {peaks}") if peaks else "Nothing was sampled"


def draw_memories(traces: Sequence[Trace], axes: Sequence[Axes], across: int | None = None) -> None:
    """The traces on one scale, `across` of them in a row; reserve and ceiling are labelled where they
    differ."""
    across = across or len(axes)
    highest = max((_top_bytes(trace) for trace in traces), default=0)
    drawn = [(trace, draw_memory(trace, ax)) for trace, ax in zip(traces, axes, strict=True)]
    sampled = [(trace, ax) for trace, ax in drawn if trace.t_s]
    for index, (trace, ax) in enumerate(sampled):
        # In several rows each is low, and the ceiling's words need the more of it.
        ax.set_ylim(0, highest * (1.12 if len(sampled) <= across else 1.4) / MIB)
        if index % across:
            ax.tick_params(axis="y", labelleft=False)
        else:
            ax.set_ylabel("memory in use (MB)")
        before = sampled[index - 1][0] if index else None
        if before is None or _room(before) != _room(trace):
            _label_bands(trace, ax)


def _trace(campaign: Path, row: pd.Series | None) -> Trace:
    sampled = _sampled(campaign, row)
    known = sampled.dropna(subset=["anon_bytes"])
    # Enough points for every pixel; each keeps the highest of its share, so that no peak is lost.
    share = max(1, -(-len(known) // _DRAWN_POINTS))
    thinned = known.groupby([i // share for i in range(len(known))]).max() if share > 1 else known
    other = thinned["shmem_bytes"].fillna(0) + thinned["kernel_bytes"].fillna(0)
    need = None if row is None else need_bytes(*(plain(row[part]) for part in PARTS))
    unlimited = row is None or pd.isna(row["memory_limit_bytes"])
    limit = None if row is None or unlimited else int(row["memory_limit_bytes"])
    return Trace(
        title="",
        words="",
        subject="" if row is None else str(row["subject"]),
        run_id=None if row is None else str(row["run_id"]),
        status=None if row is None else str(row["status"]),
        t_s=tuple(float(value) for value in thinned["t_s"]),
        anon_bytes=tuple(float(value) for value in thinned["anon_bytes"]),
        other_bytes=tuple(float(value) for value in other),
        peak_need_bytes=need,
        reserve_bytes=0 if row is None else int(row["reserve_bytes"]),
        limit_bytes=limit,
    )


def _representative(rows: pd.DataFrame) -> pd.Series | None:
    """The finished run that needed most memory; without one, the last that was tried."""
    finished = rows[finished_rows(rows)]
    if len(finished):
        needs = needs_of(finished).fillna(0)
        return finished.iloc[int(needs.to_numpy(dtype=float).argmax())]
    return rows.iloc[-1] if len(rows) else None


def _sampled(campaign: Path, row: pd.Series | None) -> pd.DataFrame:
    try:
        if row is not None:
            return read_samples(campaign, str(row["run_id"]))
    except CampaignError:
        pass  # a trial that was not run has no samples: the chart says so
    return pd.DataFrame(columns=["t_s", "anon_bytes", "shmem_bytes", "kernel_bytes"], dtype=float)


def _room(trace: Trace) -> tuple[int | None, int]:
    return trace.limit_bytes, trace.reserve_bytes


def _top_bytes(trace: Trace) -> float:
    """The highest thing to draw."""
    pairs = zip(trace.anon_bytes, trace.other_bytes, strict=True)
    used = max((anon + other for anon, other in pairs), default=0.0)
    return max(trace.limit_bytes or 0, trace.reserve_bytes + used, 1)


def _label_peak(trace: Trace, ax: Axes) -> None:
    index = max(range(len(trace.anon_bytes)), key=trace.anon_bytes.__getitem__)
    peak = trace.peak_need_bytes or trace.anon_bytes[index]
    y = (trace.reserve_bytes + trace.anon_bytes[index] + trace.other_bytes[index]) / MIB
    ceiling = (trace.limit_bytes or 0) / MIB
    under_ceiling = 0.85 * ceiling < y < 1.05 * ceiling  # its line would run through the label
    ax.annotate(
        f"peak {format.size(peak)}",
        (trace.t_s[-1] / 2, y),
        xytext=(0, -16 if under_ceiling else 4),
        textcoords="offset points",
        ha="center",
        va="top" if under_ceiling else "bottom",
        fontweight="bold",
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.5}
        if under_ceiling
        else None,
    )


def _label_bands(trace: Trace, ax: Axes) -> None:
    inset = trace.t_s[-1] * 0.03
    if trace.limit_bytes is not None:
        ax.annotate(
            f"ceiling {format.size(trace.limit_bytes)}",
            (inset, trace.limit_bytes / MIB),
            xytext=(0, 3),
            textcoords="offset points",
            va="bottom",
            color=style.FAILURE,
            fontweight="bold",
        )
    if trace.reserve_bytes:
        ax.text(
            inset,
            trace.reserve_bytes / MIB / 2,
            f"reserve {format.size(trace.reserve_bytes)}",
            va="center",
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.5},
        )


def _run_words(row: pd.Series | None) -> str:
    if row is None:
        return "not run"
    clips = "1 clip" if row["clips"] == 1 else f"{row['clips']} clips"
    return clips if row["status"] == str(Status.OK) else Status(row["status"]).words


def _color_of_words(trace: Trace) -> str:
    return style.GREY if trace.status in (None, str(Status.OK)) else style.FAILURE
