"""Where an attempt's samples lie until its end is told, and what is told of them. Stdlib only."""

from __future__ import annotations

import contextlib
import dataclasses
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from clipkit.pack.there.samples_file import samples_at
from clipkit.pack.there.thinning import Thinning
from clipkit.records.outcome import Sample

SAMPLES = "samples"


def samples_path(results: Path, run_id: str) -> Path:
    """Where they lie from its beginning on."""
    return results / SAMPLES / f"{run_id}.bin"


def drop_samples(results: Path, run_id: str) -> None:
    """Once its end is told: 20 MB an hour, and where results are in memory it is the host's."""
    with contextlib.suppress(OSError):
        samples_path(results, run_id).unlink()


def thinned(samples: Iterable[Sample]) -> dict[str, list[Any]]:
    names = [declared.name for declared in dataclasses.fields(Sample)]
    thinning = Thinning()
    for sample in samples:
        thinning.add({name: getattr(sample, name) for name in names})
    return thinning.columns


def last_need_bytes(results: Path, run_id: str) -> int | None:
    """What could not be dropped of all that ran here, in the last sample of an attempt; where nobody counted
    all of it, of the job alone."""
    ends = deque(samples_at(samples_path(results, run_id)), maxlen=1)
    if not ends:
        return None
    last = ends.pop()
    if last.total_bytes is not None and last.cache_bytes is not None:
        return last.total_bytes - last.cache_bytes
    known = [value for value in (last.anon_bytes, last.shmem_bytes) if value is not None]
    return sum(known) if known else None
