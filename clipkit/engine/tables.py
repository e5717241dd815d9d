"""The sample tables of an MP4 track (ISO/IEC 14496-12, 8.6 to 8.7): read from parts, written for a whole.

Stdlib only: it lives inside the host. Nothing in a file is believed: what is cut off is refused.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby, repeat

from clipkit.engine.boxes import Mp4Error, box_at, edit_layout, needed, timescale
from clipkit.engine.mp4 import composition_offsets, decode_times

_MOST_32_BITS = 0xFFFF_FFFF
_ENDLESS = 1 << 62
_ITS_SPEED = 1 << 16
# Of a part: more are no clip, and would fill the memory of the host.
_MOST_SAMPLES = 1_000_000


@dataclass(frozen=True, slots=True)
class Sample:
    """Where its bytes lie in its file, and when it is decoded and shown, in its track's ticks."""

    offset: int
    size_bytes: int
    decoded: int
    shown: int
    sync: bool


@dataclass(frozen=True, slots=True)
class Chunk:
    """Samples that lie side by side in a file, from `offset` on."""

    offset: int
    samples: int


def samples_of(moov: memoryview, track: memoryview) -> list[Sample]:
    """In the order in which they are decoded; `shown` counts as the first edit of its list has it. Raises
    Mp4Error."""
    table = needed(track, b"mdia", b"minf", b"stbl")
    count = sample_count(table)
    decoded = decode_times(needed(table, b"stts"))[:-1]
    offsets = composition_offsets(box_at(table, b"ctts"), len(decoded))
    if count > _MOST_SAMPLES or count != len(decoded):
        raise Mp4Error("its tables disagree about how many samples there are, or it has too many")
    places = places_of(table, 0, count)
    stss = box_at(table, b"stss")
    syncs = None if stss is None else set(_numbers(stss))
    start = _edit_start(track, timescale(needed(moov, b"mvhd")))
    return [
        Sample(*place, when, when + offset - start, syncs is None or number in syncs)
        for number, (place, when, offset) in enumerate(
            zip(places, decoded, offsets, strict=True), 1
        )
    ]


def _edit_start(track: memoryview, movie_ticks: int) -> int:
    """Which of the media's ticks is shown at 0; what is shown later because the list says so lies before."""
    elst = box_at(track, b"edts", b"elst")
    if elst is None:
        return 0
    layout, places = edit_layout(elst)
    empty_ticks = 0
    for place in places:
        lasts, start = struct.unpack_from(layout, elst, place)
        if start >= 0:
            ticks = timescale(needed(track, b"mdia", b"mdhd"))
            return int(start - round(empty_ticks * ticks / movie_ticks))
        empty_ticks += lasts
    raise Mp4Error("a part of it shows nothing")


