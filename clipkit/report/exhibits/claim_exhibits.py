"""The verdicts on the claims, shown: a table, every effect, the memory of clips at once, a summary."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from clipkit import format as fmt
from clipkit.analysis.statistics import Estimate
from clipkit.claims import Effect, Outcome, Side, Verdict, tally_words, verdict_words
from clipkit.claims.telling import counted_findings
from clipkit.claims.verdict import UNJUDGED
from clipkit.claims.words import p_words, ratio_words
from clipkit.records.settings_words import how_words
from clipkit.records.status import Status
from clipkit.report.charts import claims_forest as forest_chart
from clipkit.report.charts import memory_at_once as at_once_chart
from clipkit.report.charts.forest_drawing import draw_forest, forest_height_px
from clipkit.report.charts.style import PHONE_PX, picture
from clipkit.report.exhibits.exhibit import WIDE_PX, Exhibit, Section, kept
from clipkit.report.exhibits.prose import html_list
from clipkit.tables import Table

Verdicts = Sequence[Verdict]


def verdicts_table(judged: Verdicts) -> Table:
    """One row a claim."""
    rows = tuple(
        (
            verdict.id,
            verdict.claim,
            verdict_words(verdict),
            verdict.found,
            verdict.depends_on or "–",
        )
        for verdict in judged
    )
    heads = ("claim", "says", "verdict", "found (95 % interval)", "depends on")
    decided = (Outcome.CONFIRMED, Outcome.REFUTED, Outcome.DEPENDS)
    marked = frozenset(i for i, v in enumerate(judged) if v.outcome in decided)
    caption = "Ratios of wall time, paired by block; above 1x is faster. Of services a pair is one start of each"
    return Table(heads, rows, caption, marked, whole=True)


def every_effect(judged: Verdicts) -> Exhibit:
    """Every effect under every condition."""
    panels = forest_chart.forest_panels(judged)
    rows = tuple(_effect_row(verdict, effect) for verdict in judged for effect in verdict.effects)
    heads = (
        "claim",
        "change",
        "settings",
        "where",
        "times as fast",
        "95 % interval",
        "n",
        "peak before",
        "peak after",
        "size of files",
        "ended",
        "finding",
        "why",
    )
    words = "; ".join(f"{verdict.id} {verdict_words(verdict)}" for verdict in judged)
    drawn = picture(
        "claims",
        f"Effect of each change with its 95 % interval. {words}",
        (
            WIDE_PX,
            max(120, forest_height_px(panels, WIDE_PX)),
            max(120, forest_height_px(panels, PHONE_PX)),
        ),
        lambda figure: draw_forest(panels, figure, tally_words(judged)),
    )
    caption = (
        "peaks: anonymous, shared and kernel memory of the whole job, of C4a and C5b of the service alone; "
        "n: pairs of runs"
    )
    return kept(Exhibit(drawn, Table(heads, rows, caption)))


def memory_at_once(judged: Verdicts) -> Exhibit:
    """How much so many clips at once need, and how many would fit."""
    verdict = next(verdict for verdict in judged if verdict.id == "C2")
    bars = at_once_chart.at_once_bars(verdict)
    room_bytes = at_once_chart.largest_room_bytes(verdict)
    rows = tuple(
        (
            f"{bar.lines}p",
            bar.subject,
            str(bar.at_once),
            "–" if bar.peak_bytes is None else fmt.size(bar.peak_bytes),
            _how_known(bar),
        )
        for bar in bars
    )
    found = at_once_chart.at_once_finding(bars, room_bytes)
    drawn = picture(
        "at-once",
        f"Peak memory. {verdict.found}",
        (
            WIDE_PX,
            330 * at_once_chart.panel_rows(bars),
            130 + 230 * at_once_chart.panel_rows(bars, 1),
        ),
        lambda figure: at_once_chart.draw_each_size(bars, figure, room_bytes, found),
    )
    heads = ("size", "subject", "clips at once", "peak memory", "how it is known")
    return kept(Exhibit(drawn, Table(heads, rows)))


def _how_known(bar: at_once_chart.Bar) -> str:
    if bar.extrapolated:
        return "extrapolated"
    if bar.status is not Status.OK:
        return bar.status.words
    return "measured" if bar.peak_bytes is not None else "unknown"


def rules_table(judged: Verdicts) -> Table:
    """How each claim was judged, and on what that rests."""
    rows = tuple(
        (
            verdict.id,
            verdict.rule,
            counted_findings(verdict.judged),
            _chance(verdict.pooled.alike_p if verdict.pooled else None),
            _chance(verdict.divided_p),
            verdict.holds_for,
        )
        for verdict in judged
        if verdict.outcome not in UNJUDGED
    )
    heads = ("claim", "rule", "conditions", "alike", "on one side", "holds for")
    caption = (
        "alike: how probable such differences between conditions are by noise alone (Cochran's Q); on one "
        "side: how probable it is by noise alone that some factor's levels look divided by the claim's edge "
        "(Gail and Simon; of all claims that the same runs decide, Holm): under 0.05 the claim depends on that factor"
    )
    return Table(heads, rows, caption)


def _chance(p: float | None) -> str:
    return "–" if p is None else p_words(p)


def limits_of_claims(judged: Verdicts) -> Section:
    """What the verdicts do not show, each said once."""
    said: dict[str, list[str]] = {}
    for verdict in judged:
        for words in verdict.unmeasured:
            said.setdefault(words, []).append(verdict.id)
    every = sum(verdict.outcome not in UNJUDGED for verdict in judged)
    return Section(
        html_list(
            words if len(ids) == every else f"{', '.join(ids)}: {words}"
            for words, ids in said.items()
        )
    )


def verdicts_markdown(found: Sequence[Verdict]) -> str:
    """The verdicts as a table for a README; it ends with a line feed."""
    return "\n".join([*_markdown_lines(found), ""])


def outcomes_in_a_line(found: Sequence[Verdict]) -> str:
    """Only how each came out; it ends with a line feed."""
    return f"{'; '.join(f'{verdict.claim}: **{_outcome(verdict)}**' for verdict in found)}.\n"


def _outcome(verdict: Verdict) -> str:
    depends = f" on {verdict.depends_on}" if verdict.depends_on else ""
    return f"{verdict_words(verdict)}{depends}"


def parts_markdown(parts: pd.DataFrame, sentence: str) -> str:
    """`claims.decomposition` as a sentence and a table; it ends with a line feed."""
    said = said_of_parts(sentence)
    return f"{said}\n" if parts.empty else f"{said}\n\n{parts_table(parts).markdown()}"


def said_of_parts(sentence: str) -> str:
    return f"{sentence[0].upper()}{sentence[1:].rstrip('.')}."


def parts_table(parts: pd.DataFrame) -> Table:
    """Of `claims.decomposition`, a row for each part."""
    heads = ("where", "part", "from", "to", "times as fast", "pairs")
    rows = tuple(_part_cells(row) for row in parts.to_dict("records"))
    return Table(heads, rows, "95 % intervals; pairs of starts", whole=True)


def _part_cells(row: Mapping[Hashable, Any]) -> tuple[str, ...]:
    low, high = row["low"], row["high"]
    known = None if pd.isna(low) else float(low), None if pd.isna(high) else float(high)
    times = Estimate(float(row["times"]), *known, int(row["starts"]))
    words = ratio_words(times) if times.n else fmt.ratio(times.value)
    pairs = str(times.n) if times.n else "computed"
    return (
        str(row["condition"]),
        str(row["part"]),
        str(row["before"]),
        str(row["after"]),
        words,
        pairs,
    )


def _markdown_lines(found: Sequence[Verdict]) -> Iterator[str]:
    yield "| claim | verdict | found (95 % interval) | depends on |"
    yield "|---|---|---|---|"
    for verdict in found:
        cells = (
            f"{verdict.id}: {verdict.claim}",
            f"**{verdict_words(verdict)}**",
            verdict.found,
            verdict.depends_on or "",
        )
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _effect_row(verdict: Verdict, effect: Effect) -> tuple[str, ...]:
    return (
        verdict.id,
        effect.change,
        f"{effect.after.variant.subject}: {how_words(effect.after.variant.settings)}",
        f"{effect.condition.host}: {effect.condition.words}",
        "–" if effect.ratio is None else fmt.ratio(effect.ratio.value),
        _interval(effect.ratio),
        "–" if effect.ratio is None else str(effect.ratio.n),
        _peak(effect.before),
        _peak(effect.after),
        "–" if effect.size is None else fmt.ratio(effect.size.value),
        effect.after.status.words,
        str(effect.finding) if effect.judged else "not judged",
        effect.why,
    )


def _interval(known: Estimate | None) -> str:
    if known is None or known.interval is None:
        return "–"
    low, high = known.interval
    return f"{fmt.bare_ratio(low)} – {fmt.ratio(high)}"


def _peak(side: Side | None) -> str:
    return "–" if side is None or side.peak_bytes is None else fmt.size(side.peak_bytes)
