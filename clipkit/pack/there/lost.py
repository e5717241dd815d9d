"""What becomes of attempts that earlier lives began and did not end: a record of each, as far as it is known.
Stdlib only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from clipkit.pack.there.harness import Bench
from clipkit.pack.there.lives import Began, Now, Past, how_it_died
from clipkit.pack.there.parts import LOST
from clipkit.pack.there.samples_file import samples_at
from clipkit.pack.there.samples_kept import last_need_bytes, samples_path, thinned
from clipkit.records.outcome import Sample
from clipkit.trial.sampler import peak


def lost_documents(bench: Bench, past: Past, now: Now) -> list[tuple[int, dict[str, Any]]]:
    """The trial and its end, for the journal."""
    return [
        (each.trial, _document(bench, each, past.losses[each.trial], now)) for each in past.open
    ]


def _document(bench: Bench, began: Began, losses: int, now: Now) -> dict[str, Any]:
    trial = bench.plan.trial(began.trial)
    work = bench.work(trial.cell)
    need_bytes = last_need_bytes(bench.results, began.run_id)
    status, error = how_it_died(began, need_bytes, losses, now)
    row = {
        **work.row,
        "run_id": began.run_id,
        "block": trial.block,
        "order": trial.number - 1,
        "attempt": began.attempt,
        "started_utc": began.started_utc,
        "host_id": began.machine or bench.machine,
        "ffmpeg_version": bench.build.version,
        "ceiling": "ambient",
        "enforced_memory_bytes": began.limit_bytes,
        "peak_anon_bytes": peak(_samples(bench, began), "anon_bytes"),
        "status": str(status),
        "error": error,
    }
    samples = thinned(_samples(bench, began))
    lost = {LOST: True, "need_bytes": need_bytes}
    return {"record": row, "clips": [], "samples": samples, **lost}


def _samples(bench: Bench, began: Began) -> Iterator[Sample]:
    return samples_at(samples_path(bench.results, began.run_id))
