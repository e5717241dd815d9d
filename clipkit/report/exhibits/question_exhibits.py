"""Tune, rewrite or a larger plan: what campaigns in hand say of it, piece by piece. What they do not hold is
said in a sentence."""

from __future__ import annotations

from collections.abc import Sequence

from clipkit import format as fmt
from clipkit.analysis.statistics import Estimate
from clipkit.claims.bigger_plan import carried_words, in_time_words
from clipkit.claims.decomposition import decomposition
from clipkit.claims.evidence import gather_runs
from clipkit.claims.plan_figures import OnPlan, priced_plans
from clipkit.claims.which_way import UNKNOWN, which_way
from clipkit.claims.words import ratio_words
from clipkit.errors import CampaignError
from clipkit.hosts import Host
from clipkit.records.campaign import Campaign
from clipkit.records.folder import searches_the_edge
from clipkit.records.settings_words import how_words
from clipkit.report.charts.plan_prices import draw_plans, plan_bars, plans_finding, plans_px
from clipkit.report.charts.services_drawing import draw_side_by_side, side_by_side_px
from clipkit.report.charts.services_side import Beside, services_beside, side_by_side_finding
from clipkit.report.charts.style import PHONE_PX, picture
from clipkit.report.exhibits.claim_exhibits import parts_table, said_of_parts
from clipkit.report.exhibits.edge_exhibits import edge_sentences, edges_table
from clipkit.report.exhibits.exhibit import WIDE_PX, Exhibit, Section, kept
from clipkit.report.exhibits.prose import html_list, prose
from clipkit.tables import Table
from clipkit.tuning.elsewhere import places_elsewhere
from clipkit.tuning.offers import Load
from clipkit.tuning.timings import timings_of
from clipkit.tuning.which_plan import WhichPlan, which_plan

Shown = Exhibit | Section


def services_side_by_side(campaigns: Sequence[Campaign]) -> Shown:
    """Each service beside Node.js that was told the same."""
    rows = services_beside(gather_runs([campaign.table for campaign in campaigns]))
    if not rows:
        return _nothing(
            "No service was measured here: `clipkit sweep experiments/languages.toml` does."
        )
    heads = ("where", "how", "service", "a clip", "as fast as Node.js (95 %)", "starts", "at rest",
             "while it cuts", "gaps", "of all CPU", "health p95", "worst")  # fmt: skip
    caption = (
        "memory: the service's own, without its ffmpegs; gaps: no ffmpeg ran; health: answers while clips are "
        "cut, from when each was due; medians of starts, the worst of all"
    )
    table = Table(heads, tuple(map(_service_row, rows)), caption)
    if not any(row.ratio for row in rows):
        said = prose("No two services were told the same next to each other: nothing to compare.")
        return Section(f"<p>{said}</p>{table.whole_html()}")
    drawn = picture(
        "services",
        side_by_side_finding(rows),
        (WIDE_PX, side_by_side_px(rows, WIDE_PX), side_by_side_px(rows, PHONE_PX)),
        lambda figure: draw_side_by_side(rows, figure),
    )
    return kept(Exhibit(drawn, table))


def _service_row(row: Beside) -> tuple[str, ...]:
    return (
        row.where,
        row.how,
        row.name,
        _time(row.s_per_clip),
        ratio_words(row.ratio) if row.ratio else "–",
        str(row.starts),
        _size(row.rest_bytes),
        _size(row.cutting_bytes),
        _milliseconds(row.gaps_s),
        "–" if row.cpu_fraction is None else fmt.percent(row.cpu_fraction),
        _milliseconds(row.health_p95_s),
        _milliseconds(row.health_worst_s),
    )


def _time(known: Estimate | None) -> str:
    if known is None:
        return "no time"
    bounds = known.interval
    told = fmt.seconds(known.value)
    return f"{told} ({bounds[0]:.3g} to {bounds[1]:.3g})" if bounds else told


def _size(need: float | None) -> str:
    return "–" if need is None else fmt.size(need)


def _milliseconds(time_s: float | None) -> str:
    return "–" if time_s is None else f"{time_s * 1000:.0f} ms"


def what_comes_from_where(campaigns: Sequence[Campaign]) -> Section:
    """Of `48 s instead of 144 s`: the language, three at once, the seek."""
    parts, sentence = decomposition(*(campaign.table for campaign in campaigns))
    said = f"<p>{prose(said_of_parts(sentence))}</p>"
    return Section(said if parts.empty else said + parts_table(parts).whole_html())


