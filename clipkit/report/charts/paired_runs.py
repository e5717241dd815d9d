"""Every repeat: each confirming run of the recommended settings beside the baseline's of its block."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from clipkit import format
from clipkit.records.evidence import finished_rows
from clipkit.report.charts import style, writing
from clipkit.report.charts.subject_rows import rows_of_subject
from clipkit.tuning.recommendation import Recommendation

_PANEL_PX = 300
"""How wide a baseline's panel is at least."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two runs of one block: the same clips, one after the other. Seconds are per clip."""

    baseline: str
    block: int
    clips: int
    baseline_s: float
    recommended_s: float

    @property
    def ratio(self) -> float:
        return self.baseline_s / self.recommended_s


def pair_points(table: pd.DataFrame, recommendation: Recommendation) -> list[Pair]:
    """Every pair of finished confirming runs, by baseline and block."""
    ours = _by_block(rows_of_subject(style.RECOMMENDED, table, recommendation))
    pairs = []
    for baseline in recommendation.baselines:
        theirs = _by_block(rows_of_subject(baseline.name, table, recommendation))
        for block in sorted(ours.keys() & theirs.keys()):
            matched = [key for key in ours[block] if key in theirs[block]]
            if not matched:
                continue
            clips = sum(clips for _, clips in matched)
            their_s = sum(theirs[block][key] for key in matched) / clips
            our_s = sum(ours[block][key] for key in matched) / clips
            pairs.append(Pair(baseline.name, block, clips, their_s, our_s))
    return pairs


def draw_pairs_of_each(pairs: Sequence[Pair], figure: Figure) -> None:
    """A panel for each baseline, beside each other, or below on a phone."""
    baselines = list(dict.fromkeys(pair.baseline for pair in pairs)) or [""]
    across = max(1, min(len(baselines), int(writing.width_px(figure) // _PANEL_PX)))
    axes = list(figure.subplots(-(-len(baselines) // across), across, squeeze=False).flat)
    for name, ax in zip(baselines, axes, strict=False):
        draw_pairs([pair for pair in pairs if pair.baseline == name], ax)
    for ax in axes[len(baselines) :]:
        ax.set_axis_off()


def draw_pairs(pairs: Sequence[Pair], ax: Axes) -> Axes:
    """The pairs of one baseline: a line from its run to ours in the same block."""
    if not pairs:
        return style.draw_nothing(ax, "no baseline finished beside the recommended settings")
    baseline = pairs[0].baseline
    for pair in pairs:
        y_s = [pair.baseline_s, pair.recommended_s]
        ax.plot([0, 1], y_s, color=style.PALE, linewidth=1.6, zorder=1)
        for x, subject in enumerate((baseline, style.RECOMMENDED)):
            ax.scatter(x, y_s[x], s=52, color=style.color(subject), edgecolor="white", zorder=2)
    ratios = [pair.ratio for pair in pairs]
    _label_end(0, [pair.baseline_s for pair in pairs], "right", ax)
    _label_end(1, [pair.recommended_s for pair in pairs], "left", ax)
    ax.set_xticks([0, 1], [baseline, style.RECOMMENDED])
    ax.set_xlim(-0.7, 1.7)
    ax.set_ylim(0, max(pair.baseline_s for pair in pairs) * 1.12)
    ax.set_ylabel("wall time a clip (s)")
    ax.grid(axis="y")
    span = " to ".join(dict.fromkeys(map(format.ratio, (min(ratios), max(ratios)))))
    found = f"{baseline} took {span} the time of recommended"
    writing.title(ax, found, f"each line a pair of runs of one block, n = {len(pairs)} pairs")
    return ax


def _by_block(rows: pd.DataFrame) -> dict[int, dict[tuple[str, int], float]]:
    """Block -> upload and number of clips -> wall time of the last confirming run of them."""
    finished = rows[finished_rows(rows) & (rows["phase"] == "confirm")]
    blocks: dict[int, dict[tuple[str, int], float]] = {}
    for row in finished.to_dict("records"):
        key = (str(row["upload_sha256"]), int(row["clips"]))
        blocks.setdefault(int(row["block"]), {})[key] = float(row["wall_s"])
    return blocks


def _label_end(x: int, times_s: list[float], side: str, ax: Axes) -> None:
    """The median beside the dots."""
    median_s = float(pd.Series(times_s).median())
    ax.annotate(
        f"median\n{format.seconds(median_s)}",
        (x, median_s),
        xytext=(-10 if side == "right" else 10, 0),
        textcoords="offset points",
        ha=side,
        va="center",
    )
