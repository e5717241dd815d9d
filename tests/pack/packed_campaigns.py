"""A stored campaign as a pack would have printed it on its host."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from stored_campaigns import RESULTS

from clipkit.pack.kept import Packed, PackedTrial, keep_packed
from clipkit.pack.there.parts import LOST, Kind, Sender, printed_parts
from clipkit.pack.there.thinning import Thinning
from clipkit.records import folder as folders
from clipkit.records.outcome import Sample
from clipkit.records.record import Record

GRID = RESULTS / "reference-grid"
TRIALS = 12


@dataclass(frozen=True, slots=True)
class Run:
    """A pack and what it would measure."""

    packed: Packed
    records: tuple[Record, ...]

    def sender(self, life: str = "00000001") -> Sender:
        return Sender(self.packed.pack, life, self.packed.key_bytes)

    def where(self, life: str = "00000001", **more: Any) -> list[str]:
        found = {"cores_seen": 4, "memory": {"value": 480_000_000, "by": "cgroup v2"}}
        document = {"found": found, "ffmpeg_version": "9.0", **more}
        return printed_parts(self.sender(life), Kind.WHERE, 0, document)

    def began(
        self, number: int, life: str = "00000001", run_id: str = "", at: str = ""
    ) -> list[str]:
        """`at`: when; as the stored one did where it is not said."""
        document = {
            "attempt": 1,
            "run_id": run_id or f"{number:04d}-x-b0-a1-{life}",
            "started_utc": at or self.records[number - 1].started_utc,
        }
        return printed_parts(self.sender(life), Kind.BEGAN, number, document)

    def ended(
        self, number: int, life: str = "00000001", lost: bool = False, **altered: Any
    ) -> list[str]:
        """`altered`: columns of its record."""
        record = self.records[number - 1]
        clips = [
            clip | ({"run_id": altered["run_id"]} if "run_id" in altered else {})
            for clip in folders.clips_of(GRID, record.run_id)
        ]
        document = {
            "record": record.to_row() | altered,
            "clips": clips,
            "samples": samples_of(record.run_id),
            LOST: lost,
        }
        return printed_parts(self.sender(life), Kind.ENDED, number, document)

    def log(self, numbers: Sequence[int], life: str = "00000001") -> list[str]:
        lines = ["what runs here: ...", *self.where(life)]
        for number in numbers:
            lines += [*self.began(number, life), "frame=1", *self.ended(number, life)]
        return lines


def samples_of(run_id: str) -> dict[str, list[Any]]:
    path, thin = GRID / folders.SAMPLES / f"{run_id}.parquet", Thinning()
    known = {declared.name for declared in dataclasses.fields(Sample)}
    for row in pq.read_table(path).to_pylist() if path.exists() else []:
        thin.add({name: value for name, value in row.items() if name in known})
    return thin.columns


def packed_run(pack: str = "0123456789ab", **altered: Any) -> Run:
    """The first trials of the reference grid, whose pack home keeps."""
    records = tuple(folders.read_records(GRID)[:TRIALS])
    packed = Packed(
        **{
            "pack": pack,
            "key": pack[0] * 64,
            "campaign": "reference-grid",
            "host": "512M-2cpu",
            "packed_utc": "2026-11-26T18:00:00+00:00",
            "clipkit_version": "1.0",
            "experiment": folders.experiment_text(GRID) or "",
            "uploads": folders.read_uploads(GRID),
            "trials": tuple(PackedTrial(r.cell, r.block, r.cell) for r in records),
        }
        | altered
    )
    keep_packed(packed)
    return Run(packed, records)


def write_log(path: Path, lines: Sequence[str]) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return path
