"""When an MP4 shows each sample of a track, by its own boxes: stts, ctts, elst, mdhd, tkhd, mvhd.

A decoder may hide that the first picture comes late (PyAV and ffmpeg report 0 where the boxes say
0.02 s), so a clip is judged by what is written in it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from isobmff import Box, boxes


@dataclass(frozen=True, slots=True)
class Track:
    """`shown` holds from when to when each sample that is shown is shown, in seconds, in order.

    `tick`: of the media's own clock. `lasts`: what tkhd declares in the movie's clock.
    """

    kind: str
    shown: tuple[tuple[Fraction, Fraction], ...]
    stored: int
    tick: Fraction
    lasts: Fraction
    size: tuple[Fraction, Fraction]

    @property
    def end(self) -> Fraction:
        return max((end for _, end in self.shown), default=Fraction(0))


@dataclass(frozen=True, slots=True)
class Movie:
    """`tick` is the clock's in which edits and lengths are written; `lasts` is what mvhd declares."""

    tick: Fraction
    lasts: Fraction
    tracks: tuple[Track, ...]

    def first(self, kind: str) -> Track | None:
        return next((track for track in self.tracks if track.kind == kind), None)


def movie(data: bytes) -> Movie:
    """Raises ValueError or struct.error where it is no complete MP4 with its tables in `moov`."""
    found = list(boxes(data))
    moov = _one(found, b"moov", 0, len(data))
    header = _one(found, b"mvhd", moov.body, moov.end)
    scale, length = _scale_and_length(data, header.body)
    traks = [b for b in found if b.kind == b"trak" and moov.at < b.at < moov.end]
    tick = Fraction(1, scale)
    return Movie(tick, length * tick, tuple(_track(data, found, trak, tick) for trak in traks))


def _one(found: list[Box], kind: bytes, at: int, end: int) -> Box:
    inside = [one for one in found if one.kind == kind and at <= one.at < end]
    if not inside:
        raise ValueError(f"it has no {kind.decode('latin-1')} box")
    return inside[0]


def _scale_and_length(data: bytes, at: int) -> tuple[int, int]:
    """Of mvhd and mdhd, whose dates come first."""
    if data[at]:
        scale, length = struct.unpack_from(">IQ", data, at + 20)
    else:
        scale, length = struct.unpack_from(">II", data, at + 12)
    if not scale:
        raise ValueError("a clock without ticks")
    return scale, length


def _track(data: bytes, found: list[Box], trak: Box, movie_tick: Fraction) -> Track:
    def body(kind: bytes) -> int:
        return _one(found, kind, trak.at, trak.end).body

    handler = body(b"hdlr")
    tkhd = body(b"tkhd")
    long = data[tkhd] == 1
    length = struct.unpack_from(">Q" if long else ">I", data, tkhd + (28 if long else 20))[0]
    size = struct.unpack_from(">II", data, tkhd + (88 if long else 76))
    scale, _ = _scale_and_length(data, body(b"mdhd"))
    decoded = list(_runs(data, body(b"stts")))
    has_offsets = any(b.kind == b"ctts" and trak.at < b.at < trak.end for b in found)
    offsets = [o for o, _ in _runs(data, body(b"ctts"), signed=True)] if has_offsets else []
    samples = _placed([d for d, _ in decoded], offsets)
    edits = [b.body for b in found if b.kind == b"elst" and trak.at < b.at < trak.end]
    shown = _edited(
        samples, list(_edits(data, edits[0])) if edits else [(None, 0)], scale, movie_tick
    )
    return Track(
        kind=data[handler + 8 : handler + 12].decode("latin-1"),
        shown=tuple(sorted(shown)),
        stored=len(samples),
        tick=Fraction(1, scale),
        lasts=length * movie_tick,
        size=(Fraction(size[0], 65536), Fraction(size[1], 65536)),
    )


def _runs(data: bytes, at: int, signed: bool = False) -> Iterator[tuple[int, int]]:
    """Each sample's value of a table of runs, with its number."""
    number = 0
    for row in range(struct.unpack_from(">I", data, at + 4)[0]):
        count, value = struct.unpack_from(">Ii" if signed else ">II", data, at + 8 + 8 * row)
        for _ in range(count):
            yield value, number
            number += 1


def _placed(durations: list[int], offsets: list[int]) -> list[tuple[int, int]]:
    """From when to when each sample stands in the media's clock: until the next one shown, or its own time."""
    starts = []
    now = 0
    for number, duration in enumerate(durations):
        starts.append((now + (offsets[number] if number < len(offsets) else 0), duration))
        now += duration
    starts.sort()
    ends = [following for following, _ in starts[1:]]
    if starts:
        ends.append(starts[-1][0] + starts[-1][1])
    return [(start, end) for (start, _), end in zip(starts, ends, strict=True)]


def _edits(data: bytes, at: int) -> Iterator[tuple[int | None, int]]:
    """Each edit's length in the movie's ticks (None: to the end) and its start in the media's, -1: empty."""
    form, step = (">Qq", 20) if data[at] else (">Ii", 12)
    for row in range(struct.unpack_from(">I", data, at + 4)[0]):
        length, start = struct.unpack_from(form, data, at + 8 + step * row)
        yield length or None, start


def _edited(
    samples: list[tuple[int, int]],
    edits: list[tuple[int | None, int]],
    scale: int,
    movie_tick: Fraction,
) -> Iterator[tuple[Fraction, Fraction]]:
    passed = Fraction(0)
    for length, start in edits:
        lasts = None if length is None else length * movie_tick
        if start >= 0:
            for first, end in samples:
                at = Fraction(max(first, start) - start, scale)
                until = Fraction(end - start, scale)
                # An edit's length is rounded to the movie's ticks: what begins less than half a tick
                # before its end begins when it ends.
                if end <= start or (lasts is not None and at >= lasts - movie_tick / 2):
                    continue
                yield passed + at, passed + (until if lasts is None else min(until, lasts))
        passed += lasts or 0
