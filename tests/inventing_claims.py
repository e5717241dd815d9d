"""Invented tables of quick wins: the original and what it is changed to, with given times."""

from __future__ import annotations

import hashlib
import json
import math
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from inventing_records import TEMPLATE

from clipkit.format import MIB
from clipkit.records.record import Record
from clipkit.records.status import Status
from clipkit.records.table import read_table
from clipkit.settings import Settings

HOSTS = {0.5: "render-starter", 1.0: "512M-1cpu", 2.0: "512M-2cpu"}
SIZES = {480: 854, 720: 1280, 1080: 1920, 2160: 3840}
ORIGINAL = Settings(decoder_threads=0, filter_threads=0, audio="copy")
"""As records of `fluent` have it: the encoder's threads are its own, the others ffmpeg's choice."""


@dataclass(frozen=True, slots=True)
class Place:
    cpus: float = 0.5
    lines: int = 720
    clip_s: float = 12.0
    memory_mb: int = 512


def cut(
    subject: str = "fluent",
    settings: Settings = ORIGINAL,
    place: Place | None = None,
    **changes: object,
) -> Record:
    """One trial of 60 s, 60 MB of memory and 3 MB of clips; `changes` are columns of the record."""
    place = place or Place()
    record = replace(
        TEMPLATE,
        phase="grid",
        subject=subject,
        settings=settings.used,
        host=HOSTS[place.cpus],
        cpu_quota=place.cpus,
        memory_limit_bytes=place.memory_mb * MIB,
        reserve_bytes=0,
        width=SIZES[place.lines],
        height=place.lines,
        upload_sha256=str(place.lines).zfill(64),
        clips=3,
        clip_s=place.clip_s,
        wall_s=60.0,
        ffmpeg_cpu_s=30.0,
        orchestrator_cpu_s=0.1,
        peak_anon_bytes=58 * MIB,
        output_bytes=3_000_000,
    )
    return replace(record, **changes)


def ran_out(trial: Record, status: Status = Status.OOM) -> Record:
    return replace(
        trial, status=status, wall_s=None, error="the kernel killed it", output_bytes=None
    )


def table(trials: Iterable[Record], blocks: int = 3, log_sd: float = 0.005) -> pd.DataFrame:
    """Each trial in every block, with a little noise, as a campaign's file gives it back."""
    records = list(_repeated(list(trials), blocks, log_sd))
    with tempfile.TemporaryDirectory() as folder:
        lines = "".join(json.dumps(record.to_row()) + "\n" for record in records)
        (Path(folder) / "runs.jsonl").write_text(lines, "utf-8")
        return read_table(Path(folder))


def _repeated(trials: list[Record], blocks: int, log_sd: float) -> Iterator[Record]:
    chance = np.random.default_rng(7)
    for block in range(blocks):
        for trial in trials:
            wall_s = trial.wall_s and trial.wall_s * math.exp(chance.normal(0, log_sd))
            same = replace(trial, wall_s=None, run_id="", cell="").to_row()
            cell = hashlib.sha256(json.dumps(same).encode()).hexdigest()[:8]
            yield replace(
                trial,
                cell=cell,
                block=block,
                order=block * len(trials),
                run_id=f"{cell}-{block}",
                wall_s=wall_s,
            )
