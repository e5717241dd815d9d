"""Write an MP4 of samples that lie elsewhere. Stdlib only: it lives inside the host."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import BinaryIO, Protocol

from clipkit.engine import tables
from clipkit.engine.tables import Chunk, Sample

_CHUNK_S = 0.5
_WIDE_BYTES = 1 << 32
_HELD_BYTES = 1 << 20


class Source(Protocol):
    """Where samples lie."""

    def read(self, samples: Sequence[Sample]) -> tuple[bytes, list[int]]:
        """The bytes that the clip gets of them, and how many of each."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A sample of the clip: where it lies, and when it is decoded and shown, in the clip's ticks (of sound: in
    its own). `due_s`: when a player needs it, from the clip's start."""

    part: Source
    sample: Sample
    decoded: int
    shown: int
    due_s: float


@dataclass(frozen=True, slots=True)
class Placement:
    """Of a track's samples as the clip has them."""

    sizes_bytes: list[int]
    chunks: list[Chunk]


def write_movie(made: BinaryIO, movie: Movie, tracks: Sequence[list[Stored]]) -> None:
    """In front what a player needs first, whose length does not depend on what is said in it; then pictures
    and sound of every half second side by side, so that it can be played while it comes in."""
    chunks = [
        (list(samples), number)
        for number, track in enumerate(tracks)
        for _, samples in groupby(track, key=lambda stored: stored.due_s // _CHUNK_S)
    ]
    chunks.sort(key=lambda chunk: chunk[0][0].due_s)
    placed = [Placement([], []) for _ in tracks]
    for samples, number in chunks:
        placed[number].sizes_bytes.extend(stored.sample.size_bytes for stored in samples)
        placed[number].chunks.append(Chunk(0, len(samples)))
    most_bytes = sum(map(sum, (each.sizes_bytes for each in placed)))
    wide = most_bytes + _WIDE_BYTES // 16 > _WIDE_BYTES
    front = [*movie.front(), movie.moov(tracks, placed, wide)]
    body = sum(map(len, front)) + 16
    made.seek(body)
    for each in placed:
        each.sizes_bytes.clear()
        each.chunks.clear()
    for samples, number in chunks:
        placed[number].chunks.append(Chunk(made.tell(), len(samples)))
        for batch in _batches(samples):
            data, sizes_bytes = batch[0].part.read([stored.sample for stored in batch])
            made.write(data)
            placed[number].sizes_bytes.extend(sizes_bytes)
    whole_bytes = made.tell() - body + 16
    made.seek(0)
    made.writelines((*movie.front(), movie.moov(tracks, placed, wide)))
    made.write(struct.pack(">I4sQ", 1, b"mdat", whole_bytes))


def _batches(samples: Sequence[Stored]) -> Iterator[list[Stored]]:
    """Of one part each, and of no more bytes than may be in memory, but one sample at least: what comes before a clip's
    start lies in its first half second, be it a minute of 4K."""
    batch: list[Stored] = []
    held_bytes = 0
    for stored in samples:
        held_bytes += stored.sample.size_bytes
        if batch and (stored.part is not batch[0].part or held_bytes > _HELD_BYTES):
            yield batch
            batch, held_bytes = [], stored.sample.size_bytes
        batch.append(stored)
    if batch:
        yield batch


class Movie(Protocol):
    """All of a clip but its samples."""

    def front(self) -> Iterator[bytes]:
        """What comes before its `moov`."""

    def moov(
        self, tracks: Sequence[list[Stored]], placed: Sequence[Placement], wide: bool
    ) -> bytes:
        """`wide`: where a sample may lie behind what 32 bits can tell."""


def stored_tables(placed: Placement, wide: bool) -> bytes:
    return tables.stsz(placed.sizes_bytes) + tables.chunk_tables(placed.chunks, wide)
