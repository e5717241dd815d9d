"""Invented campaigns of services on plans: what each takes there is given, with a little noise."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import inventing_sweep
import numpy as np
from inventing_records import TEMPLATE
from inventing_sweep import Film

from clipkit.format import MIB
from clipkit.hosts import Host, catalogue
from clipkit.plan.services import SERVICE, BackendService, Which
from clipkit.records.identity import levels_of_cell, name_of_cell
from clipkit.records.record import Record
from clipkit.records.served import Served
from clipkit.settings import Settings

STARTER, STANDARD, PRO = (
    catalogue()[name] for name in ("render-starter", "render-standard", "render-pro")
)
REST_BYTES = {"node": 40 * MIB, "python": 50 * MIB, "rust": 4 * MIB}


def served(
    backend: str = "node",
    settings: Settings | None = None,
    host: Host = STARTER,
    wall_s: float = 12.0,
    words: str = "same",
    **changes: object,
) -> Record:
    """A job of four clips that ended well; `changes` are columns of the record."""
    rest_bytes = REST_BYTES[backend]
    settings = settings or Settings()
    record = replace(
        TEMPLATE,
        phase="grid",
        subject=SERVICE,
        settings=BackendService(Which(backend, words), start=()).used(settings),
        host=host.name,
        cpu_quota=host.cpus,
        memory_limit_bytes=host.memory_bytes,
        usd_per_month=host.usd_per_month,
        reserve_bytes=0,
        upload_sha256=Film().sha256,
        clips=4,
        clip_starts_s=(0.0, 15.0, 30.0, 45.0),
        clip_wall_s=(wall_s / 4,) * 4,
        clip_cpu_s=(1.4,) * 4,
        wall_s=wall_s,
        first_clip_s=wall_s / 4,
        ffmpeg_cpu_s=5.8,
        orchestrator_cpu_s=0.1,
        peak_anon_bytes=rest_bytes + settings.concurrency * 50 * MIB,
        ffmpeg_peak_rss_bytes=None,
        served=Served(
            service=backend,
            service_argv=words,
            service_rest_bytes=rest_bytes,
            service_clips_peak_bytes=rest_bytes + 4 * MIB,
            service_gaps_s=0.02,
            service_health_median_s=0.002,
            service_health_p95_s=0.004,
            service_health_worst_s=0.01,
            service_health_probes=40,
            service_health_failed=0,
        ),
    )
    return replace(record, **changes)


def repeated(trials: Iterable[Record], blocks: int = 5, log_sd: float = 0.005) -> list[Record]:
    """Each trial in every block."""
    return list(_repeated(list(trials), blocks, log_sd))


def _repeated(trials: list[Record], blocks: int, log_sd: float) -> Iterator[Record]:
    chance = np.random.default_rng(5)
    order = 0
    for block in range(blocks):
        for trial in trials:
            cell = name_of_cell(levels_of_cell(trial.to_row()))
            wall_s = trial.wall_s and trial.wall_s * math.exp(chance.normal(0, log_sd))
            own = f"{order:04d}-{cell}-b{block}"
            yield replace(trial, cell=cell, block=block, order=order, run_id=own, wall_s=wall_s)
            order += 1


def written(folder: Path, trials: Iterable[Record], blocks: int = 5) -> Path:
    """The campaign's folder as `clipkit sweep` leaves it."""
    return inventing_sweep.write(folder, rows=repeated(trials, blocks))


def of_plans() -> list[Record]:
    """Node.js on three plans: twice the CPU, half the time; three at once help from two CPUs on."""
    three = Settings(concurrency=3)
    return [
        served(host=STARTER, wall_s=12.0),
        served(host=STARTER, settings=three, wall_s=12.3),
        served(host=STANDARD, wall_s=6.0),
        served(host=STANDARD, settings=three, wall_s=6.1),
        served(host=PRO, wall_s=4.2),
        served(host=PRO, settings=three, wall_s=3.0),
    ]
