"""The charts of a tuning, each with the table of its numbers: what it recommends, beside the baselines."""

from __future__ import annotations

from clipkit import format
from clipkit.records.campaign import Campaign
from clipkit.records.status import Status
from clipkit.report.charts import cpu_share, job_time, paired_runs
from clipkit.report.charts import memory_over_time as memory_chart
from clipkit.report.charts.pareto_drawing import draw_settings_tried
from clipkit.report.charts.pareto_findings import best_words
from clipkit.report.charts.pareto_points import Point, settings_tried_points
from clipkit.report.charts.style import PHONE_PX, picture, standing_words
from clipkit.report.exhibits.exhibit import HALF_PX, WIDE_PX, Exhibit, kept
from clipkit.tables import Table
from clipkit.tuning.recommendation import Recommendation


def job_times(campaign: Campaign, known: Recommendation) -> Exhibit:
    """How long the whole job takes."""
    points = job_time.job_time_points(campaign.table, known)
    commands = [baseline.command for baseline in known.baselines]
    rows = [
        (
            bar.subject,
            "–" if bar.wall_s is None else format.seconds(bar.wall_s),
            _interval(bar.ci95_s, " s"),
            "–" if bar.speedup is None else format.ratio(bar.speedup),
            _interval(bar.speedup_ci95, "x"),
            "–" if bar.pairs is None else str(bar.pairs),
            bar.run_words,
            bar.ended,
            command,
        )
        for bar, command in zip(points, [*commands, "clipkit cut"], strict=True)
    ]
    heads = (
        "subject",
        "wall time",
        "95 % interval",
        "recommended is faster",
        "95 % interval",
        "pairs",
        "what was run",
        "ended",
        "command",
    )
    words = "; ".join(f"{bar.subject}: {bar.time_words} {bar.speedup_words}" for bar in points)
    drawn = picture(
        "bars",
        f"Wall time of the whole job. {words}",
        (HALF_PX, 330, 120 + 90 * len(points)),
        lambda figure: job_time.draw_job_times(points, figure.subplots()),
    )
    return kept(Exhibit(drawn, Table(heads, tuple(rows), marked=frozenset({len(rows) - 1}))))


def memory_of_subjects(campaign: Campaign, known: Recommendation) -> Exhibit:
    """What one run of each subject needs over time."""
    traces = memory_chart.memory_traces(campaign.folder, campaign.table, known)
    rows = [
        (
            trace.subject,
            format.size(trace.peak_need_bytes),
            format.size(trace.reserve_bytes),
            _left_over(trace),
            "no limit" if trace.limit_bytes is None else format.size(trace.limit_bytes),
            trace.words if trace.status is None else Status(trace.status).words,
            trace.run_id or "–",
        )
        for trace in traces
    ]
    heads = ("subject", "peak", "reserve", "headroom", "ceiling", "ended", "run shown")
    words = "; ".join(f"{trace.subject}: {format.size(trace.peak_need_bytes)}" for trace in traces)

    finding = memory_chart.memories_finding(traces)
    drawn = picture(
        "memory",
        f"Memory over time, peaks: {words}",
        (HALF_PX, 330, 90 + 200 * memory_chart.memory_grid(len(traces), PHONE_PX)[0]),
        lambda figure: memory_chart.draw_memories_under(traces, figure, finding),
    )
    return kept(Exhibit(drawn, Table(heads, tuple(rows), marked=frozenset({len(rows) - 1}))))


