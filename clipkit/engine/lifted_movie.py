"""The boxes of a clip whose packets are copied as they lie in the upload. Stdlib only: it lives inside the host."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from clipkit.engine import tables
from clipkit.engine.boxes import needed
from clipkit.engine.tables import box, whole_box, with_duration
from clipkit.engine.writing import Placement, Stored, stored_tables

_BRANDS = b"isom\0\0\x02\0isomiso2avc1mp41"
_UNTURNED = struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
_UNDETERMINED = 0x55C4  # `und`
_SHOWN = 3  # enabled, and in the presentation
_SOUND_HEADER = whole_box(b"smhd", b"\0\0\0\0")
_ROLL_PACKETS = -1
"""AAC's blocks overlap: a decoder needs one before the one that is to be right."""


@dataclass(frozen=True, slots=True)
class Lifted:
    """A track of the clip. `track`: the upload's, of which it keeps how it is described (`stsd`), turned, and its
    language; `lasts`: all its samples together, of which `shown` ticks are from `start` on, in ticks of which a second
    has `ticks`."""

    track: memoryview
    stsd: bytes
    samples: list[Stored]
    ticks: int
    lasts: int
    start: int
    shown: int
    is_film: bool

    @property
    def stands(self) -> list[int]:
        """How long after each sample the next one is decoded; the last one lasts until all are over."""
        first = self.samples[0].decoded
        ends = [*(stored.decoded - first for stored in self.samples), self.lasts]
        return [later - earlier for earlier, later in pairwise(ends)]


class LiftedMovie:
    """`ticks` of its clock are a second, of which it lasts for `length`."""

    def __init__(self, ticks: int, length: int, tracks: Sequence[Lifted]) -> None:
        self._ticks, self._length, self._tracks = ticks, length, tracks

    def front(self) -> Iterator[bytes]:
        yield box(b"ftyp", _BRANDS)

    def moov(
        self, tracks: Sequence[list[Stored]], placed: Sequence[Placement], wide: bool
    ) -> bytes:
        made = [
            self._trak(number, track, where, wide)
            for number, (track, _, where) in enumerate(
                zip(self._tracks, tracks, placed, strict=True), 1
            )
        ]
        clock = struct.pack(">5I", 0, 0, 0, self._ticks, 0)
        usual = struct.pack(">IH10x", 1 << 16, 1 << 8)  # speed and volume
        header = clock + usual + _UNTURNED + struct.pack(">24xI", len(made) + 1)
        return box(b"moov", with_duration(b"mvhd", memoryview(header), self._length), *made)

    def _trak(self, number: int, track: Lifted, placed: Placement, wide: bool) -> bytes:
        shown = min(self._length, -(-track.shown * self._ticks // track.ticks))
        told = needed(track.track, b"tkhd")
        # And in which size it is shown.
        turned = bytes(told[52:96] if told[0] == 1 else told[40:84])
        group, volume = (0, 0) if track.is_film else (1, 1 << 8)
        tkhd = struct.pack(">6I8x4H", _SHOWN, 0, 0, number, 0, 0, 0, group, volume, 0) + turned
        mdhd = struct.pack(">5I", 0, 0, 0, track.ticks, 0) + self._language(track) + b"\0\0"
        handler = b"vide" if track.is_film else b"soun"
        name = b"VideoHandler\0" if track.is_film else b"SoundHandler\0"
        media = (
            with_duration(b"mdhd", memoryview(mdhd), track.lasts),
            whole_box(b"hdlr", struct.pack(">I4s12x", 0, handler) + name),
            self._minf(track, placed, wide),
        )
        return box(
            b"trak",
            with_duration(b"tkhd", memoryview(tkhd), shown),
            box(b"edts", tables.elst(shown, track.start)),
            box(b"mdia", *media),
        )

    def _language(self, track: Lifted) -> bytes:
        """Three letters of 5 bits; QuickTime has numbers below them, and one for none."""
        mdhd = needed(track.track, b"mdia", b"mdhd")
        told: int = struct.unpack_from(">H", mdhd, 32 if mdhd[0] == 1 else 20)[0]
        return struct.pack(">H", told if 0x400 <= told < 0x7FFF else _UNDETERMINED)

    def _minf(self, track: Lifted, placed: Placement, wide: bool) -> bytes:
        here = struct.pack(">I", 1) + box(b"url ", struct.pack(">I", 1))  # in this file
        header = box(b"vmhd", struct.pack(">I8x", 1)) if track.is_film else _SOUND_HEADER
        dinf = box(b"dinf", whole_box(b"dref", here))
        return box(b"minf", header, dinf, self._stbl(track, placed, wide))

    def _stbl(self, track: Lifted, placed: Placement, wide: bool) -> bytes:
        samples = track.samples
        times = [tables.stts(track.stands)]
        if track.is_film:
            times.append(tables.stss([stored.sample.sync for stored in samples]))
            times.append(tables.ctts([stored.shown - stored.decoded for stored in samples]))
        else:
            times += _rolling(len(samples))
        return box(b"stbl", box(b"stsd", track.stsd), *times, stored_tables(placed, wide))


def _rolling(samples: int) -> list[bytes]:
    """That each sample of sound needs the one before it (10.1, `roll`)."""
    group = whole_box(b"sgpd", struct.pack(">4sIIh", b"roll", 2, 1, _ROLL_PACKETS), version=1)
    return [group, whole_box(b"sbgp", struct.pack(">4sIII", b"roll", 1, samples, 1))]
