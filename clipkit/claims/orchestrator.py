"""What any rewrite of the orchestrator could gain: its own share of CPU, time and memory (claim C1)."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import replace

from clipkit.analysis.statistics import Estimate, geometric_mean
from clipkit.claims.bodies import LANGUAGES
from clipkit.claims.evidence import Evidence, Runs, side_of
from clipkit.claims.languages import is_whole_job
from clipkit.claims.originals import originals, set_up_alike
from clipkit.claims.rules import ORCHESTRATOR
from clipkit.claims.verdict import Effect, Overhead, Side, Variant
from clipkit.records.condition import Condition
from clipkit.records.record import Record
from clipkit.records.status import is_finished

_AT_ONCE = (1, 2, 3)


def orchestrator_effects(evidence: Evidence) -> Iterator[Effect]:
    """The original against itself with an orchestrator that needs neither CPU nor memory: its command, run
    by clipkit's engine, and each of the services, of which those are judged that cut one clip at a time.

    Run by run the gain is at most wall / (wall - own), as if no clip were cut while it works: its
    CPU seconds last longer where the host has less than one CPU. A service's own is also the time in which
    none of its ffmpegs ran.
    """
    for condition, variants in evidence.conditions():
        for original in originals(variants):
            yield _effect(condition, original, variants[original])
        for service, name in LANGUAGES.items():
            for at_once in _AT_ONCE:
                for variant in set_up_alike(variants, service, at_once):
                    found = _effect(condition, variant, variants[variant])
                    if found.ratio is None:
                        continue
                    told = "one at a time" if at_once == 1 else f"{at_once} at once"
                    judged = at_once == 1 and is_whole_job(condition, variant)
                    yield replace(found, change=f"{name}, {told}", judged=judged)


def _effect(condition: Condition, variant: Variant, runs: Runs) -> Effect:
    bound, with_it = _bound(runs), side_of(variant, runs)
    without = _without(with_it, runs)
    finding, why = ORCHESTRATOR.judge(condition, bound, with_it, without)
    return Effect(
        condition=condition,
        change="a free orchestrator",
        before=with_it,
        after=without,
        ratio=bound,
        size=None,
        finding=finding,
        why=why,
        overhead=_overhead(runs),
    )


def _without(with_it: Side, runs: Runs) -> Side:
    own = [run.orchestrator_peak_rss_bytes for run in runs if run.orchestrator_peak_rss_bytes]
    known = with_it.peak_bytes is not None and own
    return replace(with_it, peak_bytes=(with_it.peak_bytes or 0) - max(own) if known else None)


def _bound(runs: Runs) -> Estimate | None:
    """None where no run tells it, or one in which the orchestrator's own time may be all of it."""
    bounds = []
    for run in runs:
        own_s = _own_s(run)
        if is_finished(run) and run.wall_s and own_s is not None:
            if own_s >= run.wall_s:
                return None
            bounds.append(run.wall_s / (run.wall_s - own_s))
    return geometric_mean(bounds) if bounds else None


def _own_s(run: Record) -> float | None:
    """At most so much of the wall time is the orchestrator's."""
    if run.orchestrator_cpu_s is None:
        return None
    gaps_s = run.served.service_gaps_s
    if run.served.service and gaps_s is None:
        return None
    return run.orchestrator_cpu_s / min(1.0, run.cpu_quota or 1.0) + (gaps_s or 0.0)


def _overhead(runs: Runs) -> Overhead | None:
    """Of a service, means of its starts."""
    known = [
        (run.orchestrator_cpu_s / run.cpu_s, run.served.service_gaps_s / run.wall_s)
        for run in runs
        if is_finished(run)
        and run.wall_s
        and run.cpu_s
        and run.orchestrator_cpu_s is not None
        and run.served.service_gaps_s is not None
    ]
    if not known:
        return None
    own, gaps = zip(*known, strict=True)
    return Overhead(statistics.fmean(own), statistics.fmean(gaps))
