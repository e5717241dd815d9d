"""The words of a verdict, for chart, page, README and notebook alike. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from clipkit.claims.verdict import Effect, Finding, Outcome, Verdict

_PLAIN = {Finding.AS_CLAIMED, Finding.NOT_DECIDED, Finding.DOES_NOT_APPLY}
"""What the outcome says already."""


def verdict_words(verdict: Verdict) -> str:
    """`refuted: less than claimed`, `confirmed`, `depends`."""
    if verdict.finding is None or verdict.finding in _PLAIN:
        return str(verdict.outcome)
    return f"{verdict.outcome}: {verdict.finding}"


def tally_words(verdicts: Sequence[Verdict]) -> str:
    """`Of 13 claims, 17 with their parts, 1 is confirmed, 3 are refuted, …`."""
    told = Counter(verdict.outcome for verdict in verdicts)
    counted = [_counted(told[outcome], outcome) for outcome in Outcome if told[outcome]]
    claims = len({verdict.number for verdict in verdicts})
    parts = f", {len(verdicts)} with their parts," if len(verdicts) > claims else ""
    return f"Of {claims} claims{parts} {', '.join(counted)}"


def claim_sentence(verdict: Verdict) -> str:
    """The claim, the verdict, what was found, and on what it depends."""
    claim = f"{verdict.claim[0].upper()}{verdict.claim[1:]}"
    depends = f" It depends on {verdict.depends_on}." if verdict.depends_on else ""
    return f"{claim}: **{verdict_words(verdict)}**; {verdict.found}.{depends}"


def verdict_lines_of(verdicts: Sequence[Verdict]) -> list[str]:
    """Each in a line, then how many came out how."""
    return [
        *(f"{verdict.id:<4} {claim_sentence(verdict).replace('**', '')}" for verdict in verdicts),
        f"{tally_words(verdicts)}.",
    ]


def verdict_json(verdict: Verdict) -> dict[str, object]:
    """For machines: what is told, without the effects one by one."""
    pooled = verdict.pooled.estimate if verdict.pooled else None
    return {
        "id": verdict.id,
        "claim": verdict.claim,
        "rule": verdict.rule,
        "outcome": str(verdict.outcome),
        "finding": None if verdict.finding is None else str(verdict.finding),
        "ratio": pooled and pooled.value,
        "ratio_ci95": pooled and pooled.interval,
        "found": verdict.found,
        "depends_on": verdict.depends_on,
        "holds_for": verdict.holds_for,
        "unmeasured": list(verdict.unmeasured),
    }


def counted_findings(effects: Sequence[Effect]) -> str:
    """`as claimed 4, the opposite 2, not decided 1 of 7`."""
    shown = [
        f"{finding} {number}"
        for finding in Finding
        if (number := sum(effect.finding is finding for effect in effects))
    ]
    return f"{', '.join(shown)} of {len(effects)}" if shown else "–"


_ONE_OR_MORE = {
    Outcome.CONFIRMED: ("is confirmed", "are confirmed"),
    Outcome.REFUTED: ("is refuted", "are refuted"),
    Outcome.DEPENDS: ("depends", "depend"),
    Outcome.NOT_DECIDED: ("is not decided", "are not decided"),
    Outcome.DOES_NOT_APPLY: ("does not apply", "do not apply"),
    Outcome.NOT_MEASURED: ("is not measured", "are not measured"),
    Outcome.NO_VERDICT: ("is a table and no verdict", "are tables and no verdicts"),
}


def _counted(count: int, outcome: Outcome) -> str:
    one, more = _ONE_OR_MORE[outcome]
    return f"{count} {one if count == 1 else more}"
