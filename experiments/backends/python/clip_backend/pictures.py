"""Whether an MP4 has a picture in it, by its tables: for command lines that tell no progress."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

_MOST_TABLE_BYTES = 64 * 1024**2  # a day of pictures; ffmpeg wrote it, so this is no attack


def has_picture(path: Path) -> bool:
    """Whether a video track of the MP4 at `path` lists at least one sample."""
    moov = _movie_box(path)
    return any(_is_video(track) and _samples(track) for track in _boxes(moov, b"trak"))


def _movie_box(path: Path) -> bytes:
    with path.open("rb") as file:
        while len(head := file.read(8)) == 8:
            size, kind = struct.unpack(">I4s", head)
            length = size - 8
            if size == 1:
                length = struct.unpack(">Q", file.read(8).ljust(8, b"\0"))[0] - 16
            if kind == b"moov":
                return file.read(min(length, _MOST_TABLE_BYTES))
            if length < 0:  # to the end of the file, or damaged
                break
            file.seek(length, 1)
    return b""


def _boxes(data: bytes, wanted: bytes) -> Iterator[bytes]:
    place = 0
    while place + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, place)
        if size < 8:
            return
        if kind == wanted:
            yield data[place + 8 : place + size]
        place += size


def _first(data: bytes, *path: bytes) -> bytes:
    for kind in path:
        data = next(_boxes(data, kind), b"")
    return data


def _is_video(track: bytes) -> bool:
    return _first(track, b"mdia", b"hdlr")[8:12] == b"vide"


def _samples(track: bytes) -> int:
    table = _first(track, b"mdia", b"minf", b"stbl", b"stsz")
    return struct.unpack_from(">I", table, 8)[0] if len(table) >= 12 else 0
