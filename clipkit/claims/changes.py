"""The effects of changes to the original: concurrency, threads, preset, all three, moviepy, and
clipkit's best settings (claims C6 to C9, C12 and C13)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from clipkit.analysis.statistics import geometric_mean
from clipkit.claims.evidence import Evidence, Runs, paired, side_of
from clipkit.claims.originals import PRESET, SERVICE, originals, set_up_alike
from clipkit.claims.rules import (
    ALL_TOGETHER,
    AT_MOST,
    MORE_AT_ONCE,
    MORE_THREADS,
    NO_PRICE,
    STILL_FAST,
    Claimed,
)
from clipkit.claims.verdict import Effect, Variant
from clipkit.plan.subjects import ENGINE
from clipkit.records.condition import Condition
from clipkit.settings import Settings, UsedSettings, knobs


@dataclass(frozen=True, slots=True)
class Changed:
    """Settings that a claim changes, of the original's command and of its service: the value that the claim
    names, which is judged, of each. Other values of the same settings are shown beside it."""

    values: Mapping[str, object]
    claimed: Claimed

    def effects(self, evidence: Evidence) -> Iterator[Effect]:
        for condition, variants in evidence.conditions():
            for before in (*originals(variants), *set_up_alike(variants, SERVICE)):
                for after in sorted(variants, key=_order):
                    if after.subject == before.subject and self._is_of_it(before, after):
                        words = self._words(after)
                        found = effect(evidence, condition, (before, after), words, self.claimed)
                        yield replace(found, judged=self._is_named(after.settings))

    def _is_named(self, after: UsedSettings) -> bool:
        return all(getattr(after, name) == value for name, value in self.values.items())

    def _is_of_it(self, before: Variant, after: Variant) -> bool:
        """Whether `after` changes at least two of several settings, or the only one, and no other."""
        differing = {
            knob.name
            for knob in knobs()
            if getattr(before.settings, knob.name) != getattr(after.settings, knob.name)
        }
        return differing <= self.values.keys() and len(differing) >= min(2, len(self.values))

    def _words(self, after: Variant) -> str:
        """Such as `3 at once, 4 threads`, `the service, 3 at once`."""
        usual = Settings(preset=PRESET)
        said = ["the service"] if after.service else []
        for name in self.values:
            value = getattr(after.settings, name)
            if value != getattr(usual, name):
                said.append(WORDS[name](value))
        return ", ".join(said)


WORDS: dict[str, Callable[[object], str]] = {
    "concurrency": lambda value: f"{value} at once",
    "encoder_threads": lambda value: f"{value} threads" if value else "ffmpeg's own threads",
    "preset": str,
}


def moviepy_effects(evidence: Evidence) -> Iterator[Effect]:
    """moviepy in place of the original's command line, both with the same preset."""
    for condition, variants in evidence.conditions():
        for before in originals(variants):
            for after in sorted(variants, key=_order):
                if after.subject == "moviepy" and after.settings.preset == PRESET:
                    count = after.settings.encoder_threads
                    threads = "1 thread" if count == 1 else WORDS["encoder_threads"](count)
                    change = f"moviepy, {threads}"
                    yield effect(evidence, condition, (before, after), change, NO_PRICE)


def best_effects(evidence: Evidence) -> Iterator[Effect]:
    """clipkit's fastest settings of the original's preset and CRF, against each of its readings."""
    for condition, variants in evidence.conditions():
        sketches = [v for v in variants if v.subject == "sketch" and v.settings.preset == PRESET]
        for before in [*sketches, *originals(variants)]:
            ours = [
                variant
                for variant, runs in variants.items()
                if variant.subject == ENGINE
                and variant.settings.preset == PRESET
                and variant.settings.crf == before.settings.crf
                and any(record.cell in evidence.fastest for record in runs)
            ]
            if ours:
                after = min(ours, key=lambda variant: _wall_s(variants[variant]))
                change = f"clipkit's best against {before.subject}"
                yield effect(evidence, condition, (before, after), change, AT_MOST)


def effect(
    evidence: Evidence,
    condition: Condition,
    pair: tuple[Variant, Variant],
    change: str,
    claimed: Claimed,
) -> Effect:
    """What one variant does in place of another, judged by `claimed`."""
    variants = evidence.runs[condition]
    before, after = pair
    ratio = evidence.speedup(variants[before], variants[after])
    sides = side_of(before, variants[before]), side_of(after, variants[after])
    finding, why = claimed.judge(condition, ratio, *sides)
    return Effect(
        condition=condition,
        change=change,
        before=sides[0],
        after=sides[1],
        ratio=ratio,
        size=paired(variants[after], variants[before], lambda run: run.output_bytes),
        finding=finding,
        why=why,
    )


CONCURRENCY = Changed({"concurrency": 3}, MORE_AT_ONCE)
THREADS = Changed({"encoder_threads": 4}, MORE_THREADS)
BETTER_PRESET = Changed({"preset": "veryfast"}, STILL_FAST)
TOGETHER = Changed({"concurrency": 3, "encoder_threads": 4, "preset": "veryfast"}, ALL_TOGETHER)


def _wall_s(runs: Runs) -> float:
    return geometric_mean([record.wall_s for record in runs if record.wall_s]).value


def _order(variant: Variant) -> tuple[object, ...]:
    s = variant.settings
    return variant.subject, s.concurrency, s.encoder_threads, s.preset
