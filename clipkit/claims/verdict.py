"""What a verdict is: a claim, its effect under every condition, and what follows. Data only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from clipkit.analysis.pooling import Pooled
from clipkit.analysis.statistics import Estimate
from clipkit.plan.services import SAME, SKETCHED
from clipkit.records.condition import Condition
from clipkit.records.record import Record
from clipkit.records.status import Status
from clipkit.settings import UsedSettings


class Finding(StrEnum):
    """What an effect, or several as one, says of its claim."""

    AS_CLAIMED = "as claimed"
    MORE = "more than claimed"
    LESS = "less than claimed"
    OPPOSITE = "the opposite"
    NOT_DECIDED = "not decided"
    DOES_NOT_APPLY = "does not apply"


DECIDED = frozenset({Finding.AS_CLAIMED, Finding.MORE, Finding.LESS, Finding.OPPOSITE})


class Outcome(StrEnum):
    """What all effects together say of it."""

    CONFIRMED = "confirmed"
    REFUTED = "refuted"
    DEPENDS = "depends"
    NOT_DECIDED = "not decided"
    DOES_NOT_APPLY = "does not apply"
    NOT_MEASURED = "not measured yet"
    NO_VERDICT = "no verdict"


UNJUDGED = frozenset({Outcome.NOT_MEASURED, Outcome.NO_VERDICT})


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to cut: who, with which settings. `service`: the backend that served, with which words for
    ffmpeg (`argv`) and what else it was told; None: a command was run, by clipkit's engine."""

    subject: str
    settings: UsedSettings
    service: str | None = None
    argv: str | None = None
    environment: str | None = None

    @classmethod
    def of(cls, record: Record) -> Variant:
        own = record.served
        return cls(
            record.who,
            record.settings,
            own.service,
            own.service_argv,
            own.service_environment,
        )

    @property
    def is_plain(self) -> bool:
        """Whether a service gave ffmpeg the one list of words of all of them, and was told nothing else."""
        return self.argv == SAME and self.environment is None

    @property
    def is_sketched(self) -> bool:
        """Whether a service gave ffmpeg the words of the analysis' sketch for its language."""
        return self.argv == SKETCHED and self.environment is None


@dataclass(frozen=True, slots=True)
class Side:
    """A variant under one condition. `status` is the worst of its runs; `error` why it failed;
    `peak_bytes` the highest peak of what the kernel cannot drop, over all runs, as far as known;
    `cores` the CPU seconds of a second of wall time, mean of the runs that tell it."""

    variant: Variant
    status: Status
    error: str | None
    peak_bytes: int | None
    runs: int
    cores: float | None = None


@dataclass(frozen=True, slots=True)
class Split:
    """A ratio of wall times as two, whose product it is. `work`: of ffmpeg's CPU seconds, which is the
    machine's speed and the check of fairness where both gave ffmpeg the same words. `rest`: of the wall
    time for each of these seconds, which is all that an orchestrator can change, and far less noisy."""

    work: Estimate
    rest: Estimate


@dataclass(frozen=True, slots=True)
class Overhead:
    """What a service itself takes of a job: its part of all CPU seconds, and of the wall time that in which
    none of its ffmpegs ran."""

    own_cpu: float
    gaps: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One change under one condition. `change` says it in words.

    `ratio` is of wall time before over after, paired by block, or of what else the claim is on (C1: the
    most that a rewrite of the orchestrator could gain; C4a, C5b: memory); None where a side did not
    finish. `before` None: not run. `size` is output after over before. `split`: the ratio of times of two
    services in its two parts, `overhead`: of C1, what the service itself took. `judged`: it is what the claim speaks of; others are shown beside it. `why`
    says how the finding follows.
    """

    condition: Condition
    change: str
    before: Side | None
    after: Side
    ratio: Estimate | None
    size: Estimate | None
    finding: Finding
    why: str
    judged: bool = True
    split: Split | None = None
    overhead: Overhead | None = None

    @property
    def is_served(self) -> bool:
        """Whether a service cut it, not a command that clipkit's engine ran."""
        return self.after.variant.service is not None

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


@dataclass(frozen=True, slots=True)
class LevelFinding:
    """What the conditions at one level of a factor say as one. `value` None: a level without an order.
    `pooled` None: there is no time to pool. `deviate`: by how many standard errors they lie above the
    edge at which the claim turns; 0 where they are no evidence of a side. `why` says how the finding
    follows."""

    words: str
    value: float | None
    pooled: Pooled | None
    finding: Finding
    holds: bool | None
    deviate: float
    why: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """A claim's effects by the levels of one factor. `divided_p`: how probable it is that the levels lie
    on both sides of the claim's edge by noise alone; None for a single level."""

    factor: str
    levels: tuple[LevelFinding, ...]
    divided_p: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`rule` says how each effect is judged; `band`: between which ratios of wall time it confirms,
    None for a claim that is not on time; `finding` what all conditions say as one, and `pooled` their
    mean; `together` the same, or by the levels of what it depends on; `found` what was measured, in a sentence; `depends_on` what decides, with the border, where the
    outcome depends; `divided_p`: how probable such a division is by noise alone, for this claim among
    all that the same evidence decides; `unmeasured` what it does not show."""

    id: str
    claim: str
    rule: str
    band: tuple[float, float] | None
    outcome: Outcome
    finding: Finding | None
    pooled: Pooled | None
    found: str
    depends_on: str | None
    divided_p: float | None
    holds_for: str
    effects: tuple[Effect, ...]
    together: tuple[LevelFinding, ...] = ()
    fits: tuple[Fit, ...] = ()
    unmeasured: tuple[str, ...] = ()

    @property
    def number(self) -> str:
        """`C4` of `C4a`, which is a part of it."""
        return self.id.rstrip("abc")

    @property
    def judged(self) -> tuple[Effect, ...]:
        """What the claim speaks of, also where it does not apply."""
        return tuple(effect for effect in self.effects if effect.judged)
