"""What a language changes: services that were told the same, next to each other (claims C3, C4c, C5a, C5c).

Of two services one start each is a pair, in the same block. Only where both gave ffmpeg the same words is a
difference the language's; rows as sketched are shown beside and called what they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from clipkit import format as fmt
from clipkit.claims.bodies import LANGUAGES
from clipkit.claims.changes import PRESET, effect
from clipkit.claims.evidence import (
    Evidence,
    Runs,
    blocks_of,
    paired_blocks,
    quotients,
    rest_s,
    side_of,
    split,
)
from clipkit.claims.rules import AS_FAST, PARALLEL, STAYS_ONE, THREE_TIMES, Claimed
from clipkit.claims.verdict import Effect, Finding, Variant
from clipkit.plan.services import SKETCHED
from clipkit.records.condition import Condition

AGAINST = "node"
"""The service that the others are compared with: the original's language."""
THREE = 3

Variants = Mapping[Variant, Runs]


def language_pairs(variants: Variants) -> Iterator[tuple[Variant, Variant]]:
    """Node.js' service and each other one that was told the same."""
    for before in variants:
        if before.service == AGAINST:
            for after in sorted(variants, key=lambda variant: variant.subject):
                if after.service not in (None, AGAINST) and _told_the_same(before, after):
                    yield before, after


def parallel_time_effects(evidence: Evidence) -> Iterator[Effect]:
    """Each language in place of Node.js; judged is Rust, where clips run at the same time."""
    return _times(
        evidence, PARALLEL, lambda pair, at_once: pair.service == "rust" and at_once > 1
    )


def python_time_effects(evidence: Evidence) -> Iterator[Effect]:
    """Python in place of Node.js, however many clips run at the same time."""
    found = _times(evidence, AS_FAST, lambda pair, _at_once: pair.service == "python")
    return (own for own in found if own.after.variant.service == "python")


def whole_change_effects(evidence: Evidence) -> Iterator[Effect]:
    """Rust with three at once in place of Node.js with one."""
    for condition, variants in evidence.conditions():
        for before, after in _pairs_across(variants, AGAINST, "rust", (1, THREE)):
            change = f"Rust, {THREE} at once, in place of Node.js, one at a time"
            yield effect(evidence, condition, (before, after), change, THREE_TIMES)


def parallel_gain_effects(evidence: Evidence) -> Iterator[Effect]:
    """Three at once in place of one, in each language; judged is Python. Then what Python gains by it in
    proportion to what Node.js gains."""
    for condition, variants in evidence.conditions():
        gains = {}
        for name in LANGUAGES:
            for before, after in _pairs_across(variants, name, name, (1, THREE)):
                change = f"{LANGUAGES[name]}, {THREE} at once"
                found = effect(evidence, condition, (before, after), change, STAYS_ONE)
                gains[name] = quotients(
                    blocks_of(variants[before], rest_s), blocks_of(variants[after], rest_s)
                )
                yield replace(found, judged=name == "python")
                if name == "python" and AGAINST in gains:
                    ratio = paired_blocks(gains[name], gains[AGAINST])
                    yield replace(found, change=GAINS, ratio=ratio, judged=False, why="")


GAINS = "Python's gain over Node.js', at equal work of ffmpeg"


def one_at_a_time(variants: Variants, service: str, at_once: int = 1) -> Iterator[Variant]:
    """A service as the original is set up, but for how many clips run at the same time."""
    for variant in variants:
        own = variant.settings
        told = (own.preset, own.seek, own.encoder_threads, own.concurrency)
        if (variant.service, variant.is_plain) == (service, True) and told == (
            PRESET,
            "input",
            1,
            at_once,
        ):
            yield variant


def _pairs_across(
    variants: Variants, before: str, after: str, at_once: tuple[int, int]
) -> Iterator[tuple[Variant, Variant]]:
    for one in one_at_a_time(variants, before, at_once[0]):
        for other in one_at_a_time(variants, after, at_once[1]):
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
            judged = after.is_plain and is_judged(after, found.at_once)
            parts = split(variants[before], variants[after]) if found.ratio else None
            yield replace(found, judged=judged, split=parts)


def _told_the_same(one: Variant, other: Variant) -> bool:
    """Sketches differ in what they pass on, and were asked for the same."""
    if (one.argv, one.environment) != (other.argv, other.environment):
        return False
    if one.argv == SKETCHED:
        return one.settings.concurrency == other.settings.concurrency
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
