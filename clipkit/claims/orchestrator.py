"""What any rewrite of the orchestrator could gain: its own share of CPU and memory (claim C1)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from clipkit.analysis.statistics import Estimate, geometric_mean
from clipkit.claims.changes import originals
from clipkit.claims.evidence import Evidence, Runs, side_of
from clipkit.claims.rules import ORCHESTRATOR
from clipkit.claims.verdict import Effect
from clipkit.records.status import is_finished


def orchestrator_effects(evidence: Evidence) -> Iterator[Effect]:
    """The original against itself with an orchestrator that needs neither CPU nor memory.

    Run by run the gain is at most wall / (wall - own), as if no clip were cut while it works: its
    CPU seconds last longer where the host has less than one CPU.
    """
    for condition, variants in evidence.conditions():
        for original in originals(variants):
            runs = variants[original]
            bound = _bound(runs)
            own = [r.orchestrator_peak_rss_bytes for r in runs if r.orchestrator_peak_rss_bytes]
            with_it = side_of(original, runs)
            peak_bytes = with_it.peak_bytes
            without_bytes = peak_bytes - max(own) if peak_bytes is not None and own else None
            without = replace(with_it, peak_bytes=without_bytes)
            finding, why = ORCHESTRATOR.judge(condition, bound, with_it, without)
            yield Effect(
                condition=condition,
                change="a free orchestrator",
                before=with_it,
                after=without,
                ratio=bound,
                size=None,
                finding=finding,
                why=why,
            )


def _bound(runs: Runs) -> Estimate | None:
    """None where no run tells it, or one in which the orchestrator's own time may be all of it."""
    bounds = []
    for run in runs:
        if is_finished(run) and run.wall_s and run.orchestrator_cpu_s is not None:
            own_s = run.orchestrator_cpu_s / min(1.0, run.cpu_quota or 1.0)
            if own_s >= run.wall_s:
                return None
            bounds.append(run.wall_s / (run.wall_s - own_s))
    return geometric_mean(bounds) if bounds else None
