"""Charts of any campaign: how its cells ended, memory over time, how far repeats differ."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from clipkit import format
from clipkit.analysis.factors import Factor, cell_words, factors_of
from clipkit.errors import UsageError
from clipkit.records.best import RECOMMENDED
from clipkit.records.campaign import Campaign
from clipkit.records.cells import host_noise_of
from clipkit.records.columns import column
from clipkit.records.evidence import finished_rows
from clipkit.records.status import Status
from clipkit.report.charts import memory_over_time as memory_chart
from clipkit.report.charts import outcomes as outcome_chart
from clipkit.report.charts import repeats as repeat_chart
from clipkit.report.charts.style import PHONE_PX, picture
from clipkit.report.exhibits.exhibit import WIDE_PX, Exhibit, kept
from clipkit.report.exhibits.grid_charts import timed
from clipkit.report.exhibits.measured_on import machine_words, when_and_seeds
from clipkit.tables import Table


def overview(campaign: Campaign) -> Exhibit:
    """What was varied, and how its cells ended, by host."""
    found = outcome_chart.outcome_points(campaign.cells)
    attempts = campaign.table["status"].value_counts()
    ended = ", ".join(f"{count} {Status(str(status)).words}" for status, count in attempts.items())
    rows = [
        ("campaign", campaign.name),
        ("cells", str(len(campaign.cells))),
        ("attempts", f"{len(campaign.table)}: {ended}"),
        *((column(f.column).title, _levels_words(f)) for f in factors_of(campaign.cells)),
        ("noise of one run", repeat_noise_words(campaign.cells)),
        ("machine", "; ".join(dict.fromkeys(map(machine_words, campaign.machines.values())))),
        ("measured", "; ".join(when_and_seeds(campaign))),
        ("ceiling", ", ".join(map(str, campaign.cells["ceiling"].dropna().unique()))),
        ("ffmpeg", ", ".join(map(str, campaign.cells["ffmpeg_version"].dropna().unique()))),
        *(("shown", words) for words in campaign.shown),
    ]
    drawn = picture(
        "overview",
        f"How the {len(campaign.cells)} cells ended: {ended}",
        (WIDE_PX, 140 + 34 * max(1, len(found)), 210 + 34 * max(1, len(found))),
        lambda figure: outcome_chart.draw_outcomes(found, figure),
        shown=campaign.shown,
    )
    return kept(Exhibit(drawn, Table(("", ""), tuple(rows))))


def repeat_noise_words(cells: pd.DataFrame) -> str:
    """`9.0 % on render-starter, 6.0 % on 512M-2cpu`."""
    known = {host: format.percent(noise.log_sd) for host, noise in host_noise_of(cells).items()}
    if len(known) == cells["host"].nunique() == 1:
        return next(iter(known.values()))
    return ", ".join(f"{share} on {host}" for host, share in known.items()) or "not repeated"


def memory_of_runs(campaign: Campaign, run_ids: Sequence[str] = ()) -> Exhibit:
    """Memory over time of these runs; without any, of the recommended settings, of those that took the
    most, and of one that ran out. Raises UsageError for a run that does not occur."""
    chosen = [("run", run_id) for run_id in run_ids] or _telling(campaign)
    words = cell_words(campaign.cells)
    traces, words_of = [], {}
    for title, run_id in chosen:
        rows = campaign.table[campaign.table["run_id"] == run_id]
        if rows.empty:
            raise UsageError(f"no run '{run_id}' among these: their names are in table['run_id']")
        row = rows.iloc[0]
        told = words_of[run_id] = words.get(str(row["cell"]), "")
        traces.append(memory_chart.run_trace(campaign.folder, row, title, told))
    heads = ("run", "shown as", "settings", "peak", "reserve", "ceiling")
    rows_ = tuple(
        (
            str(trace.run_id),
            trace.title,
            words_of[trace.run_id or ""],
            format.size(trace.peak_need_bytes),
            format.size(trace.reserve_bytes),
            "no limit" if trace.limit_bytes is None else format.size(trace.limit_bytes),
        )
        for trace in traces
    )
    alt = "Memory over time of " + "; ".join(f"{t.title} {t.run_id}" for t in traces)
    finding = memory_chart.memories_finding(traces)
    below, _ = memory_chart.memory_grid(len(traces), PHONE_PX)
    drawn = picture(
        "memory",
        alt,
        (WIDE_PX, 340, 90 + 230 * below),
        lambda figure: memory_chart.draw_memories_under(traces, figure, finding),
        shown=campaign.shown,
    )
    return kept(Exhibit(drawn, Table(heads, rows_)))


def repeats(campaign: Campaign) -> Exhibit:
    """Every repeat as a ratio to the mean of its cell; the table names those farthest away.
    Raises CampaignError where times say nothing."""
    found = repeat_chart.repeat_points(
        timed(campaign).table, host_noise_of(campaign.cells), cell_words(campaign.cells)
    )
    far = repeat_chart.farthest_repeats(found, 20)
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
    drawn = picture(
        "repeats",
        f"{len(found.repeats)} runs as ratios to the mean of their cells",
        (WIDE_PX, found.height_px(WIDE_PX), found.height_px(PHONE_PX)),
        lambda figure: repeat_chart.draw_repeats_and_distribution(found, figure),
        shown=campaign.shown,
    )
    caption = f"The {len(far)} runs farthest from the mean of their cells."
    return kept(Exhibit(drawn, Table(heads, rows, caption)))


def _telling(campaign: Campaign) -> list[tuple[str, str]]:
    """Title and name of three runs worth a look, as far as there are such."""
    table, found = campaign.table, []
    ok = table[finished_rows(table)]
    finished = campaign.cells[campaign.cells["wall_s"].notna()]
    recommended = finished[finished["best"] == RECOMMENDED]
    for title, ordered in (
        (RECOMMENDED, recommended.sort_values("s_per_clip", kind="stable")),
        ("most memory", finished.sort_values("peak_need_bytes", ascending=False)),
    ):
        if len(ordered):
            runs = ok[ok["cell"] == ordered["cell"].iloc[0]]
            found.append((title, str(campaign.sampled(runs)["run_id"].iloc[0])))
    lost = table[table["status"] == str(Status.OOM)]
    if len(lost):
        found.append(("ran out of memory", str(campaign.sampled(lost)["run_id"].iloc[0])))
    return found


def _levels_words(factor: Factor) -> str:
    shown = column(factor.column).listed(factor.levels)
    along = ", ".join(column(name).title for name in factor.along)
    return f"{shown} (and with it {along})" if along else shown
