"""What an MP4 holds of a track whatever its edit list shows: samples, their times, their entries, their bytes."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from isobmff import Box, boxes

# By the type in their header (ISO/IEC 14496-10, 7.4.1; 23008-2, 7.4.2.2): sequences' and pictures'.
_PARAMETERS = {b"avc1": (7, 8, 13), b"avc3": (), b"hvc1": (32, 33, 34), b"hev1": ()}
_MOST_LEADING = 32
_ENTRY_HEAD = 86  # of a visual sample entry, before the boxes in it


@dataclass(frozen=True, slots=True)
class Sample:
    """In the media's ticks: when it is decoded, by how much later it is shown, what it lasts; its bytes."""

    decoded: int
    offset: int
    lasts: int
    at: int
    size: int

    @property
    def shown(self) -> int:
        return self.decoded + self.offset


@dataclass(frozen=True, slots=True)
class Edit:
    """`lasts` in the movie's ticks, None: to the end; `start` in the media's, -1: nothing is shown."""

    lasts: int | None
    start: int


@dataclass(frozen=True, slots=True)
class Stored:
    """In the order of decoding. `lasts`: what mdhd declares, in the media's ticks. `entries`: the four
    letters of each sample entry; `sync`: the numbers of the samples that one may seek to, from 0 on.
    """

    tick: Fraction
    lasts: int
    samples: tuple[Sample, ...]
    edits: tuple[Edit, ...]
    entries: tuple[bytes, ...]
    length_size: int
    sync: tuple[int, ...]

    def shown_first_to_last(self) -> list[tuple[int, int]]:
        """From when to when each stands in the media's own clock: until the next, or by its own time.

        That of the one shown last is the way to the next one decoded, where there is one: then it stands
        until all of the media's time is over, if that is later.
        """
        starts = sorted((one.shown, one.lasts) for one in self.samples)
        ends = [following for following, _ in starts[1:]]
        if starts:
            over = self.samples[-1].decoded + self.samples[-1].lasts
            ends.append(max(over, starts[-1][0] + starts[-1][1]))
        return [(start, end) for (start, _), end in zip(starts, ends, strict=True)]

    def parameter_sets(self, data: bytes) -> int:
        """How many lie among the samples, where their entry says that it holds them all."""
        kinds = _PARAMETERS.get(self.entries[0], ())
        if not kinds:
            return 0
        return sum(kind in kinds for sample in self.samples for kind in self._units(data, sample))

    def orphans(self) -> int:
        """Of H.264: how many samples come behind one to seek to and are shown before it.

        They may need what lies before both. HEVC tells its decoders which these are.
        """
        if self.entries[0] not in (b"avc1", b"avc3"):
            return 0
        return sum(
            sample.shown < self.samples[number].shown
            for number in self.sync
            for sample in self.samples[number + 1 : number + 1 + _MOST_LEADING]
        )

    def _units(self, data: bytes, sample: Sample) -> Iterator[int]:
        """The type of each unit of a sample."""
        at, end = sample.at, sample.at + sample.size
        while at + self.length_size < end:
            head = data[at + self.length_size]
            yield head >> 1 & 63 if self.entries[0] == b"hvc1" else head & 31
            at += self.length_size + int.from_bytes(data[at : at + self.length_size], "big")


def stored(data: bytes, found: list[Box], trak: Box) -> Stored:
    """Raises ValueError or struct.error where a table is missing or cut off."""
    tables = _Tables(data, [one for one in found if trak.at < one.at < trak.end])
    scale, length = scale_and_length(data, tables.body(b"mdhd"))
    durations = list(tables.runs(b"stts"))
    offsets = list(tables.runs(b"ctts", signed=True)) if tables.has(b"ctts") else []
    offsets += [0] * (len(durations) - len(offsets))
    decoded = 0
    samples = []
    for lasts, offset, (at, size) in zip(durations, offsets, tables.places(), strict=False):
        samples.append(Sample(decoded, offset, lasts, at, size))
        decoded += lasts
    entries = tables.entries()
    return Stored(
        tick=Fraction(1, scale),
        lasts=length,
        samples=tuple(samples),
        edits=tuple(tables.edits()) if tables.has(b"elst") else (Edit(None, 0),),
        entries=tuple(kind for kind, _ in entries),
        length_size=_length_size(data, *entries[0][1]) if entries else 4,
        sync=tuple(n - 1 for n in tables.numbers(b"stss"))
        if tables.has(b"stss")
        else tuple(range(len(samples))),
    )


