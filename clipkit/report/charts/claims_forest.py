"""Every effect with its interval, claim by claim, ready to be drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from clipkit import format
from clipkit.analysis.statistics import Estimate
from clipkit.claims import Effect, Finding, Verdict, verdict_words
from clipkit.claims.factors import MOMENTS
from clipkit.claims.verdict import LevelFinding

_EXACT = 0.005
"""Of a narrower interval two digits would hide that it is one."""


@dataclass(frozen=True, slots=True)
class Line:
    """One effect. `ratio` None: there is no time to compare, `words` says why. `n`: pairs of runs."""

    label: str
    ratio: float | None
    low: float | None
    high: float | None
    words: str
    n: int | None
    finding: Finding
    judged: bool


@dataclass(frozen=True, slots=True)
class Panel:
    """One claim: a change and its effects, in several groups where others are shown beside what is
    judged. `band`: the ratios that the claim speaks of."""

    title: str
    claim: str
    x_label: str
    band: tuple[float, float]
    groups: tuple[tuple[str, tuple[Line, ...]], ...]

    @property
    def rows(self) -> int:
        """Each group has a row for its name."""
        return sum(1 + len(lines) for _, lines in self.groups)

    @property
    def lines(self) -> list[Line]:
        return [line for _, own in self.groups for line in own]


def forest_panels(verdicts: Sequence[Verdict]) -> list[Panel]:
    """The claims on time of which something was measured."""
    panels = []
    for verdict in verdicts:
        groups: dict[str, list[Line]] = {}
        for effect in sorted(verdict.effects, key=lambda effect: not effect.judged):
            groups.setdefault(effect.change, []).append(_line(effect))
        if pooled := [line for level in verdict.together if (line := _pooled_line(level))]:
            groups = {"conditions together": pooled} | groups
        if verdict.band is not None and groups:
            panels.append(
                Panel(
                    title=f"{verdict.id}  {verdict_words(verdict)}",
                    claim=verdict.claim,
                    x_label=_X_LABELS.get(verdict.id, "times as fast as the original"),
                    band=verdict.band,
                    groups=tuple((name, tuple(lines)) for name, lines in groups.items()),
                )
            )
    return panels


_X_LABELS = {
    "C1": "times as fast at most, with any other orchestrator",
    "C3": "times as fast as Node.js, told the same",
    "C4a": "Node.js' memory over Rust's",
    "C4c": "times as fast as Node.js, one at a time",
    "C5a": "times as fast as Node.js, told the same",
    "C5b": "Python's memory over Node.js'",
    "C5c": "times as fast as the same service, one at a time",
    "C10": "times as many clips for a dollar as on the smaller plan",
    "C13": "times as fast as each reading of the original",
}


def _pooled_line(level: LevelFinding) -> Line | None:
    """None for a single condition, which has a line of its own."""
    if level.pooled is None or level.pooled.estimate.n == 1:
        return None
    known = level.pooled.estimate
    return Line(
        label=level.words,
        ratio=known.value,
        low=known.low,
        high=known.high,
        words=_ratio_words(known),
        n=None,
        finding=level.finding,
        judged=True,
    )


def _ratio_words(known: Estimate) -> str:
    """`1.21x  [1.12 – 1.31]`."""
    if known.low is None or known.high is None:
        return format.ratio(known.value)
    exact = known.high - known.low < _EXACT
    value, *ends = (
        f"{x:.3f}" if exact else format.bare_ratio(x) for x in (known.value, known.low, known.high)
    )
    return f"{value}x  [{' – '.join(ends)}]"


def _where(effect: Effect) -> str:
    """Of a service's own memory also how many clips it cut, since a change there is a moment."""
    at_once = (
        f", {effect.at_once} at once" if effect.change in MOMENTS and effect.at_once > 1 else ""
    )
    return f"{effect.condition.words}{at_once}"


def _line(effect: Effect) -> Line:
    known = effect.ratio
    low, high = known.interval if known and known.interval else (None, None)
    words = effect.why if known is None else _ratio_words(known)
    return Line(
        label=_where(effect),
        ratio=known.value if known else None,
        low=low,
        high=high,
        words=words,
        n=known.n if known else None,
        finding=effect.finding,
        judged=effect.judged,
    )
