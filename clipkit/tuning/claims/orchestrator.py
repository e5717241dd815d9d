"""What any rewrite of the orchestrator could gain: its own share of CPU and memory (claim C1)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from clipkit.analysis.statistics import geometric_mean
from clipkit.tuning.claims.changes import originals
from clipkit.tuning.claims.evidence import Evidence, side
from clipkit.tuning.claims.rules import ORCHESTRATOR
from clipkit.tuning.claims.verdict import Effect
from clipkit.tuning.screening import finished


def effects(evidence: Evidence) -> Iterator[Effect]:
    """The original against itself with an orchestrator that needs neither CPU nor memory.

    The gain is at most 1 / (1 - share): (CPU of both) / (CPU of ffmpeg), run by run.
    """
    for condition, variants in evidence.conditions():
        for original in originals(variants):
            runs = variants[original]
            bounds = [
                1 + r.orchestrator_cpu_s / r.ffmpeg_cpu_s
                for r in runs
                if finished(r) and r.orchestrator_cpu_s is not None and r.ffmpeg_cpu_s
            ]
            bound = geometric_mean(bounds) if bounds else None
            own = [r.orchestrator_peak_rss_bytes for r in runs if r.orchestrator_peak_rss_bytes]
            with_it = side(original, runs)
            peak_bytes = with_it.peak_bytes
            without_bytes = peak_bytes - max(own) if peak_bytes is not None and own else None
            without = replace(with_it, peak_bytes=without_bytes)
            finding, why = ORCHESTRATOR.judge(bound, with_it, without)
            yield Effect(
                condition=condition,
                change="a free orchestrator",
                before=with_it,
                after=without,
                speedup=bound,
                size=None,
                finding=finding,
                why=why,
            )