def only_edit(moov: memoryview, track: memoryview) -> tuple[int, int]:
    """Which of the media's ticks is shown at the movie's 0 (below the first where that is shown later), and from which
    on nothing is shown. Raises Mp4Error where it shows several stretches, or one at another speed."""
    elst = box_at(track, b"edts", b"elst")
    if elst is None:
        return 0, _ENDLESS
    layout, places = edit_layout(elst)
    rows = [struct.unpack_from(f"{layout}I", elst, place) for place in places]
    if [start >= 0 for _, start, _ in rows] != [False] * (len(rows) - 1) + [True]:
        raise Mp4Error("it shows several stretches, or nothing")
    lasts, start, speed = rows[-1]
    if speed != _ITS_SPEED:
        raise Mp4Error("it is shown at another speed")
    ticks = timescale(needed(track, b"mdia", b"mdhd"))
    end = start - (-lasts * ticks // timescale(needed(moov, b"mvhd"))) if lasts else _ENDLESS
    return _edit_start(track, timescale(needed(moov, b"mvhd"))), end


def sample_count(table: memoryview) -> int:
    """Of `stbl`."""
    count: int = struct.unpack_from(">I", needed(table, b"stsz"), 8)[0]
    return count


def places_of(table: memoryview, first: int, count: int) -> list[tuple[int, int]]:
    """Offset and size of so many samples of `stbl` from that one on, counted from 0; nothing else of the tables is
    kept. Raises Mp4Error."""
    if not count:
        return []
    stsz = needed(table, b"stsz")
    chunk, begins, samples = _chunks_of(needed(table, b"stsc"), first, first + count)
    sizes = list(_sizes_of(stsz, first, count))
    skipped = sum(_sizes_of(stsz, begins, first - begins))
    found: list[tuple[int, int]] = []
    for at, inside in zip(_offsets_from(table, chunk, len(samples)), samples, strict=True):
        within = sizes[len(found) : len(found) + inside]
        found += zip(accumulate(within, initial=at + skipped), within, strict=False)
        skipped = 0
    return found


def _chunks_of(stsc: memoryview, first: int, behind: int) -> tuple[int, int, list[int]]:
    """The number, from 0 on, of the chunk in which the first one lies, which sample that begins with, and how many of
    those from the first on lie in it and in each after it, until all do."""
    number, found, start = 0, list[int](), None
    for begins, samples, next_begins in _chunk_runs(stsc):
        needs = -(-(behind - number) // samples)
        chunks = needs if next_begins is None else min(needs, next_begins - begins)
        skipped = 0 if found else max(0, (first - number) // samples)
        if skipped < chunks:
            if start is None:
                start = (begins - 1 + skipped, number + skipped * samples)
                found.append(samples - (first - start[1]))
                skipped += 1
            found += [samples] * (chunks - skipped)
        number += chunks * samples
        if start and number >= behind:
            return *start, found
    raise Mp4Error("its tables disagree about how many samples there are")


def _chunk_runs(stsc: memoryview) -> Iterator[tuple[int, int, int | None]]:
    """From which chunk on, counted from 1, how many samples each holds, and up to before which; None: to the last."""
    count = struct.unpack_from(">I", stsc, 4)[0]
    rows = struct.iter_unpack(">III", stsc[8 : 8 + 12 * count])
    before: tuple[int, int] | None = None
    for begins, samples, _ in rows:
        if begins <= before[0] if before else begins != 1:
            raise Mp4Error("its chunks are out of order")
        if not samples:
            raise Mp4Error("a chunk of it is empty")
        if before:
            yield *before, begins
        before = (begins, samples)
    if before:
        yield *before, None


def _offsets_from(table: memoryview, chunk: int, count: int) -> tuple[int, ...]:
    narrow = box_at(table, b"stco")
    if narrow is None:
        return struct.unpack_from(f">{count}Q", needed(table, b"co64"), 8 + 8 * chunk)
    return struct.unpack_from(f">{count}I", narrow, 8 + 4 * chunk)


def _sizes_of(stsz: memoryview, first: int, count: int) -> Iterator[int]:
    same, every = struct.unpack_from(">II", stsz, 4)
    if first + count > every or (not same and 12 + 4 * every > len(stsz)):
        raise Mp4Error("it has fewer samples than were found")
    if same:
        return repeat(same, count)
    rows = struct.iter_unpack(">I", stsz[12 + 4 * first : 12 + 4 * (first + count)])
    return (size for (size,) in rows)


def _numbers(table: memoryview) -> tuple[int, ...]:
    count = struct.unpack_from(">I", table, 4)[0]
    if 8 + 4 * count > len(table):
        raise Mp4Error("a table of it is cut off")
    return struct.unpack_from(f">{count}I", table, 8)


def box(kind: bytes, *bodies: bytes | bytearray | memoryview) -> bytes:
    body = b"".join(bodies)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def whole_box(kind: bytes, body: bytes, version: int = 0) -> bytes:
    """One with version and flags (`FullBox`)."""
    return box(kind, struct.pack(">I", version << 24), body)


def stts(ticks: Iterable[int]) -> bytes:
    """By how long each sample lasts before the next is decoded."""
    return _runs(b"stts", ticks)


def ctts(offsets: Sequence[int]) -> bytes:
    """How long after it is decoded each sample is shown; nothing where all are at once."""
    return _runs(b"ctts", offsets) if any(offsets) else b""


def _runs(kind: bytes, values: Iterable[int]) -> bytes:
    runs = [(len(list(alike)), value) for value, alike in groupby(values)]
    rows = b"".join(struct.pack(">II", count, value) for count, value in runs)
    return whole_box(kind, struct.pack(">I", len(runs)) + rows)


def stss(syncs: Sequence[bool]) -> bytes:
    numbers = [number for number, sync in enumerate(syncs, 1) if sync]
    return whole_box(b"stss", struct.pack(f">I{len(numbers)}I", len(numbers), *numbers))


def stsz(sizes_bytes: Sequence[int]) -> bytes:
    return whole_box(
        b"stsz", struct.pack(f">II{len(sizes_bytes)}I", 0, len(sizes_bytes), *sizes_bytes)
    )


def chunk_tables(chunks: Sequence[Chunk], wide: bool) -> bytes:
    """`stsc` and the offsets, `wide` where one may be more than 32 bits hold."""
    rows, number = [], 1
    for samples, alike in groupby(chunk.samples for chunk in chunks):
        rows.append(struct.pack(">III", number, samples, 1))
        number += len(list(alike))
    stsc = whole_box(b"stsc", struct.pack(">I", len(rows)) + b"".join(rows))
    offsets = [chunk.offset for chunk in chunks]
    table = struct.pack(f">I{len(offsets)}{'Q' if wide else 'I'}", len(offsets), *offsets)
    return stsc + whole_box(b"co64" if wide else b"stco", table)


def elst(lasts: int, start: int) -> bytes:
    """One edit: so long, in the movie's ticks, from the media's tick `start` on."""
    if max(lasts, start) >= 1 << 31:
        return whole_box(b"elst", struct.pack(">IQqI", 1, lasts, start, 1 << 16), version=1)
    return whole_box(b"elst", struct.pack(">IIiI", 1, lasts, start, 1 << 16))


def with_duration(kind: bytes, header: memoryview, ticks: int) -> bytes:
    """`mvhd`, `tkhd` or `mdhd` with that duration, in the wider version where it has to be."""
    time, width = ("Q", 8) if header[0] == 1 else ("I", 4)
    between = 8 if kind == b"tkhd" else 4
    at = 4 + 2 * width
    made = struct.unpack_from(f">2{time}", header, 4)
    middle, rest = header[at : at + between], header[at + between + width :]
    wide = ticks > _MOST_32_BITS
    new = "Q" if wide else "I"
    head = bytes([wide]) + bytes(header[1:4]) + struct.pack(f">2{new}", *made)
    return box(kind, head, middle, struct.pack(f">{new}", ticks), rest)


def with_ticks(mdhd: memoryview, ticks: int) -> memoryview:
    """The body of `mdhd` with so many of them a second."""
    changed = bytearray(mdhd)
    struct.pack_into(">I", changed, 20 if mdhd[0] == 1 else 12, ticks)
    return memoryview(changed)


def with_number(tkhd: memoryview, number: int) -> bytes:
    """The box of a track of that number."""
    changed = bytearray(tkhd)
    struct.pack_into(">I", changed, 20 if tkhd[0] == 1 else 12, number)
    return box(b"tkhd", changed)


def track_duration(track: memoryview) -> int:
    """In the movie's ticks."""
    tkhd = needed(track, b"tkhd")
    layout, place = (">Q", 28) if tkhd[0] == 1 else (">I", 20)
    return int(struct.unpack_from(layout, tkhd, place)[0])
