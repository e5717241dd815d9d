"""Services beside each other at equal settings: times as fast as Node.js, and the service's own memory."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from clipkit import format
from clipkit.analysis.statistics import Estimate
from clipkit.claims.bodies import LANGUAGES
from clipkit.claims.evidence import Evidence, Runs
from clipkit.claims.languages import language_pairs
from clipkit.claims.originals import PRESET, SERVICE
from clipkit.claims.plan_figures import mean_s_per_clip
from clipkit.claims.verdict import Variant
from clipkit.claims.which_way import place_words
from clipkit.records.condition import Condition
from clipkit.records.record import Record
from clipkit.records.status import is_finished


@dataclass(frozen=True, slots=True)
class Beside:
    """One service under one condition. `ratio`: times as fast as Node.js told the same, pair by pair; None
    of Node.js itself, or where there is none beside. Bytes and seconds are medians over its starts;
    `cpu_fraction`: the service's own of all CPU. None: unknown."""

    where: str
    how: str
    service: str
    s_per_clip: Estimate | None
    ratio: Estimate | None
    starts: int
    rest_bytes: float | None
    cutting_bytes: float | None
    gaps_s: float | None
    cpu_fraction: float | None
    health_p95_s: float | None
    health_worst_s: float | None

    @property
    def place(self) -> str:
        return f"{self.where}, {self.how}"

    @property
    def name(self) -> str:
        return LANGUAGES.get(self.service, self.service)


def services_beside(evidence: Sequence[Evidence]) -> list[Beside]:
    """Wherever services were told the same, by condition and by what they were told."""
    return [row for own in evidence for row in _of_one(own)]


def _of_one(evidence: Evidence) -> Iterator[Beside]:
    for condition, variants in evidence.conditions():
        pairs = {after: before for before, after in language_pairs(variants)}
        for variant in sorted(variants, key=_order):
            runs = variants[variant]
            if variant.service and not _is_untimed(runs):
                before = pairs.get(variant)
                ratio = evidence.speedup(variants[before], runs) if before else None
                yield _row(condition, variant, runs, ratio)


def _is_untimed(runs: Runs) -> bool:
    """Of a search for the edge of memory, whose times do not count."""
    return all(is_finished(run) and not run.wall_s for run in runs)


def _order(variant: Variant) -> tuple[object, ...]:
    own = variant.settings
    names = list(LANGUAGES)
    place = names.index(variant.service) if variant.service in names else len(names)
    told = variant.argv or "", variant.environment or "", str(own.seek), str(own.preset)
    return (*told, own.concurrency or 0, own.encoder_threads or 0, place, variant.subject)


def _row(condition: Condition, variant: Variant, runs: Runs, ratio: Estimate | None) -> Beside:
    finished = [run for run in runs if run.wall_s]
    return Beside(
        where=place_words(condition),
        how=_how(condition, variant),
        service=variant.service or variant.subject,
        s_per_clip=mean_s_per_clip(runs) if finished else None,
        ratio=ratio,
        starts=len(runs),
        rest_bytes=_median(runs, lambda run: run.served.service_rest_bytes),
        cutting_bytes=_median(runs, lambda run: run.served.service_clips_peak_bytes),
        gaps_s=_median(runs, lambda run: run.served.service_gaps_s),
        cpu_fraction=_median(runs, _cpu_fraction),
        health_p95_s=_median(runs, lambda run: run.served.service_health_p95_s),
        health_worst_s=max(
            (w for run in runs if (w := run.served.service_health_worst_s) is not None),
            default=None,
        ),
    )


def _how(condition: Condition, variant: Variant) -> str:
    """`3 at once`, `one at a time, seeking after the input`, `as sketched, one at a time`."""
    own = variant.settings
    at_once = min(int(own.concurrency or 1), condition.clips)
    told = ["as sketched"] if variant.is_sketched else []
    told.append("one at a time" if at_once == 1 else f"{at_once} at once")
    if own.seek == "output" and not variant.is_sketched:
        told.append("seeking after the input")
    if own.preset != PRESET:
        told.append(str(own.preset))
    if own.encoder_threads not in (1, None) and not variant.is_sketched:
        told.append(format.counted(own.encoder_threads, "thread"))
    if variant.environment:
        told.append(variant.environment)
    return ", ".join(told)


def _cpu_fraction(run: Record) -> float | None:
    if run.orchestrator_cpu_s is None or not run.cpu_s:
        return None
    return run.orchestrator_cpu_s / run.cpu_s


def _median(runs: Runs, figure: Callable[[Record], float | None]) -> float | None:
    known = [value for run in runs if (value := figure(run)) is not None]
    return statistics.median(known) if known else None


def compared(rows: Sequence[Beside]) -> list[Beside]:
    """Those with a ratio."""
    return [row for row in rows if row.ratio]


def side_by_side_finding(rows: Sequence[Beside]) -> str:
    """`At equal settings Python takes 0.97x to 1.01x …`: from the least to the most, of plain rows alone."""
    plain = plain_rows(rows)
    said = []
    for name in dict.fromkeys(row.name for row in plain):
        ratios = [row.ratio.value for row in plain if row.name == name and row.ratio]
        ends = dict.fromkeys(map(format.ratio, (min(ratios), max(ratios))))
        said.append(f"{name} is {' to '.join(ends)} as fast")
    told = f"At equal settings {' and '.join(said)} as {LANGUAGES[SERVICE]}"
    needs = [
        f"{LANGUAGES.get(service, service)} {format.size(need)}"
        for service in services_in(rows)
        if (need := need_of(rows, service)[1]) is not None
    ]
    return f"{told}; while it cuts the service itself needs: {', '.join(needs)}" if needs else told


def places_in(rows: Sequence[Beside]) -> list[str]:
    return list(dict.fromkeys(row.place for row in compared(rows)))


def services_in(rows: Sequence[Beside]) -> list[str]:
    return list(dict.fromkeys(row.service for row in rows))


def plain_rows(rows: Sequence[Beside]) -> list[Beside]:
    """Where both gave ffmpeg the same words; where none did, all."""
    return [row for row in compared(rows) if "as sketched" not in row.how] or compared(rows)


def need_of(rows: Sequence[Beside], service: str) -> tuple[float | None, float | None]:
    """At rest, and the most while it cuts: medians of starts, where services were next to each other."""
    places = places_in(rows)
    own = [row for row in rows if row.service == service and row.place in places]
    rest = [row.rest_bytes for row in own if row.rest_bytes is not None]
    cutting = [row.cutting_bytes for row in own if row.cutting_bytes is not None]
    return (statistics.median(rest) if rest else None), max(cutting, default=None)