def scale_and_length(data: bytes, at: int) -> tuple[int, int]:
    """Of mvhd and mdhd, whose dates come first."""
    if data[at]:
        scale, length = struct.unpack_from(">IQ", data, at + 20)
    else:
        scale, length = struct.unpack_from(">II", data, at + 12)
    if not scale:
        raise ValueError("a clock without ticks")
    return scale, length


def _length_size(data: bytes, at: int, end: int) -> int:
    """Of the number before each unit, as the entry's configuration says; 4 where it has none."""
    for one in boxes(data, at + _ENTRY_HEAD, end):
        if one.kind == b"avcC":
            return (data[one.body + 4] & 3) + 1
        if one.kind == b"hvcC":
            return (data[one.body + 21] & 3) + 1
    return 4


class _Tables:
    """The tables of one track."""

    def __init__(self, data: bytes, inside: list[Box]) -> None:
        self._data, self._inside = data, inside

    def has(self, kind: bytes) -> bool:
        return any(one.kind == kind for one in self._inside)

    def body(self, kind: bytes) -> int:
        for one in self._inside:
            if one.kind == kind:
                return one.body
        raise ValueError(f"it has no {kind.decode('latin-1')} box")

    def runs(self, kind: bytes, signed: bool = False) -> Iterator[int]:
        """Each sample's value in a table of runs."""
        at = self.body(kind)
        for row in range(self._word(at + 4)):
            form = ">Ii" if signed else ">II"
            count, value = struct.unpack_from(form, self._data, at + 8 + 8 * row)
            for _ in range(count):
                yield value

    def edits(self) -> Iterator[Edit]:
        at = self.body(b"elst")
        form, step = (">Qq", 20) if self._data[at] else (">Ii", 12)
        for row in range(self._word(at + 4)):
            length, start = struct.unpack_from(form, self._data, at + 8 + step * row)
            yield Edit(length or None, start)

    def entries(self) -> list[tuple[bytes, tuple[int, int]]]:
        """Four letters of each entry, and from where to where it lies."""
        at = self.body(b"stsd")
        place, found = at + 8, []
        for _ in range(self._word(at + 4)):
            size, kind = struct.unpack_from(">I4s", self._data, place)
            found.append((kind, (place, place + size)))
            place += size
        return found

    def places(self) -> Iterator[tuple[int, int]]:
        """Where each sample lies, and its size."""
        at = self.body(b"stsz")
        uniform, count = struct.unpack_from(">II", self._data, at + 4)
        sizes = [uniform] * count if uniform else list(self._words(at + 12, count))
        wide = self.has(b"co64")
        table = self.body(b"co64" if wide else b"stco")
        chunks = self._words(table + 8, self._word(table + 4), wide)
        stsc = self.body(b"stsc")
        rows = [
            struct.unpack_from(">II", self._data, stsc + 8 + 12 * row)
            for row in range(self._word(stsc + 4))
        ]
        number, row, per_chunk = 0, -1, 0
        for chunk, start in enumerate(chunks, 1):
            if row + 1 < len(rows) and rows[row + 1][0] <= chunk:
                row += 1
                per_chunk = rows[row][1]
            place = start
            for size in sizes[number : number + per_chunk]:
                yield place, size
                place += size
            number += per_chunk

    def numbers(self, kind: bytes) -> tuple[int, ...]:
        at = self.body(kind)
        return self._words(at + 8, self._word(at + 4))

    def _word(self, at: int) -> int:
        return int(struct.unpack_from(">I", self._data, at)[0])

    def _words(self, at: int, count: int, wide: bool = False) -> tuple[int, ...]:
        return struct.unpack_from(f">{count}{'Q' if wide else 'I'}", self._data, at)