def until_memory_runs_out(campaigns: Sequence[Campaign]) -> Section:
    """Of campaigns that search for the edge: how many clips at once fit, and what is seen beyond."""
    searched = [campaign for campaign in campaigns if searches_the_edge(campaign.folder)]
    if not searched:
        return _nothing(
            "No edge was searched for here: `clipkit sweep experiments/edge.toml` does."
        )
    evidence = gather_runs([campaign.table for campaign in searched])
    runs = [run for own in evidence for run in own.all_runs()]
    return Section(html_list(edge_sentences(runs)) + edges_table(runs).whole_html())


def plans_for_load(campaigns: Sequence[Campaign], load: Load, plans: Sequence[Host]) -> Shown:
    """What each plan costs at a load, and whether its jobs are ready in time."""
    found = _priced(campaigns, load, plans)
    if isinstance(found, Section):
        return found
    bars = plan_bars(found)
    unlike = "".join(f"<p>Not alike: {prose(words)}</p>" for words in found.unlike)
    tables = [f"<h4>{prose(how)}</h4>{found.table(how).whole_html()}" for how in found.hows]
    if not bars:
        return Section(unlike + "".join(tables))
    drawn = picture(
        "plans",
        plans_finding(bars),
        (WIDE_PX, plans_px(bars, WIDE_PX), plans_px(bars, PHONE_PX)),
        lambda figure: draw_plans(bars, found, figure),
    )
    heads = (
        "plan",
        "how",
        "USD a month",
        "carries it",
        "USD for 1,000 clips, busy",
        "at this load",
        "95 % ready within",
    )
    rows = tuple(
        (
            bar.plan,
            bar.how,
            f"{bar.usd_per_month:g}",
            "yes" if bar.carries else "no",
            f"{bar.usd_busy:.3g}",
            "–" if bar.usd is None else f"{bar.usd:.3g}",
            "never" if bar.ready_s is None else f"{bar.ready_s / 60:.1f} min",
        )
        for bar in bars
    )
    return kept(Exhibit(drawn, Table(heads, rows, "; ".join(found.unlike))))


def _priced(
    campaigns: Sequence[Campaign], load: Load, plans: Sequence[Host]
) -> WhichPlan | Section:
    able, why = [], ""
    for campaign in campaigns:
        try:
            timings_of(campaign)
        except CampaignError as error:
            why = str(error)
        else:
            able.append(campaign)
    if not able:
        return _nothing(f"No plan's time is known: {why}.")
    try:
        return which_plan(able, load, plans, places_elsewhere())
    except CampaignError as error:
        return _nothing(f"No plan can be told of: {error}.")


def measured_plans(campaigns: Sequence[Campaign]) -> Section:
    """What a clip takes and costs on each plan of known price that was measured itself."""
    evidence = gather_runs([campaign.table for campaign in campaigns])
    rows = [
        _plan_row(on_plan, how)
        for own in evidence
        for plans in priced_plans(own)
        for plan in plans
        for how, on_plan in (("the original's", plan.original), ("best", plan.best))
    ]
    if not rows:
        return _nothing(
            "Nothing was measured on two plans of known price: `clipkit sweep experiments/plans.toml` does."
        )
    heads = ("plan", "USD a month", "who", "settings", "a clip", "USD for 1,000 clips, busy",
             "clips a day in time")  # fmt: skip
    return Section(Table(heads, tuple(rows), f"in time: {in_time_words()}").whole_html())


def _plan_row(plan: OnPlan, how: str) -> tuple[str, ...]:
    usd = plan.usd_busy
    bounds = f" ({usd.low:.4f} to {usd.high:.4f})" if usd.interval else ""
    settings = plan.variant.settings
    return (
        plan.condition.host,
        f"{plan.usd_per_month:g}",
        plan.variant.subject,
        f"{how}: {settings.preset}, {how_words(settings)}",
        _time(plan.s_per_clip),
        f"{usd.value:.4f}{bounds}",
        carried_words(plan),
    )


def each_way(campaigns: Sequence[Campaign]) -> Table:
    """What each way brings beyond the one before it, and what it costs."""
    return which_way(*(campaign.table for campaign in campaigns)).table()


def rule_to_decide_by(campaigns: Sequence[Campaign]) -> Section:
    said = which_way(*(campaign.table for campaign in campaigns)).rule()
    return Section(f"<ol>{''.join(f'<li>{prose(line)}</li>' for line in said)}</ol>")


def unknown_to_us() -> Section:
    """What no campaign of ours can say."""
    return Section(html_list(UNKNOWN))


def _nothing(sentence: str) -> Section:
    return Section(f"<p>{prose(sentence)}</p>")
