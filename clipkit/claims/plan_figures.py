"""What each priced plan of a campaign takes and costs: the original as it is, and the best settings there.

A plan's price is paid by the month, so a clip's depends on how busy the plan is: here it cuts day and night.
How many clips a day it carries in time is told beside, since that is what a larger plan is bought for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from clipkit.analysis.statistics import Estimate, geometric_mean, scaled
from clipkit.claims.bodies import LANGUAGES
from clipkit.claims.evidence import Evidence, Runs
from clipkit.claims.originals import originals, set_up_alike
from clipkit.claims.verdict import Variant
from clipkit.model.prices import DAY_S, usd_when_busy
from clipkit.model.waiting import most_jobs_per_s
from clipkit.records.condition import Condition
from clipkit.records.status import is_finished

CLIPS_A_JOB, LONGEST_WAIT_S = 12, 600.0
"""The load by which plans are told apart: the original's jobs, 95 % of them ready within ten minutes."""


def mean_s_per_clip(runs: Runs) -> Estimate:
    """Of the runs that ended well, at least one."""
    return geometric_mean([run.wall_s / run.clips for run in runs if run.wall_s])


@dataclass(frozen=True, slots=True)
class OnPlan:
    """One way to cut on one plan."""

    condition: Condition
    usd_per_month: float
    variant: Variant
    runs: Runs

    @property
    def s_per_clip(self) -> Estimate:
        return mean_s_per_clip(self.runs)

    @property
    def usd_busy(self) -> Estimate:
        """For 1,000 clips of a host that cuts day and night."""
        return scaled(self.s_per_clip, usd_when_busy(self.usd_per_month, 1.0))

    @property
    def clips_a_day(self) -> float:
        """At most so many are ready in time."""
        job_s = self.s_per_clip.value * CLIPS_A_JOB
        return most_jobs_per_s(job_s, LONGEST_WAIT_S) * CLIPS_A_JOB * DAY_S


@dataclass(frozen=True, slots=True)
class PlanFigures:
    """One plan: the original's settings there, and the fastest of the same picture that leave a margin of
    its memory."""

    original: OnPlan
    best: OnPlan

    @property
    def host(self) -> str:
        return self.original.condition.host


def priced_plans(evidence: Evidence) -> Iterator[tuple[PlanFigures, ...]]:
    """For each who and job that was measured on at least two plans of known price: these, the cheapest
    first."""
    found: dict[tuple[object, ...], list[PlanFigures]] = {}
    for condition, variants in evidence.conditions():
        for original in _originals(variants):
            figures = _figures(evidence, condition, variants, original)
            if figures:
                found.setdefault((original.subject, *_job(condition)), []).append(figures)
    for plans in found.values():
        if len(plans) > 1:
            yield tuple(sorted(plans, key=lambda plan: plan.original.usd_per_month))


def of_picture(variants: Mapping[Variant, Runs], original: Variant) -> list[Variant]:
    """Whatever cut the same picture, by the same who: the original among them."""
    return [
        variant
        for variant in variants
        if variant.subject == original.subject and _picture(variant) == _picture(original)
    ]


def best_of_picture(
    evidence: Evidence, variants: Mapping[Variant, Runs], original: Variant
) -> Variant:
    """What is recommended of the same who and picture: the original where nothing is. Of several, which only
    several campaigns have, the fastest."""
    able = [
        variant
        for variant in of_picture(variants, original)
        if any(run.cell in evidence.recommended for run in variants[variant])
    ]
    return min(able, key=lambda variant: mean_s_per_clip(variants[variant]).value, default=original)


def _figures(
    evidence: Evidence, condition: Condition, variants: Mapping[Variant, Runs], original: Variant
) -> PlanFigures | None:
    runs = variants[original]
    usd = runs[0].usd_per_month
    if not usd or not all(is_finished(run) and run.wall_s for run in runs):
        return None
    best = best_of_picture(evidence, variants, original)
    return PlanFigures(
        OnPlan(condition, usd, original, runs), OnPlan(condition, usd, best, variants[best])
    )


def _originals(variants: Mapping[Variant, Runs]) -> Iterator[Variant]:
    """As a command and as each service."""
    yield from originals(variants)
    for name in LANGUAGES:
        yield from set_up_alike(variants, name)


def _picture(variant: Variant) -> tuple[object, ...]:
    s = variant.settings
    return s.preset, s.crf, s.audio


def _job(condition: Condition) -> tuple[object, ...]:
    return condition.upload_sha256, condition.clips, condition.clip_s, condition.reserve_bytes
