"""What a language changes: services that were told the same, next to each other (claims C3, C4c, C5a, C5c).

Of two services one start each is a pair, in the same block. Only where both gave ffmpeg the same words is a
difference the language's; rows as sketched are shown beside and called what they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from clipkit import format as fmt
from clipkit.claims.bodies import LANGUAGES
from clipkit.claims.changes import effect
from clipkit.claims.evidence import (
    Evidence,
    blocks_of,
    paired_blocks,
    quotients,
    rest_s,
    split,
)
from clipkit.claims.originals import PRESET, SERVICE, Variants, set_up_alike
from clipkit.claims.rules import AS_FAST, PARALLEL, STAYS_ONE, THREE_TIMES, Claimed
from clipkit.claims.verdict import Effect, Variant
from clipkit.plan.services import SKETCHED
from clipkit.records.condition import Condition

THREE = 3
"""How many at once the claims speak of."""


def language_pairs(variants: Variants) -> Iterator[tuple[Variant, Variant]]:
    """Node.js' service and each other one that was told the same."""
    for before in variants:
        if before.service == SERVICE:
            for after in sorted(variants, key=lambda variant: variant.subject):
                if after.service not in (None, SERVICE) and _told_the_same(before, after):
                    yield before, after


def parallel_time_effects(evidence: Evidence) -> Iterator[Effect]:
    """Each language in place of Node.js; judged is Rust, where clips run at the same time."""
    return _times(
        evidence, PARALLEL, lambda after, at_once: after.service == "rust" and at_once > 1
    )


def python_time_effects(evidence: Evidence) -> Iterator[Effect]:
    """Python in place of Node.js, however many clips run at the same time."""
    found = _times(evidence, AS_FAST, lambda after, _at_once: after.service == "python")
    return (own for own in found if own.after.variant.service == "python")


def whole_change_effects(evidence: Evidence) -> Iterator[Effect]:
    """Rust with three at once in place of Node.js with one; beside it each of the two changes alone."""
    for condition, variants in evidence.conditions():
        for change, (services, at_once) in _STEPS.items():
            for pair in _pairs_across(variants, services, at_once):
                found = effect(evidence, condition, pair, change, THREE_TIMES)
                if found.ratio is None and change != _BOTH:
                    continue
                yield replace(found, judged=change == _BOTH)


def parallel_gain_effects(evidence: Evidence) -> Iterator[Effect]:
    """Three at once in place of one, in each language; judged is Python. Then what Python gains by it in
    proportion to what Node.js gains."""
    for condition, variants in evidence.conditions():
        gains = {}
        for name in LANGUAGES:
            for before, after in _pairs_across(variants, (name, name), (1, THREE)):
                change = f"{LANGUAGES[name]}, {THREE} at once"
                found = effect(evidence, condition, (before, after), change, STAYS_ONE)
                gains[name] = quotients(
                    blocks_of(variants[before], rest_s), blocks_of(variants[after], rest_s)
                )
                yield replace(found, judged=name == "python")
                if name == "python" and SERVICE in gains:
                    ratio = paired_blocks(gains[name], gains[SERVICE])
                    yield replace(found, change=GAINS, ratio=ratio, judged=False, why="")


GAINS = "Python's gain over Node.js', at equal work of ffmpeg"

_BOTH = f"Rust, {THREE} at once, in place of Node.js, one at a time"
_STEPS = {
    _BOTH: ((SERVICE, "rust"), (1, THREE)),
    "the language alone, one at a time": ((SERVICE, "rust"), (1, 1)),
    f"{THREE} at once alone, in Rust": (("rust", "rust"), (1, THREE)),
}


def _pairs_across(
    variants: Variants, services: tuple[str, str], at_once: tuple[int, int]
) -> Iterator[tuple[Variant, Variant]]:
    for one in set_up_alike(variants, services[0], at_once[0]):
        for other in set_up_alike(variants, services[1], at_once[1]):
            if one.settings.changed_to(concurrency=at_once[1]) == other.settings:
                yield one, other


def _times(
    evidence: Evidence, claimed: Claimed, is_judged: Callable[[Variant, int], bool]
) -> Iterator[Effect]:
    for condition, variants in evidence.conditions():
        for before, after in language_pairs(variants):
            found = effect(
                evidence, condition, (before, after), _change(condition, before, after), claimed
            )
            judged = is_whole_job(condition, after) and is_judged(after, found.at_once)
            parts = split(variants[before], variants[after]) if found.ratio else None
            if not judged and parts is None:
                continue
            yield replace(found, judged=judged, split=parts)


def is_whole_job(condition: Condition, variant: Variant) -> bool:
    """Whether a service told as all are had more clips to cut than at the same time: only then does it
    matter how soon it takes the next one."""
    return variant.is_plain and condition.clips > int(variant.settings.concurrency)


def _told_the_same(one: Variant, other: Variant) -> bool:
    """Sketches differ in what they pass on, and were asked for the same."""
    if (one.argv, one.environment) != (other.argv, other.environment):
        return False
    if one.argv == SKETCHED:
        return bool(one.settings.concurrency == other.settings.concurrency)
    return one.settings == other.settings


def _change(condition: Condition, before: Variant, after: Variant) -> str:
    """`Rust, 3 at once`, `Rust as sketched, one at a time, seeking after the input`."""
    at_once = min(after.settings.concurrency, condition.clips)
    name = LANGUAGES.get(after.service or "", after.subject)
    told = [
        f"{name} as sketched" if after.is_sketched else name,
        "one at a time" if at_once == 1 else f"{at_once} at once",
    ]
    if after.settings.seek == "output":
        told.append("seeking after the input")
    if after.settings.preset != PRESET:
        told.append(after.settings.preset)
    if after.is_plain and after.settings.encoder_threads != 1:
        told.append(fmt.counted(after.settings.encoder_threads, "thread"))
    if before.environment:
        told.append(before.environment)
    return ", ".join(told)
