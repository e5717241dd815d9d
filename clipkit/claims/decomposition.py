"""`Rust: 12 clips, 3 at once, 48 s instead of 144 s`: what of it comes from the language, what from three at
once, what from the seek. One computation, for verdicts and notebooks alike. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

import pandas as pd

from clipkit import format as fmt
from clipkit.analysis.equivalence import MARGIN, is_equivalent
from clipkit.analysis.pooling import pool_all
from clipkit.analysis.statistics import Estimate
from clipkit.claims.evidence import (
    Evidence,
    Runs,
    blocks_of,
    gather_runs,
    paired_blocks,
    split,
)
from clipkit.claims.languages import THREE
from clipkit.claims.originals import SERVICE, set_up_alike
from clipkit.claims.words import and_listed, ratio_words
from clipkit.model.cpu import most_from_idle
from clipkit.records.condition import Condition
from clipkit.records.record import Record

CLAIMED = 144 / 48
"""Times as fast, as the analysis says."""

LANGUAGE, AT_WORK, AT_ONCE, TOGETHER, LEFT, BY_LAW, SEEK = (
    "language",
    "language, at equal work of ffmpeg",
    "three at once",
    "language and three at once",
    "what is left of the claimed 3x",
    "three at once, at most by the law of idle CPU",
    "seek before the input in place of after",
)
"""The parts, as the table names them."""


@dataclass(frozen=True, slots=True)
class Part:
    """One factor of a job's time under one condition: `times` as fast, its 95 % interval, pairs of starts.
    Of what is computed and not measured there is no interval, and no start."""

    condition: str
    cpus: float | None
    part: str
    before: str
    after: str
    times: float
    low: float | None
    high: float | None
    starts: int


def decomposition(*tables: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Of campaigns' tables: the factors as a table, one row each, and what they say, in a sentence.

    The table's columns are `condition`, `cpus`, `part`, `before`, `after`, `times`, `low`, `high`, `starts`; it is
    empty, and the sentence says so, where Rust and Node.js were not measured next to each other.
    """
    parts = [part for evidence in gather_runs(tables) for part in parts_of(evidence)]
    columns = list(Part.__dataclass_fields__)
    return pd.DataFrame([asdict(part) for part in parts], columns=columns), in_a_sentence(parts)


def parts_of(evidence: Evidence) -> Iterator[Part]:
    """Under each condition in which Node.js and Rust cut one at a time, and Rust three at once."""
    for condition, variants in evidence.conditions():
        found = [
            next(iter(set_up_alike(variants, service, at_once)), None)
            for service, at_once in ((SERVICE, 1), ("rust", 1), ("rust", THREE))
        ]
        node, rust, three = (variants[own] if own else None for own in found)
        if node and rust and three:
            yield from _of_one(evidence, condition, node, rust, three)
    yield from _seeks(evidence)


def _of_one(
    evidence: Evidence, condition: Condition, node: Runs, rust: Runs, three: Runs
) -> Iterator[Part]:
    names = "Node.js, one at a time", "Rust, one at a time", f"Rust, {THREE} at once"
    if ratio := evidence.speedup(node, rust):
        yield _part(condition, LANGUAGE, names[:2], ratio)
    if parts := split(node, rust):
        yield _part(condition, AT_WORK, names[:2], parts.rest)
    if ratio := evidence.speedup(rust, three):
        yield _part(condition, AT_ONCE, names[1:], ratio)
    if ratio := evidence.speedup(node, three):
        yield _part(condition, TOGETHER, (names[0], names[2]), ratio)
        yield _part(condition, LEFT, ("measured", "claimed"), _remainder(ratio))
    if (cores := _cores(rust)) and condition.cpus:
        at_most = Estimate(most_from_idle(cores, condition.cpus), None, None, 0)
        yield _part(condition, BY_LAW, names[1:], at_most)


def _remainder(ratio: Estimate) -> Estimate:
    low, high = ratio.interval or (None, None)
    return Estimate(CLAIMED / ratio.value, high and CLAIMED / high, low and CLAIMED / low, ratio.n)


