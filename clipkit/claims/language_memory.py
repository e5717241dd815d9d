"""What memory a language takes: the services' own, without their ffmpegs, next to each other (claims C4a, C5b)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from clipkit.analysis.statistics import Estimate
from clipkit.claims.evidence import Evidence, Figure, Runs, paired, side_of
from clipkit.claims.factors import MOMENTS
from clipkit.claims.languages import language_pairs
from clipkit.claims.rules import LESS_MEMORY, MORE_MEMORY, Claimed
from clipkit.claims.verdict import Effect, Side, Variant
from clipkit.records.status import Status

OWN_MEMORY: dict[str, Figure] = dict(
    zip(
        MOMENTS,
        (
            lambda run: run.served.service_rest_bytes,
            lambda run: run.served.service_upload_peak_bytes,
            lambda run: run.served.service_clips_peak_bytes,
        ),
        strict=True,
    )
)
"""By what of a record a service's own memory is told at each moment."""


def less_memory_effects(evidence: Evidence) -> Iterator[Effect]:
    """Node.js' memory over Rust's: how many times as much it needs."""
    return _effects(evidence, "rust", LESS_MEMORY, paired)


def more_memory_effects(evidence: Evidence) -> Iterator[Effect]:
    """Python's memory over Node.js'."""
    return _effects(evidence, "python", MORE_MEMORY, lambda node, own, of: paired(own, node, of))


def own_peak_bytes(runs: Runs, figure: Figure) -> int | None:
    """The highest of all starts."""
    known = [value for run in runs if run.status is Status.OK and (value := figure(run))]
    return int(max(known)) if known else None


def _effects(
    evidence: Evidence,
    language: str,
    claimed: Claimed,
    compare: Callable[[Runs, Runs, Figure], Estimate | None],
) -> Iterator[Effect]:
    """Sketches and other seeks are left out: other words for ffmpeg are none for the service's own memory."""
    for condition, variants in evidence.conditions():
        for before, after in language_pairs(variants):
            other_words = not after.is_plain or after.settings.seek != "input"
            if after.service != language or other_words:
                continue
            node, own = variants[before], variants[after]
            for moment, figure in OWN_MEMORY.items():
                sides = _side(before, node, figure), _side(after, own, figure)
                ratio = compare(node, own, figure)
                if ratio is None:
                    continue
                finding, why = claimed.judge(condition, ratio, *sides)
                yield Effect(
                    condition=condition,
                    change=moment,
                    before=sides[0],
                    after=sides[1],
                    ratio=ratio,
                    size=None,
                    finding=finding,
                    why=why,
                )


def _side(variant: Variant, runs: Runs, figure: Figure) -> Side:
    """Its peak is the service's own."""
    return replace(side_of(variant, runs), peak_bytes=own_peak_bytes(runs, figure))
