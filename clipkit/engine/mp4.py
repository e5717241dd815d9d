"""A small MP4 reader: how many frames a clip holds, and when the first and the last are shown.

Stdlib only: it lives inside the host. It reads the `moov` box alone (ISO/IEC 14496-12).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

# A clip's `moov` holds a few tables; a larger one is no clip of ours.
_MAX_MOOV_BYTES = 64 * 1024 * 1024
_MAX_FRAMES = 10_000_000


class Mp4Error(Exception):
    """The file is no complete MP4 with a video track."""


@dataclass(frozen=True, slots=True)
class VideoTrack:
    """Frames in the track, and presentation times after its edit list, in seconds."""

    frames: int
    first_shown_s: float
    last_shown_s: float


def read_video_track(path: Path) -> VideoTrack:
    """The first video track. Raises Mp4Error where there is none, OSError where it cannot be read."""
    with path.open("rb") as file:
        try:
            return _first_video(_moov(file))
        except (struct.error, IndexError):
            raise Mp4Error("a table of it is cut off") from None


def _first_video(moov: bytes) -> VideoTrack:
    for kind, track in _boxes(moov):
        if kind == b"trak" and _handler(track) == b"vide":
            return _video(track, _timescale(_need(moov, b"mvhd")))
    raise Mp4Error("no video track")


def _moov(file: BinaryIO) -> bytes:
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
            moov = file.read(body)
            if len(moov) < body:
                raise Mp4Error("its moov box is cut off")
            return moov
        if size == 0 or body < 0:
            break
        file.seek(body, 1)
    raise Mp4Error("no moov box: the file is incomplete")


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        if size < 8 or at + size > len(data):
            raise Mp4Error(f"box {kind!r} is cut off")
        yield kind, data[at + 8 : at + size]
        at += size


def _find(data: bytes, *path: bytes) -> bytes | None:
    for name in path:
        found = next((body for kind, body in _boxes(data) if kind == name), None)
        if found is None:
            return None
        data = found
    return data


def _need(data: bytes, *path: bytes) -> bytes:
    found = _find(data, *path)
    if found is None:
        raise Mp4Error(f"no {'/'.join(name.decode() for name in path)} box")
    return found


def _handler(track: bytes) -> bytes:
    handler = _find(track, b"mdia", b"hdlr")
    return handler[8:12] if handler else b""


def _timescale(header: bytes) -> int:
    """Of `mvhd` or `mdhd`: ticks a second."""
    timescale: int = struct.unpack_from(">I", header, 20 if header[0] == 1 else 12)[0]
    if not timescale:
        raise Mp4Error("a timescale of 0")
    return timescale


def _video(track: bytes, movie_timescale: int) -> VideoTrack:
    timescale = _timescale(_need(track, b"mdia", b"mdhd"))
    table = _need(track, b"mdia", b"minf", b"stbl")
    decode_times = _decode_times(_need(table, b"stts"))
    offsets = _composition_offsets(_find(table, b"ctts"), len(decode_times))
    shown = [when + offset for when, offset in zip(decode_times, offsets, strict=True)]
    if not shown:
        raise Mp4Error("the video track is empty")
    delay, hidden = _edits(track)
    return VideoTrack(
        frames=len(shown),
        first_shown_s=delay / movie_timescale + (min(shown) - hidden) / timescale,
        last_shown_s=delay / movie_timescale + (max(shown) - hidden) / timescale,
    )


def _runs(table: bytes, second: str) -> Iterator[tuple[int, int]]:
    count = struct.unpack_from(">I", table, 4)[0]
    yield from (struct.unpack_from(f">I{second}", table, 8 + 8 * row) for row in range(count))


def _decode_times(stts: bytes) -> list[int]:
    times: list[int] = []
    now = 0
    for count, delta in _runs(stts, "I"):
        if len(times) + count > _MAX_FRAMES:
            raise Mp4Error(f"more than {_MAX_FRAMES} frames")
        times += range(now, now + count * delta, delta) if delta else [now] * count
        now += count * delta
    return times


def _composition_offsets(ctts: bytes | None, samples: int) -> list[int]:
    if ctts is None:
        return [0] * samples
    # Version 0 is unsigned by the standard; writers store negative offsets there too.
    runs = list(_runs(ctts, "i"))
    if sum(count for count, _ in runs) != samples:
        raise Mp4Error("ctts and stts disagree")
    return [offset for count, offset in runs for _ in range(count)]


def _edits(track: bytes) -> tuple[int, int]:
    """The edit list: how long nothing is shown, in the movie's ticks, and where in the media the
    first edit that shows something starts, in the media's."""
    elst = _find(track, b"edts", b"elst")
    if elst is None:
        return 0, 0
    layout, width = (">Qq", 20) if elst[0] == 1 else (">Ii", 12)
    delay = 0
    for row in range(struct.unpack_from(">I", elst, 4)[0]):
        duration, start = struct.unpack_from(layout, elst, 8 + width * row)
        if start >= 0:
            return delay, start
        delay += duration  # an empty edit
    return delay, 0
