"""The rules by which effects become findings. All of them are here.

An effect is judged by its whole 95 % interval, never by its middle. A claim has a size (from `low` to
`high`) and a direction; where it does not apply an effect says nothing of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from clipkit import format as fmt
from clipkit.analysis.statistics import Estimate
from clipkit.claims.verdict import DECIDED, Finding, Side
from clipkit.model.cpu import most_from_idle
from clipkit.records.best import leaves_margin, margin_words
from clipkit.records.condition import Condition
from clipkit.records.status import INVALID, RAN_OUT, Status

MATTERS = 1.05
"""A smaller change of the wall time is none that anybody would deploy for."""
_STILL_FAST = 1.5
"""How much longer "still fast" may take, as we read the words: half as long again."""
_SLIGHTLY = 1.1
"""How many times as long "slightly slower" may take, as we read the words."""
_ABOUT = 1.1
"""By how much a single number that a claim states may be missed, as a factor."""

Applies = Callable[[Condition, Side, Side], str | None]
"""Why a claim does not apply to a change under a condition; None where it does."""


def everywhere(_condition: Condition, _before: Side, _after: Side) -> str | None:
    return None


def if_memory_allows(condition: Condition, _before: Side, after: Side) -> str | None:
    if after.status in RAN_OUT:
        return after.status.words
    if not leaves_margin(after.peak_bytes, condition.room_bytes):
        return f"it leaves less than {margin_words()} of the memory free"
    return None


def if_cpu_allows(condition: Condition, before: Side, _after: Side) -> str | None:
    """More threads have nothing to run on where the original leaves no CPU idle."""
    return _none_idle(condition, before, "the original leaves")


def if_one_leaves_cpu(condition: Condition, before: Side, _after: Side) -> str | None:
    """Nor have more clips at once, in whatever language, where one leaves none."""
    return _none_idle(condition, before, "one clip at a time leaves")


def _none_idle(condition: Condition, before: Side, who_leaves: str) -> str | None:
    if condition.cpus is None or before.cores is None:
        return None
    if most_from_idle(before.cores, condition.cpus) < MATTERS:
        return f"{who_leaves} no CPU idle: it uses {before.cores:.2f} of {condition.cpus:g}"
    return None


@dataclass(frozen=True, slots=True)
class Claimed:
    """What a claim says of a ratio, of wall time before over after or of memory, and the rule in words.
    `low` 0 and `high` infinite: no bound. `gain`: it promises more than 1, so that less is the opposite.
    `limit`: it says that no more than `high` can be had: less is no contradiction, and only more refutes
    it."""

    low: float
    high: float
    rule: str
    gain: bool = False
    limit: bool = False
    applies: Applies = everywhere

    @property
    def edge(self) -> float:
        """Where the claim turns from true to untrue."""
        return self.high if self.limit else self.low

    def holds(self, finding: Finding) -> bool | None:
        """None where a finding decides nothing."""
        if finding not in DECIDED:
            return None
        fails = {Finding.MORE} if self.limit else {Finding.LESS, Finding.OPPOSITE}
        return finding not in fails

    def judge(
        self, condition: Condition, ratio: Estimate | None, before: Side, after: Side
    ) -> tuple[Finding, str]:
        """What an effect says, and why in words."""
        if before.status is not Status.OK:
            return Finding.NOT_DECIDED, f"what it is compared with {ended_words(before)}"
        if why_not := self.applies(condition, before, after):
            return Finding.DOES_NOT_APPLY, why_not
        if after.status in RAN_OUT:
            return Finding.OPPOSITE, ended_words(after)
        if after.status is not Status.OK:
            return Finding.NOT_DECIDED, ended_words(after)
        return self.size_finding(ratio)

    def size_finding(self, ratio: Estimate | None) -> tuple[Finding, str]:
        """Of a ratio by its interval alone."""
        if ratio is None or ratio.interval is None:
            return Finding.NOT_DECIDED, "too few runs for an interval"
        low, high = ratio.interval
        if low > self.high:
            return Finding.MORE, f"above {fmt.ratio(self.high)}"
        if high < self.low:
            opposite = self.gain and high < 1
            below = f"below {fmt.ratio(1.0 if opposite else self.low)}"
            return (Finding.OPPOSITE if opposite else Finding.LESS), below
        if high <= self.high if self.limit else low >= self.low:
            return Finding.AS_CLAIMED, self._inside
        return Finding.NOT_DECIDED, f"the interval holds {fmt.ratio(self.edge)}"

    @property
    def _inside(self) -> str:
        if self.limit:
            return f"not above {fmt.ratio(self.high)}"
        return f"above {fmt.ratio(self.low)}"


ORCHESTRATOR = Claimed(
    0.0,
    MATTERS,
    "as claimed where even an orchestrator that costs nothing would make the job less than "
    f"{fmt.ratio(MATTERS)} as fast: at most wall / (wall - its own CPU seconds), these stretched "
    "by a quota below one CPU; of a service also less the time in which none of its ffmpegs ran",
    limit=True,
)
MORE_AT_ONCE = Claimed(
    MATTERS,
    math.inf,
    f"as claimed where the 95 % interval lies above {fmt.ratio(MATTERS)}, the opposite where it lies "
    f"below 1x; applies where the change leaves {margin_words()} of the memory free",
    gain=True,
    applies=if_memory_allows,
)
MORE_THREADS = Claimed(
    MATTERS,
    math.inf,
    f"as claimed where the 95 % interval lies above {fmt.ratio(MATTERS)}, the opposite where it lies "
    f"below 1x; applies where the original leaves so much CPU idle that {fmt.ratio(MATTERS)} could be had",
    gain=True,
    applies=if_cpu_allows,
)
STILL_FAST = Claimed(
    1 / _STILL_FAST,
    math.inf,
    f"as claimed where it takes less than {fmt.ratio(_STILL_FAST)} as long, less where it takes "
    "longer: the half on time alone",
)
WORTH_ITS_PRICE = Claimed(
    1 / MATTERS,
    math.inf,
    "as claimed where a clip costs less than "
    f"{fmt.ratio(MATTERS)} as much on the larger plan as on the next smaller one, both busy day and night and "
    "each with its best settings of the original's picture; less than claimed where it costs more",
)
ALL_TOGETHER = Claimed(
    1.5,
    2.0,
    "as claimed where the 95 % interval lies above 1.5x, more where it lies above 2x, less where it lies "
    "below 1.5x, the opposite where it lies below 1x or memory runs out",
    gain=True,
)
NO_PRICE = Claimed(
    1 / MATTERS,
    math.inf,
    f"as claimed (no price in time) where it takes less than {fmt.ratio(MATTERS)} as long, less where "
    "it takes longer",
)
AT_MOST = Claimed(
    2.0,
    3.0,
    "a limit: refuted only where the 95 % interval of the whole speed-up lies above 3x; below 2x it is "
    "less than claimed, which is no contradiction",
    limit=True,
)
PARALLEL = Claimed(
    2.0,
    5.0,
    "as claimed where the 95 % interval of Rust in place of Node.js, told the same, at least two clips at a "
    "time, lies above 2x, more where it lies above 5x, less where it lies below 2x, the opposite where it "
    "lies below 1x",
    gain=True,
)
AS_FAST = Claimed(
    1 / _SLIGHTLY,
    MATTERS,
    f"as claimed where Python in place of Node.js, told the same, takes less than {fmt.ratio(_SLIGHTLY)} as "
    f"long, less where it takes longer, more where it is above {fmt.ratio(MATTERS)} as fast",
)
STAYS_ONE = Claimed(
    0.0,
    MATTERS,
    "a limit, where the service leaves CPU idle with one clip at a time: as claimed where three at once are "
    f"less than {fmt.ratio(MATTERS)} as fast, refuted only where the 95 % interval lies above that",
    limit=True,
    applies=if_one_leaves_cpu,
)
THREE_TIMES = Claimed(
    3 / _ABOUT,
    3 * _ABOUT,
    "as claimed where the 95 % interval of Rust with three at once in place of Node.js with one lies above "
    "3x, give or take a tenth; less where it lies below, the opposite where it lies below 1x",
    gain=True,
)
LESS_MEMORY = Claimed(
    2.0,
    1 / 0.3,
    "by the service's own memory (anonymous, shared and the kernel's, without its ffmpegs) at rest, while an "
    "upload arrives and while clips are cut: as claimed where Node.js needs 2 to 3.3 times as much as Rust "
    "(50 to 70 % less), more above, less below, the opposite where Rust needs more",
    gain=True,
)
MORE_MEMORY = Claimed(
    1.0,
    math.inf,
    "by the same memory: as claimed where the 95 % interval of Python's over Node.js' lies above 1x, the "
    "opposite where it lies below",
    gain=True,
)
MORE_CLIPS = (
    f"by structure: (the memory less {margin_words()} - the service's peak) / the most that one clip needs, "
    "never as many as ran out; as claimed where Node.js holds one and Rust three or more, more where six or more, else "
    "less; the opposite where Rust holds fewer than Node.js"
)
ONE_AFTER_ANOTHER = (
    "the opposite where clips at once ended well in every run and left "
    f"{margin_words()} of the memory free, beside the service's where a command was run without one and the "
    "service was measured; as claimed where they ran out of memory; of the original's own service and kind of "
    "command, whatever its preset and threads; what ran out with more at once than fitted says nothing"
)


def one_after_another(
    condition: Condition, ceiling_bytes: int, several: Side
) -> tuple[Finding, str]:
    """Whether several at once do not fit the ceiling that the claim speaks of. What fits a lower one
    fits; what runs out of a lower one says nothing."""
    if several.status is Status.OK:
        if leaves_margin(several.peak_bytes, condition.room_bytes):
            return Finding.OPPOSITE, f"fitted in {several.runs} of {several.runs} runs"
        return Finding.NOT_DECIDED, f"ended well, but left less than {margin_words()} free"
    if (condition.memory_bytes or 0) < ceiling_bytes:
        return (
            Finding.DOES_NOT_APPLY,
            f"{ended_words(several)}, of less than {fmt.size(ceiling_bytes)}",
        )
    ran_out = several.status in RAN_OUT
    return (Finding.AS_CLAIMED if ran_out else Finding.NOT_DECIDED), ended_words(several)


def ended_words(side: Side) -> str:
    """How a side ended, where it did not end well."""
    told = side.status in (*RAN_OUT, *INVALID)
    return side.status.words if told else f"did not finish ({side.status})"
