"""Where the CPU goes: ffmpeg or its orchestrator, and how long the quota held the job back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from clipkit import format
from clipkit.records.evidence import finished_rows
from clipkit.report.charts import style, writing
from clipkit.report.charts.subject_rows import rows_of_subject, subjects_of
from clipkit.tuning.recommendation import Recommendation

_NEARLY_NONE = 0.05
_NARROW_PX = 500


@dataclass(frozen=True, slots=True)
class CpuShare:
    """Medians over a subject's finished runs, each per clip. None: not known here."""

    subject: str
    runs: int
    ffmpeg_s: float | None
    orchestrator_s: float | None
    throttled_s: float | None
    wall_s: float | None

    @property
    def orchestrator_fraction(self) -> float | None:
        """Of all CPU: it bounds what any other orchestrator could save."""
        if self.ffmpeg_s is None or self.orchestrator_s is None:
            return None
        whole_s = self.ffmpeg_s + self.orchestrator_s
        return self.orchestrator_s / whole_s if whole_s else None


def cpu_points(table: pd.DataFrame, recommendation: Recommendation) -> list[CpuShare]:
    """Every subject in the report's order."""
    return [
        _share(subject, rows_of_subject(subject, table, recommendation))
        for subject in subjects_of(recommendation)
    ]


def cpu_finding(shares: Sequence[CpuShare]) -> str:
    """Whose CPU it is, in words."""
    known = [s.orchestrator_fraction for s in shares if s.orchestrator_fraction is not None]
    if not known:
        return "Whose CPU it is, is not known here"
    return f"ffmpeg uses nearly all of the CPU: the orchestrator at most {format.percent(max(known))}" if (
        max(known) < _NEARLY_NONE) else f"The orchestrator uses up to {format.percent(max(known))} of the CPU"  # fmt: skip


def draw_cpu_and_throttling(shares: Sequence[CpuShare], figure: Figure) -> None:
    """Whose CPU it is, and what the quota holds back; beside each other, or below on a phone."""
    narrow = writing.width_px(figure) < _NARROW_PX
    first, second = figure.subplots(2, 1) if narrow else figure.subplots(1, 2)
    draw_cpu(shares, first)
    draw_throttling(shares, second)
    if not narrow:
        second.tick_params(axis="y", labelleft=False)
    writing.heading(figure, cpu_finding(shares), "medians of a subject's runs, each for one clip")
    handles = [h for ax in (first, second) for h in ax.get_legend_handles_labels()[0]]
    if handles:
        style.legend_below(figure, handles)


def draw_cpu(shares: Sequence[CpuShare], ax: Axes) -> Axes:
    """Stacked bars: CPU seconds a clip."""
    known = [share for share in shares if share.ffmpeg_s is not None]
    if not known:
        return style.draw_nothing(ax, "no CPU time is known")
    longest_s = max((share.ffmpeg_s or 0) + (share.orchestrator_s or 0) for share in known)
    for row, share in enumerate(shares):
        ffmpeg_s, orchestrator_s = share.ffmpeg_s or 0, share.orchestrator_s or 0
        ax.barh(row, ffmpeg_s, height=0.5, color=style.SKY, label="ffmpeg" if not row else None)
        ax.barh(
            row,
            orchestrator_s,
            left=ffmpeg_s,
            height=0.5,
            color=style.VERMILLION,
            label="orchestrator" if not row else None,
        )
        ax.text(ffmpeg_s + orchestrator_s + longest_s * 0.02, row, _words(share), va="center")
    _finish(shares, ax, longest_s * 1.75)
    ax.set_xlabel("CPU time a clip (s)")
    return ax


def draw_throttling(shares: Sequence[CpuShare], ax: Axes) -> Axes:
    """Bars: how long the quota held each clip back, beside its wall time."""
    known = [s.throttled_s for s in shares if s.throttled_s is not None]
    if not known:
        why = "how long it was held back is not known"
        return style.draw_nothing(ax, why if any(s.runs for s in shares) else "no attempt counts")
    longest_s = max(1e-9, *(share.wall_s or 0 for share in shares))
    for row, share in enumerate(shares):
        wall_s = share.wall_s or 0
        ax.barh(row, wall_s, height=0.5, facecolor="#eef0f3", edgecolor=style.GREY, linewidth=0.8,
                label="wall time" if not row else None)  # fmt: skip
        ax.barh(row, share.throttled_s or 0, height=0.28, color=style.ORANGE,
                label="held back" if not row else None)  # fmt: skip
        ax.text(wall_s + longest_s * 0.02, row, _throttled_words(share), va="center")
    _finish(shares, ax, longest_s * 1.6)
    ax.set_xlabel("time a clip (s)")
    return ax


def _share(subject: str, rows: pd.DataFrame) -> CpuShare:
    finished = rows[finished_rows(rows)]
    return CpuShare(
        subject,
        len(finished),
        *(
            _median_per_clip(finished, column)
            for column in ("ffmpeg_cpu_s", "orchestrator_cpu_s", "throttled_s", "wall_s")
        ),
    )


def _median_per_clip(rows: pd.DataFrame, column: str) -> float | None:
    values = (rows[column] / rows["clips"]).dropna()
    return float(values.median()) if len(values) else None


def _words(share: CpuShare) -> str:
    if share.ffmpeg_s is None:
        return "not known"
    fraction = share.orchestrator_fraction
    return "" if fraction is None else f"orchestrator {format.percent(fraction)}"


def _throttled_words(share: CpuShare) -> str:
    if share.throttled_s is None:
        return "not known"
    fraction = f" ({share.throttled_s / share.wall_s * 100:.0f} %)" if share.wall_s else ""
    return format.seconds(share.throttled_s) + fraction


def _finish(shares: Sequence[CpuShare], ax: Axes, right_s: float) -> None:
    labels = [f"{share.subject}\nn = {share.runs}" for share in shares]
    ax.set_yticks(range(len(shares)), labels)
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(len(shares) - 0.5, -0.5)
    ax.set_xlim(0, right_s)
    ax.spines["left"].set_visible(False)
    ax.grid(axis="x")
