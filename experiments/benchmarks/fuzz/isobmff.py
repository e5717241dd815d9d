"""MP4 boxes written and read by hand (ISO/IEC 14496-12), apart from clipkit's own reader of them."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

# Boxes that hold boxes, and nothing else in front of them.
CONTAINERS = frozenset(
    (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"dinf", b"mvex", b"moof", b"traf")
)
_UNITY = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)


@dataclass(frozen=True, slots=True)
class Box:
    """Where a box lies in the file: from `at` to before `end`, its body from `body` on."""

    kind: bytes
    at: int
    body: int
    end: int
    depth: int


def boxes(data: bytes, at: int = 0, end: int | None = None, depth: int = 0) -> Iterator[Box]:
    """Every box, outer before inner; what is cut off ends the walk."""
    end = len(data) if end is None else end
    while at + 8 <= end:
        size, kind = struct.unpack_from(">I4s", data, at)
        body = at + 8
        if size == 1 and body + 8 <= end:
            size = struct.unpack_from(">Q", data, body)[0]
            body += 8
        elif size == 0:
            size = end - at
        if size < body - at or at + size > end:
            return
        yield Box(kind, at, body, at + size, depth)
        if kind in CONTAINERS:
            yield from boxes(data, body, at + size, depth + 1)
        at += size


def box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def full(kind: bytes, version: int, flags: int, *parts: bytes) -> bytes:
    return box(kind, struct.pack(">I", version << 24 | flags), *parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class OneTrack:
    """An MP4 of one video track whose samples are all of one size and one duration, as declared."""

    codec: bytes
    width: int
    height: int
    samples: int
    sample_bytes: int
    sample_ticks: int = 1
    timescale: int = 25

    def file(self, media: bytes) -> bytes:
        head = box(b"ftyp", b"isom", struct.pack(">I", 512), b"isommp41")
        without = self._moov(0)
        at = len(head) + len(without) + 8
        return head + self._moov(at) + box(b"mdat", media)

    def _moov(self, media_at: int) -> bytes:
        length = min(self.samples * self.sample_ticks, 2**32 - 1)
        size = struct.pack(">II", self.width << 16 & 0xFFFFFFFF, self.height << 16 & 0xFFFFFFFF)
        header = (
            struct.pack(">IIII", 0, 0, self.timescale, length),
            struct.pack(">IH10x", 0x10000, 256),
        )
        mvhd = full(b"mvhd", 0, 0, *header, _UNITY, bytes(24), struct.pack(">I", 2))
        tkhd = full(
            b"tkhd", 0, 3, struct.pack(">IIIII", 0, 0, 1, 0, length), bytes(16), _UNITY, size
        )
        mdhd = full(b"mdhd", 0, 0, struct.pack(">IIIIHH", 0, 0, self.timescale, length, 0x55C4, 0))
        hdlr = full(b"hdlr", 0, 0, bytes(4), b"vide", bytes(12), b"v\0")
        vmhd = full(b"vmhd", 0, 1, bytes(8))
        dinf = box(b"dinf", full(b"dref", 0, 0, struct.pack(">I", 1), full(b"url ", 0, 1)))
        minf = box(b"minf", vmhd, dinf, self._samples(media_at))
        return box(b"moov", mvhd, box(b"trak", tkhd, box(b"mdia", mdhd, hdlr, minf)))

    def _samples(self, media_at: int) -> bytes:
        entry = box(
            self.codec,
            struct.pack(
                ">6xH16xHHII4xH32sHh",
                1,
                self.width,
                self.height,
                72 << 16,
                72 << 16,
                1,
                b"",
                24,
                -1,
            ),
        )
        return box(
            b"stbl",
            full(b"stsd", 0, 0, struct.pack(">I", 1), entry),
            full(b"stts", 0, 0, struct.pack(">III", 1, self.samples, self.sample_ticks)),
            full(b"stsc", 0, 0, struct.pack(">IIII", 1, 1, self.samples, 1)),
            full(b"stsz", 0, 0, struct.pack(">II", self.sample_bytes, self.samples)),
            full(b"stco", 0, 0, struct.pack(">II", 1, media_at)),
        )