def settings_tried(campaign: Campaign, known: Recommendation) -> Exhibit:
    """The settings tried: time against memory."""
    points = settings_tried_points(campaign.table, known)
    rows = [
        (
            str(point.number),
            point.words,
            "–" if point.s_per_clip is None else format.seconds(point.s_per_clip),
            format.size(point.peak_need_bytes),
            str(point.runs),
            point.status.words,
            _standing(point, known),
        )
        for point in points
    ]
    heads = (
        "no.",
        "settings that differ",
        "wall time a clip",
        "peak memory",
        "runs",
        "ended",
        "standing",
    )
    room = known.host.memory_bytes
    if room is not None:
        room -= known.reserve_bytes
    if known.headroom_bytes is not None and known.peak_need_bytes is not None:
        # What could be held, where that is less.
        room = known.headroom_bytes + known.peak_need_bytes
    words = f"{len(points)} settings tried: wall time a clip against peak memory"
    drawn = picture(
        "frontier",
        words,
        (WIDE_PX, 420, 460),
        lambda figure: draw_settings_tried(points, figure.subplots(), room, known.way),
    )
    marked = frozenset(index for index, point in enumerate(points) if point.recommended)
    return kept(Exhibit(drawn, Table(heads, tuple(rows), marked=marked)))


def cpu_shares(campaign: Campaign, known: Recommendation) -> Exhibit:
    """Where the CPU goes."""
    shares = cpu_share.cpu_points(campaign.table, known)
    rows = [
        (
            share.subject,
            str(share.runs),
            format.seconds(share.ffmpeg_s),
            format.seconds(share.orchestrator_s),
            _percent(share.orchestrator_fraction),
            format.seconds(share.throttled_s),
            format.seconds(share.wall_s),
        )
        for share in shares
    ]
    heads = (
        "subject",
        "runs",
        "ffmpeg's CPU a clip",
        "orchestrator's CPU a clip",
        "orchestrator's share",
        "held back by the quota, a clip",
        "wall time a clip",
    )
    words = "; ".join(f"{s.subject} {_percent(s.orchestrator_fraction)}" for s in shares)

    drawn = picture(
        "cpu",
        f"The orchestrator's share of the CPU: {words}",
        (WIDE_PX, 120 + 60 * len(shares), 220 + 120 * len(shares)),
        lambda figure: cpu_share.draw_cpu_and_throttling(shares, figure),
    )
    return kept(Exhibit(drawn, Table(heads, tuple(rows), marked=frozenset({len(rows) - 1}))))


def paired_repeats(campaign: Campaign, known: Recommendation) -> Exhibit:
    """Every repeat, in its pair."""
    points = paired_runs.pair_points(campaign.table, known)
    rows = [
        (
            pair.baseline,
            str(pair.block),
            str(pair.clips),
            format.seconds(pair.baseline_s),
            format.seconds(pair.recommended_s),
            format.ratio(pair.ratio),
        )
        for pair in points
    ]
    heads = (
        "baseline",
        "block",
        "clips of each",
        "baseline, wall time a clip",
        "recommended, wall time a clip",
        "ratio",
    )
    baselines = list(dict.fromkeys(pair.baseline for pair in points))

    words = f"{len(points)} pairs of runs: wall time a clip of a baseline and of the recommended"
    size_px = (WIDE_PX if len(baselines) > 1 else HALF_PX, 340)
    drawn = picture(
        "pairs",
        words,
        (*size_px, 60 + 280 * max(1, len(baselines))),
        lambda figure: paired_runs.draw_pairs_of_each(points, figure),
    )
    return kept(Exhibit(drawn, Table(heads, tuple(rows))))


def _interval(bounds: tuple[float, float] | None, unit: str) -> str:
    return "–" if bounds is None else " – ".join(map(format.number, bounds)) + unit


def _percent(fraction: float | None) -> str:
    return "unknown" if fraction is None else format.percent(fraction)


def _left_over(trace: memory_chart.Trace) -> str:
    if trace.limit_bytes is None or trace.peak_need_bytes is None:
        return "–"
    return format.size(trace.limit_bytes - trace.reserve_bytes - trace.peak_need_bytes)


def _standing(point: Point, known: Recommendation) -> str:
    words = []
    if point.recommended:
        words.append(standing_words(best_words(known.way)))
    if point.tie:
        words.append("tie")
    if point.efficient:
        words.append("Pareto front")
    return ", ".join(words)
