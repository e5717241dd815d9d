"""Whether several clips at once fit the ceiling, and how many would (claim C2)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from clipkit import format as fmt
from clipkit.claims.changes import WORDS
from clipkit.claims.evidence import Evidence, Runs, side_of
from clipkit.claims.language_memory import OWN_MEMORY, own_peak_bytes
from clipkit.claims.originals import READINGS, SERVICE, originals, set_up_alike
from clipkit.claims.rules import one_after_another
from clipkit.claims.verdict import Effect, Finding, Fit, Side, Variant
from clipkit.format import MIB
from clipkit.records.best import USABLE_FRACTION, leaves_margin, margin_words
from clipkit.records.condition import Condition
from clipkit.records.status import Status

CEILING_BYTES = 512 * MIB
"""The plan that the claim speaks of."""


def parallel_effects(evidence: Evidence) -> Iterator[Effect]:
    """Every variant that cut several clips at once under that ceiling or a lower one, against the original.
    Commands of the original's kind and its own service are judged, whatever their preset and threads; what
    clipkit's engine and other services need is shown beside."""
    for condition, variants in evidence.conditions():
        if condition.memory_bytes is None or condition.memory_bytes > CEILING_BYTES:
            continue
        for after, runs in variants.items():
            alone = next(_original_of(after, variants), None)
            settings = after.settings
            if min(settings.concurrency or 1, condition.clips) < 2:  # null: nobody knows
                continue
            several = side_of(after, runs)
            finding, why = one_after_another(condition, CEILING_BYTES, several)
            threads = "" if settings.encoder_threads == 1 else f", {_threads(after)}"
            yield Effect(
                condition=condition,
                change=f"{after.subject}, {settings.preset}, {settings.concurrency} at once{threads}",
                before=side_of(alone, variants[alone]) if alone else None,
                after=several,
                ratio=evidence.speedup(variants[alone], runs) if alone else None,
                size=None,
                finding=finding,
                why=why,
                judged=after.subject in (*READINGS, SERVICE),
            )


def _original_of(after: Variant, variants: Mapping[Variant, Runs]) -> Iterator[Variant]:
    """A service is compared with itself, any command with the original's."""
    return set_up_alike(variants, after.service) if after.service else originals(variants)


def beside_the_service(effects: Sequence[Effect], evidence: Sequence[Evidence]) -> Iterator[Effect]:
    """A command that fitted alone needs the service's memory beside it, as far as that was measured. And what
    needed too much of a kind of which several fitted is shown beside: that more ran out says nothing of
    two."""
    own_bytes = _service_bytes(evidence)
    known = [_with_service(effect, own_bytes) for effect in effects]
    fitted = {_kind(effect) for effect in known if effect.finding is Finding.OPPOSITE}
    for effect in known:
        too_many = effect.finding is not Finding.OPPOSITE and _kind(effect) in fitted
        yield replace(effect, judged=effect.judged and not too_many)


def _service_bytes(evidence: Sequence[Evidence]) -> int:
    """The most that the original's service needs of itself; 0 where it was not measured."""
    starts = tuple(run for own in evidence for run in own.all_runs() if run.served.who == SERVICE)
    return max((own_peak_bytes(starts, figure) or 0 for figure in OWN_MEMORY.values()), default=0)


def _with_service(effect: Effect, own_bytes: int) -> Effect:
    peak_bytes, room_bytes = effect.after.peak_bytes, effect.condition.room_bytes
    alone = effect.finding is Finding.OPPOSITE and not effect.is_served
    if not alone or peak_bytes is None or leaves_margin(peak_bytes + own_bytes, room_bytes):
        return effect
    why = f"ended well, but leaves less than {margin_words()} free beside the service's {fmt.size(own_bytes)}"
    return replace(effect, finding=Finding.NOT_DECIDED, why=why)


def _kind(effect: Effect) -> tuple[object, ...]:
    """What differs in nothing but how many are cut at once, on hosts of one memory."""
    after, condition = effect.after.variant, effect.condition
    alone = replace(after, settings=after.settings.changed_to(concurrency=1))
    return alone, condition.lines, condition.room_bytes


def fits_at_once(evidence: Evidence) -> tuple[Fit, ...]:
    """For each size of frame, command and preset (one thread a clip; of services `capacity` tells): how many
    at once leave the usual margin free; the fewest of all conditions of that size, and fewer than ever ran out."""
    fewest: dict[tuple[object, ...], Fit] = {}
    too_many = _ran_out(evidence)
    for condition, variants in evidence.conditions():
        room_bytes = condition.room_bytes
        if room_bytes is None or (condition.memory_bytes or 0) > CEILING_BYTES:
            continue
        for sides in _families(condition, variants):
            fit = _fit(condition, room_bytes, sides)
            key = (fit.subject, fit.preset, fit.lines, fit.room_bytes) if fit else ()
            if fit and key in too_many:
                fit = replace(fit, clips=min(fit.clips, too_many[key] - 1))
            if fit and (key not in fewest or fit.clips < fewest[key].clips):
                fewest[key] = fit
    return tuple(sorted(fewest.values(), key=lambda fit: (fit.subject, fit.preset, fit.lines)))


def _ran_out(evidence: Evidence) -> dict[tuple[object, ...], int]:
    """Subject, preset, size and room -> the fewest clips at once that ran out, one thread a clip."""
    fewest: dict[tuple[object, ...], int] = {}
    for condition, variants in evidence.conditions():
        for variant, runs in variants.items():
            settings = variant.settings
            if settings.encoder_threads == 1 and side_of(variant, runs).status is Status.OOM:
                key = (variant.subject, settings.preset, condition.lines, condition.room_bytes)
                at_once = min(settings.concurrency, condition.clips)
                fewest[key] = min(fewest.get(key, at_once), at_once)
    return fewest


def _families(condition: Condition, variants: Mapping[Variant, Runs]) -> Iterator[dict[int, Side]]:
    """Variants that differ in nothing but the number of clips at once: that number -> the side."""
    families: dict[Variant, dict[int, Side]] = {}
    for variant, runs in variants.items():
        one = side_of(variant, runs)
        alone = variant.service is None and variant.settings.encoder_threads == 1
        if alone and one.status is Status.OK and one.peak_bytes:
            family = replace(variant, settings=variant.settings.changed_to(concurrency=1))
            at_once = min(variant.settings.concurrency, condition.clips)
            families.setdefault(family, {})[at_once] = one
    yield from families.values()


def _fit(condition: Condition, room_bytes: int, sides: Mapping[int, Side]) -> Fit | None:
    """The line through the fewest and the most at once that were run."""
    fewest, most = min(sides), max(sides)
    low, high = (sides[n].peak_bytes or 0 for n in (fewest, most))
    if high <= low:
        return None
    each_bytes = (high - low) / (most - fewest)
    one_bytes = low - each_bytes * (fewest - 1)
    variant = sides[most].variant
    return Fit(
        subject=variant.subject,
        preset=variant.settings.preset,
        lines=condition.lines,
        room_bytes=room_bytes,
        one_bytes=int(one_bytes),
        each_more_bytes=each_bytes,
        measured_clips=most,
        clips=max(0, 1 + math.floor((USABLE_FRACTION * room_bytes - one_bytes) / each_bytes)),
    )


def _threads(variant: Variant) -> str:
    return WORDS["encoder_threads"](variant.settings.encoder_threads)
