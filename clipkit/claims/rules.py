"""The rules by which effects become findings, and findings an outcome. All of them are here.

An effect is judged by its whole 95 % interval, never by its middle: inside the band that the claim
speaks of it confirms, wholly outside it refutes, across an edge it decides nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from clipkit import format as fmt
from clipkit.analysis.statistics import Estimate
from clipkit.claims.verdict import Effect, Finding, Outcome, Side
from clipkit.records.status import RAN_OUT, Status

_MATTERS = 1.05
"""A smaller change of the wall time is none that anybody would deploy for."""
_STILL_FAST = 1.5
"""How much longer "still fast" may take, as we read the words: half as long again."""


@dataclass(frozen=True, slots=True)
class Band:
    """A claim as a range of wall time before over after, and the rule in words."""

    low: float
    high: float
    rule: str

    def judge(self, speedup: Estimate | None, before: Side, after: Side) -> tuple[Finding, str]:
        """What an effect says, and why in words."""
        if before.status is not Status.OK:
            return Finding.UNDECIDED, f"what it is compared with {_ended(before)}"
        if after.status is not Status.OK:
            ran_out = after.status in RAN_OUT
            return (Finding.REFUTED if ran_out else Finding.UNDECIDED), _ended(after)
        if speedup is None or speedup.interval is None:
            return Finding.UNDECIDED, "too few runs for an interval"
        low, high = speedup.interval
        if high < self.low:
            return Finding.REFUTED, f"below {fmt.ratio(self.low)}"
        if low > self.high:
            return Finding.REFUTED, f"above {fmt.ratio(self.high)}"
        if low >= self.low and high <= self.high:
            return Finding.CONFIRMED, self._inside
        edge = self.low if low < self.low else self.high
        return Finding.UNDECIDED, f"the interval holds {fmt.ratio(edge)}"

    @property
    def _inside(self) -> str:
        if self.high == math.inf:
            return f"above {fmt.ratio(self.low)}"
        if self.low <= 0:
            return f"below {fmt.ratio(self.high)}"
        return f"between {fmt.ratio(self.low)} and {fmt.ratio(self.high)}"


ORCHESTRATOR = Band(
    0.0,
    _MATTERS,
    "confirmed where even an orchestrator that costs nothing would make the job less than "
    f"{fmt.ratio(_MATTERS)} as fast: at most wall / (wall - its own CPU seconds), these stretched "
    "by a quota below one CPU",
)
QUICK_WIN = Band(
    _MATTERS,
    math.inf,
    f"confirmed where the 95 % interval lies above {fmt.ratio(_MATTERS)}, refuted where it lies "
    "below or memory runs out",
)
STILL_FAST = Band(
    1 / _STILL_FAST,
    math.inf,
    f"confirmed where it takes less than {fmt.ratio(_STILL_FAST)} as long, refuted where it takes "
    "longer: the half on time alone",
)
ALL_TOGETHER = Band(
    1.5,
    2.0,
    "confirmed where the 95 % interval lies within 1.5x to 2x, refuted where it lies wholly outside "
    "or memory runs out",
)
NO_PRICE = Band(
    1 / _MATTERS,
    math.inf,
    "confirmed (no price in time) where it takes less than "
    f"{fmt.ratio(_MATTERS)} as long, refuted where it takes longer",
)
AT_MOST = Band(
    2.0,
    3.0,
    "confirmed where the 95 % interval of the whole speed-up lies within 2x to 3x, refuted where it "
    "lies wholly below or above",
)
ONE_AFTER_ANOTHER = (
    "refuted where several clips at once ended well under the ceiling in every run, confirmed where "
    "they ran out of memory"
)


def one_after_another(several: Side) -> tuple[Finding, str]:
    """Whether several at once do not fit."""
    if several.status is Status.OK:
        return Finding.REFUTED, f"fitted in {several.runs} of {several.runs} runs"
    ran_out = several.status in RAN_OUT
    return (Finding.CONFIRMED if ran_out else Finding.UNDECIDED), _ended(several)


def overall(effects: Sequence[Effect]) -> Outcome:
    """Of the judged effects: `depends` where both occur; where one kind occurs alone it must be at
    least half of all, else nothing is decided."""
    findings = [effect.finding for effect in effects if effect.judged]
    if not findings:
        return Outcome.NOT_MEASURED
    confirmed, refuted = (findings.count(f) for f in (Finding.CONFIRMED, Finding.REFUTED))
    if confirmed and refuted:
        return Outcome.DEPENDS
    if 2 * max(confirmed, refuted) < len(findings):
        return Outcome.UNDECIDED
    return Outcome.CONFIRMED if confirmed else Outcome.REFUTED


def _ended(side: Side) -> str:
    told = side.status in (*RAN_OUT, Status.INVALID_NOISE)
    return side.status.words if told else f"did not finish ({side.status})"
