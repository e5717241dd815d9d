"""What a verdict is: a claim, its effect under every condition, and what follows. Data only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from clipkit.analysis.statistics import Estimate
from clipkit.records.condition import Condition
from clipkit.records.status import Status
from clipkit.settings import UsedSettings


class Finding(StrEnum):
    """What one effect says of its claim."""

    CONFIRMED = "confirmed"
    REFUTED = "refuted"
    UNDECIDED = "undecided"


class Outcome(StrEnum):
    """What all effects together say of it."""

    CONFIRMED = "confirmed"
    REFUTED = "refuted"
    DEPENDS = "depends"
    UNDECIDED = "undecided"
    NOT_MEASURED = "not measured"


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to cut: who, with which settings."""

    subject: str
    settings: UsedSettings


@dataclass(frozen=True, slots=True)
class Side:
    """A variant under one condition. `status` is the worst of its runs; `error` why it failed;
    `peak_bytes` the highest peak of what the kernel cannot drop, over all runs, as far as known."""

    variant: Variant
    status: Status
    error: str | None
    peak_bytes: int | None
    runs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One change under one condition. `change` says it in words.

    `speedup` is wall time before over after, paired by block (C1: the most that a rewrite of the
    orchestrator could gain); None where a side did not finish. `before` None: not run. `size` is output after over before.
    `judged`: it is what the claim speaks of; others are shown beside it. `why` says how the finding
    follows.
    """

    condition: Condition
    change: str
    before: Side | None
    after: Side
    speedup: Estimate | None
    size: Estimate | None
    finding: Finding
    why: str
    judged: bool = True

    @property
    def at_once(self) -> int:
        """Clips that were really cut at the same time."""
        return min(int(self.after.variant.settings.concurrency), self.condition.clips)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """How many clips at once fit a memory ceiling, none if not even one does: on the line through the
    peaks of the fewest and of the most (`measured_clips`) at once that ended well, of clips of one
    size; a margin is left free, and it is fewer than any number that ran out. `one_bytes` is where
    the line starts. `extrapolated`: more than were measured."""

    subject: str
    preset: str
    lines: int
    room_bytes: int
    one_bytes: int
    each_more_bytes: float
    measured_clips: int
    clips: int

    @property
    def extrapolated(self) -> bool:
        return self.clips > self.measured_clips


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`rule` says how each effect is judged; `band`: between which ratios of wall time it confirms,
    None for a claim that is not on time; `found` what was measured, in a sentence; `depends_on`
    what decides, with the border, where the outcome depends; `unmeasured` what it does not show."""

    id: str
    claim: str
    rule: str
    band: tuple[float, float] | None
    outcome: Outcome
    found: str
    depends_on: str | None
    holds_for: str
    effects: tuple[Effect, ...]
    fits: tuple[Fit, ...] = ()
    unmeasured: tuple[str, ...] = ()

    @property
    def judged(self) -> tuple[Effect, ...]:
        return tuple(effect for effect in self.effects if effect.judged)