def _seeks(evidence: Evidence) -> Iterator[Part]:
    """A clip in the film's middle that seeks after the input, against the mean of those of a job that seeks
    before it, spread evenly over the same film: decoding from its first frame costs as much on average.
    Every language by itself, then all as one."""
    found: dict[Condition, list[Estimate]] = {}
    for condition, variants in evidence.conditions():
        for late, runs in variants.items():
            if late.service and late.is_plain and late.settings.seek == "output":
                sooner = _seeking_before(evidence, condition, late.service)
                after = blocks_of(runs, _clip_s)
                ratio = paired_blocks(after, blocks_of(sooner, _clip_s)) if sooner else None
                if ratio:
                    found.setdefault(condition, []).append(ratio)
    for condition, each in found.items():
        if pooled := pool_all(each):
            told = Estimate(
                pooled.estimate.value,
                pooled.estimate.low,
                pooled.estimate.high,
                sum(own.n for own in each),
            )
            yield _part(condition, SEEK, ("after the input", "before the input"), told)


def _seeking_before(evidence: Evidence, late: Condition, service: str) -> Runs | None:
    """One at a time, on the same host, of the same film and length."""
    for condition, variants in evidence.conditions():
        if (condition.host, condition.upload_sha256, condition.clip_s) == (
            late.host,
            late.upload_sha256,
            late.clip_s,
        ):
            for variant in set_up_alike(variants, service):
                return variants[variant]
    return None


def _clip_s(run: Record) -> float | None:
    """A clip's ffmpeg, of all its clips the mean."""
    return statistics.fmean(run.clip_wall_s) if run.clip_wall_s else None


def _cores(runs: Runs) -> float | None:
    known = [run.cpu_s / run.wall_s for run in runs if run.wall_s and run.ffmpeg_cpu_s]
    return statistics.fmean(known) if known else None


def _part(condition: Condition, part: str, sides: tuple[str, ...], ratio: Estimate) -> Part:
    before, after = sides
    return Part(
        condition.words,
        condition.cpus,
        part,
        before,
        after,
        ratio.value,
        ratio.low,
        ratio.high,
        ratio.n,
    )


def in_a_sentence(parts: Sequence[Part]) -> str:
    """`Of 48 s instead of 144 s (3x) the language brings …`."""
    if not any(part.part == TOGETHER for part in parts):
        return "Rust with three at once and Node.js with one were not measured next to each other."
    said = [
        f"of the claimed {fmt.ratio(CLAIMED)} (48 s instead of 144 s) the language brings "
        f"{_by_place(parts, LANGUAGE)}{_as_fast(parts)}, three at once {_by_place(parts, AT_ONCE)}, both together "
        f"{_by_place(parts, TOGETHER)}",
        f"a factor of {_by_place(parts, LEFT)} is left that neither gives",
    ]
    if any(part.part == BY_LAW for part in parts):
        said.append(
            f"by the law of idle CPU three at once bring at most {_by_place(parts, BY_LAW)}"
        )
    if any(part.part == SEEK for part in parts):
        said.append(
            f"the seek before the input in place of after it makes a clip {_by_place(parts, SEEK)} as fast in "
            "every language alike; the analysis' sketch for Rust seeks after it, its library for Node.js "
            "before"
        )
    return "; ".join(said)


def _by_place(parts: Sequence[Part], name: str) -> str:
    own = [part for part in parts if part.part == name]
    return and_listed(
        f"{ratio_words(_estimate(part)) if part.starts else fmt.ratio(part.times)} at {fmt.cpus(part.cpus)}"
        for part in own
    )


def _as_fast(parts: Sequence[Part]) -> str:
    """What is left where ffmpeg's own work is taken out, and whether that is shown to be nothing."""
    own = [_estimate(part) for part in parts if part.part == AT_WORK]
    if not own:
        return ""
    alike = all(map(is_equivalent, own))
    shown = f", as fast: within {100 * (MARGIN - 1):.0f} %" if alike else ""
    return f" (at equal work of ffmpeg {_by_place(parts, AT_WORK)}{shown})"


def _estimate(part: Part) -> Estimate:
    return Estimate(part.times, part.low, part.high, part.starts, max(1, part.starts - 1))
