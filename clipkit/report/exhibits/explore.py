"""The exhibits of any campaign, a sweep's or a tuning's: `explore.heat_maps(open_campaign(folder))`."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from matplotlib.figure import Figure

from clipkit import format
from clipkit.analysis.factors import Factor
from clipkit.errors import UsageError
from clipkit.records import wording as levels
from clipkit.records.record import Status
from clipkit.report.charts import memory as memory_chart
from clipkit.report.charts import outcomes as outcome_chart
from clipkit.report.charts import repeats as repeat_chart
from clipkit.report.charts.heat import Layout
from clipkit.report.charts.style import picture
from clipkit.report.exhibits.exhibit import WIDE_PX, Exhibit, keep
from clipkit.report.exhibits.grid import frontier, heat_maps, scaling
from clipkit.report.exhibits.opened import Explored, open_campaign
from clipkit.report.exhibits.subjects import outcome
from clipkit.report.exhibits.trial import TrialPage, trial
from clipkit.tables import Table

__all__ = [
    "Explored",
    "Layout",
    "TrialPage",
    "frontier",
    "heat_maps",
    "memory",
    "open_campaign",
    "overview",
    "repeats",
    "scaling",
    "trial",
]


def overview(opened: Explored) -> Exhibit:
    """What was varied, and how its cells ended, by host."""
    found = outcome_chart.outcome_points(opened.cells)
    attempts = opened.table["status"].value_counts()
    ended = ", ".join(f"{count} {outcome(str(status))}" for status, count in attempts.items())
    noise = opened.noise
    rows = [
        ("campaign", opened.folder.name),
        ("cells", str(len(opened.cells))),
        ("attempts", f"{len(opened.table)}: {ended}"),
        *((levels.name(f.column), _levels_words(f)) for f in opened.factors),
        ("noise of one run", "not repeated" if noise is None else format.percent(noise.log_sd)),
        ("machine", str(opened.environment.get("cpu", "unknown"))),
        ("ceiling", ", ".join(map(str, opened.cells["ceiling"].dropna().unique()))),
        ("ffmpeg", ", ".join(map(str, opened.cells["ffmpeg_version"].dropna().unique()))),
        *(("shown", words) for words in opened.fixed),
    ]
    drawn = picture(
        "overview",
        f"How the {len(opened.cells)} cells ended: {ended}",
        (WIDE_PX, 110 + 34 * max(1, len(found))),
        lambda figure: outcome_chart.draw_outcomes(found, figure.subplots()),
    )
    return keep(opened.figures, Exhibit(drawn, Table(("", ""), tuple(rows))))


def memory(opened: Explored, run_ids: Sequence[str] = ()) -> Exhibit:
    """Memory over time of these runs; without any, of the fastest settings, of those that took the
    most, and of one that ran out. Raises UsageError for a run that does not occur."""
    chosen = [("run", run_id) for run_id in run_ids] or _telling(opened)
    words = opened.words()
    traces = []
    for title, run_id in chosen:
        rows = opened.table[opened.table["run_id"] == run_id]
        if rows.empty:
            raise UsageError(f"no run '{run_id}' among these: their names are in table['run_id']")
        row = rows.iloc[0]
        told = textwrap.fill(words.get(str(row["cell"]), ""), max(20, 120 // len(chosen)))
        traces.append(memory_chart.run_trace(opened.folder, row, title, told))

    def draw(figure: Figure) -> None:
        axes = figure.subplots(1, max(1, len(traces)), squeeze=False)[0]
        memory_chart.draw_memories(traces, axes)

    heads = ("run", "shown as", "settings", "peak", "reserve", "ceiling")
    rows_ = tuple(
        (
            str(trace.run_id),
            trace.title,
            trace.words.replace("\n", ", "),
            format.size(trace.peak_anon_bytes),
            format.size(trace.reserve_bytes),
            "no limit" if trace.limit_bytes is None else format.size(trace.limit_bytes),
        )
        for trace in traces
    )
    alt = "Memory over time of " + "; ".join(f"{t.title} {t.run_id}" for t in traces)
    return keep(
        opened.figures, Exhibit(picture("memory", alt, (WIDE_PX, 340), draw), Table(heads, rows_))
    )


def repeats(opened: Explored) -> Exhibit:
    """Every repeat as a ratio to the mean of its cell; the table names those farthest away."""
    found = repeat_chart.repeat_points(opened.table, opened.noise, opened.words())
    far = repeat_chart.tail(found, 20)
    rows = tuple(
        (
            each.run_id,
            each.words,
            str(each.block),
            format.seconds(each.wall_s),
            f"{each.ratio:.3f}",
        )
        for each in far
    )
    heads = ("run", "settings", "block", "wall time", "ratio to its cell's mean")
    named = min(len(found.cells), repeat_chart.NAMED)
    height_px = 400 if len(found.cells) > repeat_chart.NAMED else 140 + 20 * named
    drawn = picture(
        "repeats",
        f"{len(found.repeats)} runs as ratios to the mean of their cells",
        (WIDE_PX, max(260, height_px)),
        lambda figure: repeat_chart.draw_all(found, figure),
    )
    caption = f"The {len(far)} runs farthest from the mean of their cells."
    return keep(opened.figures, Exhibit(drawn, Table(heads, rows, caption)))


def _telling(opened: Explored) -> list[tuple[str, str]]:
    """Title and name of three runs worth a look, as far as there are such."""
    table, found = opened.table, []
    ok = table[table["status"] == str(Status.OK)]
    finished = opened.cells[opened.cells["wall_s"].notna()]
    for title, ordered in (
        ("fastest", finished.sort_values("s_per_clip")),
        ("most memory", finished.sort_values("peak_anon_bytes", ascending=False)),
    ):
        if len(ordered):
            runs = ok[ok["cell"] == ordered["cell"].iloc[0]]
            found.append((title, str(opened.sampled(runs)["run_id"].iloc[0])))
    lost = table[table["status"] == str(Status.OOM)]
    if len(lost):
        found.append(("ran out of memory", str(opened.sampled(lost)["run_id"].iloc[0])))
    return found


def _levels_words(factor: Factor) -> str:
    shown = levels.listed(factor.column, factor.levels)
    along = ", ".join(levels.name(column) for column in factor.along)
    return f"{shown} (and with it {along})" if along else shown
