"""Whether a larger plan is worth its price per clip (claim C10): clips for a dollar there, beside the next
smaller plan, each with the best settings of the original's picture."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

from clipkit import format as fmt
from clipkit.analysis.statistics import Estimate, scaled
from clipkit.claims.evidence import Evidence, side_of
from clipkit.claims.plan_figures import (
    CLIPS_A_JOB,
    LONGEST_WAIT_S,
    OnPlan,
    priced_plans,
)
from clipkit.claims.rules import WORTH_ITS_PRICE
from clipkit.claims.verdict import Effect
from clipkit.claims.words import Told, ends_words, ratio_words
from clipkit.model.waiting import NEARLY_ALL


def plan_effects(evidence: Evidence) -> Iterator[Effect]:
    """Each plan beside the next smaller one, as a dollar's clips. Shown beside, not judged: the largest
    beside the smallest, and the original's settings on both."""
    for plans in priced_plans(evidence):
        steps = list(itertools.pairwise(plans))
        for smaller, larger in steps:
            yield _effect(evidence, smaller.best, larger.best)
            if (smaller.original, larger.original) != (smaller.best, larger.best):
                yield replace(_effect(evidence, smaller.original, larger.original), judged=False)
        if len(steps) > 1:
            yield replace(_effect(evidence, plans[0].best, plans[-1].best), judged=False)


def price_found(told: Told) -> str:
    """Of each step what it gives for which price."""
    said = [f"{effect.change}: {effect.why}" for effect in told.applying]
    return "; ".join([*said, f"in time: {in_time_words()}", *ends_words(told)])


def _effect(evidence: Evidence, smaller: OnPlan, larger: OnPlan) -> Effect:
    before, after = (side_of(plan.variant, plan.runs) for plan in (smaller, larger))
    speedup = evidence.speedup(smaller.runs, larger.runs)
    dearer = larger.usd_per_month / smaller.usd_per_month
    a_dollar = scaled(speedup, 1 / dearer) if speedup else None
    finding, why = WORTH_ITS_PRICE.judge(larger.condition, a_dollar, before, after)
    return Effect(
        condition=larger.condition,
        change=f"{_named(smaller)} to {_named(larger)}",
        before=before,
        after=after,
        ratio=a_dollar,
        size=None,
        finding=finding,
        why=_bought(speedup, dearer, smaller, larger) if speedup else why,
    )


def _named(plan: OnPlan) -> str:
    """`render-pro, 2 at once`."""
    return f"{plan.condition.host}, {plan.variant.settings.concurrency} at once"


def _bought(speedup: Estimate, dearer: float, smaller: OnPlan, larger: OnPlan) -> str:
    return (
        f"{ratio_words(speedup)} as fast at {fmt.ratio(dearer)} the price, 1,000 clips "
        f"{larger.usd_busy.value:.3g} instead of {smaller.usd_busy.value:.3g} USD where it is always busy; "
        f"{carried_words(larger)} a day in time instead of {carried_words(smaller)}"
    )


def carried_words(plan: OnPlan) -> str:
    """How many clips a day are ready in time, to two digits and never more: a simulated queue knows no more."""
    step = 10 ** max(0, len(str(int(plan.clips_a_day))) - 2)
    return f"{int(plan.clips_a_day) // step * step:,}"


def in_time_words() -> str:
    """What `carried_words` counts."""
    return (
        f"{NEARLY_ALL * 100:.0f} % of jobs of {CLIPS_A_JOB} clips ready within "
        f"{LONGEST_WAIT_S / 60:.0f} minutes"
    )
