"""The boxes of an MP4's `moov` (ISO/IEC 14496-12), read and changed in place.

Stdlib only: it lives inside the host. Nothing in a file is believed: what is cut off is refused.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

# A clip's `moov` holds a few tables; a larger one is no clip of ours.
_MAX_MOOV_BYTES = 64 * 1024 * 1024


class Mp4Error(Exception):
    """The file is no complete MP4 with a video track that shows something."""


def read_moov(file: BinaryIO) -> tuple[int, bytearray]:
    """Where the body of the `moov` box starts in the file, and that body. Raises Mp4Error."""
    while header := file.read(8):
        if len(header) < 8:
            break
        size, kind = struct.unpack(">I4s", header)
        body = size - 8
        if size == 1:
            body = struct.unpack(">Q", file.read(8))[0] - 16
        if kind == b"moov":
            if not 0 < body <= _MAX_MOOV_BYTES:
                raise Mp4Error(f"a moov box of {body} bytes")
            at = file.tell()
            moov = bytearray(file.read(body))
            if len(moov) < body:
                raise Mp4Error("its moov box is cut off")
            return at, moov
        if size == 0 or body < 0:
            break
        file.seek(body, 1)
    raise Mp4Error("no moov box: the file is incomplete")


def boxes(data: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Kind and body of each box; a body is a view, so writing into it changes `data`."""
    at = 0
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        if size < 8 or at + size > len(data):
            raise Mp4Error(f"box {kind!r} is cut off")
        yield kind, data[at + 8 : at + size]
        at += size


def box_at(data: memoryview, *path: bytes) -> memoryview | None:
    """The first box at that path; None where there is none."""
    for name in path:
        found = next((body for kind, body in boxes(data) if kind == name), None)
        if found is None:
            return None
        data = found
    return data


def needed(data: memoryview, *path: bytes) -> memoryview:
    found = box_at(data, *path)
    if found is None:
        raise Mp4Error(f"no {'/'.join(name.decode() for name in path)} box")
    return found


def tracks(moov: memoryview) -> Iterator[memoryview]:
    return (body for kind, body in boxes(moov) if kind == b"trak")


def track_number(tkhd: memoryview) -> int:
    number: int = struct.unpack_from(">I", tkhd, 20 if tkhd[0] == 1 else 12)[0]
    return number


def track_of(moov: memoryview, kind: bytes) -> memoryview | None:
    """The first one whose handler is that: `vide`, `soun`."""
    for track in tracks(moov):
        handler = box_at(track, b"mdia", b"hdlr")
        if handler and bytes(handler[8:12]) == kind:
            return track
    return None


def video_track(moov: memoryview) -> memoryview:
    """The first one. Raises Mp4Error where there is none."""
    track = track_of(moov, b"vide")
    if track is None:
        raise Mp4Error("no video track")
    return track


def timescale(header: memoryview) -> int:
    """Of `mvhd` or `mdhd`: ticks a second."""
    ticks: int = struct.unpack_from(">I", header, 20 if header[0] == 1 else 12)[0]
    if not ticks:
        raise Mp4Error("a timescale of 0")
    return ticks


def edit_layout(elst: memoryview) -> tuple[str, list[int]]:
    """How `elst` stores an edit's duration and start, and at which offsets its edits lie."""
    layout, width = (">Qq", 20) if elst[0] == 1 else (">Ii", 12)
    count = struct.unpack_from(">I", elst, 4)[0]
    if 8 + count * width > len(elst):
        raise Mp4Error("its edit list is cut off")
    return layout, [8 + row * width for row in range(count)]


def duration_place(header: memoryview, at: int) -> tuple[str, int]:
    """How a header stores its duration, and where; `at`: where that is in version 0, 20 bytes into `tkhd`,
    16 into the others. Version 1 has wider times before it."""
    return (">Q", at + 8) if header[0] == 1 else (">I", at)


def header_duration(header: memoryview, at: int) -> int:
    layout, place = duration_place(header, at)
    ticks: int = struct.unpack_from(layout, header, place)[0]
    return ticks


def time_runs(table: memoryview, second: str = "I") -> Iterator[tuple[int, int]]:
    """Of `stts` and `ctts`: how many samples in a row have which number."""
    count = struct.unpack_from(">I", table, 4)[0]
    yield from (struct.unpack_from(f">I{second}", table, 8 + 8 * row) for row in range(count))
