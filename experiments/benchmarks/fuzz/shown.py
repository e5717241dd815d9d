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
from stored import Stored, scale_and_length, stored


@dataclass(frozen=True, slots=True)
class Track:
    """`shown` holds from when to when each sample that is shown is shown, in seconds, in order;
    `stored` all that lies in it.

    `tick`: of the media's own clock. `lasts`: what tkhd declares in the movie's clock.
    """

    kind: str
    shown: tuple[tuple[Fraction, Fraction], ...]
    stored: Stored
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
    scale, length = scale_and_length(data, header.body)
    traks = [b for b in found if b.kind == b"trak" and moov.at < b.at < moov.end]
    tick = Fraction(1, scale)
    return Movie(tick, length * tick, tuple(_track(data, found, trak, tick) for trak in traks))


def _one(found: list[Box], kind: bytes, at: int, end: int) -> Box:
    inside = [one for one in found if one.kind == kind and at <= one.at < end]
    if not inside:
        raise ValueError(f"it has no {kind.decode('latin-1')} box")
    return inside[0]


def _track(data: bytes, found: list[Box], trak: Box, movie_tick: Fraction) -> Track:
    handler = _one(found, b"hdlr", trak.at, trak.end).body
    tkhd = _one(found, b"tkhd", trak.at, trak.end).body
    long = data[tkhd] == 1
    length = struct.unpack_from(">Q" if long else ">I", data, tkhd + (28 if long else 20))[0]
    size = struct.unpack_from(">II", data, tkhd + (88 if long else 76))
    held = stored(data, found, trak)
    return Track(
        kind=data[handler + 8 : handler + 12].decode("latin-1"),
        shown=tuple(sorted(_edited(held, movie_tick))),
        stored=held,
        tick=held.tick,
        lasts=length * movie_tick,
        size=(Fraction(size[0], 65536), Fraction(size[1], 65536)),
    )


def _edited(held: Stored, movie_tick: Fraction) -> Iterator[tuple[Fraction, Fraction]]:
    passed = Fraction(0)
    samples = held.shown_first_to_last()
    for edit in held.edits:
        lasts = None if edit.lasts is None else edit.lasts * movie_tick
        if edit.start >= 0:
            for first, end in samples:
                at = (max(first, edit.start) - edit.start) * held.tick
                until = (end - edit.start) * held.tick
                # An edit's length is rounded to the movie's ticks: what begins less than half a tick
                # before its end begins when it ends.
                if end <= edit.start or (lasts is not None and at >= lasts - movie_tick / 2):
                    continue
                yield passed + at, passed + (until if lasts is None else min(until, lasts))
        passed += lasts or 0
