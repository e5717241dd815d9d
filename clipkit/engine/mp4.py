"""How many frames a clip holds and shows, and when it shows the first and the last of them.

Stdlib only: it lives inside the host. It reads the `moov` box alone (ISO/IEC 14496-12).
"""

from __future__ import annotations

import struct
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from clipkit.engine.boxes import (
    Mp4Error,
    box_at,
    edit_layout,
    needed,
    read_moov,
    timescale,
    video_track,
)

_MAX_FRAMES = 10_000_000


@dataclass(frozen=True, slots=True)
class VideoTrack:
    """Frames in the track, how many of them its edit list shows, and when it shows the first and
    the last of those, in seconds from the movie's start; and a frame's pixels."""

    frames_stored: int
    frames_shown: int
    first_shown_s: float
    last_shown_s: float
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class _Edit:
    """One stretch of what is shown: media times from `start` to before `end` (None: to the last),
    in the media's ticks; from `at_s` on, in seconds from the movie's start."""

    at_s: float
    start: int
    end: int | None


def read_video_track(path: Path) -> VideoTrack:
    """The first video track. Raises Mp4Error where there is none or where it shows nothing, OSError
    where the file cannot be read."""
    with path.open("rb") as file:
        try:
            _, moov = read_moov(file)
            return _video(memoryview(moov))
        except (struct.error, IndexError):
            raise Mp4Error("a table of it is cut off") from None


def _video(moov: memoryview) -> VideoTrack:
    track = video_track(moov)
    ticks = timescale(needed(track, b"mdia", b"mdhd"))
    times = _media_times(needed(track, b"mdia", b"minf", b"stbl"))
    shown = 0
    ends_s: list[float] = []
    for edit in _edits(track, timescale(needed(moov, b"mvhd")), ticks):
        first = bisect_left(times, edit.start)
        behind = len(times) if edit.end is None else bisect_left(times, edit.end)
        if first < behind:
            shown += behind - first
            ends_s += [edit.at_s + (times[i] - edit.start) / ticks for i in (first, behind - 1)]
    if not shown:
        raise Mp4Error("the video track shows nothing")
    size = _size(needed(track, b"mdia", b"minf", b"stbl", b"stsd"))
    return VideoTrack(len(times), shown, min(ends_s), max(ends_s), *size)


def _size(stsd: memoryview) -> tuple[int, int]:
    """Of the first sample entry (`VisualSampleEntry`), behind the number of entries and its own header."""
    width, height = struct.unpack_from(">HH", stsd, 8 + 32)
    return width, height


def _media_times(table: memoryview) -> list[int]:
    """When each frame is shown by the media's own clock, ascending."""
    decode_times = _decode_times(needed(table, b"stts"))
    offsets = _composition_offsets(box_at(table, b"ctts"), len(decode_times))
    return sorted(when + offset for when, offset in zip(decode_times, offsets, strict=True))


def _edits(track: memoryview, movie_ticks: int, ticks: int) -> Iterator[_Edit]:
    """What the edit list shows; without one, everything from the media's time 0 on.

    An edit's duration is rounded to the movie's ticks, so a frame less than half such a tick before
    its end is one that begins when it ends. A duration of 0 is unknown: up to the end. The frame at
    the very start of an edit is shown, however short the edit is.
    """
    elst = box_at(track, b"edts", b"elst")
    if elst is None:
        yield _Edit(0.0, 0, None)
        return
    layout, places = edit_layout(elst)
    passed = 0
    for place in places:
        duration, start = struct.unpack_from(layout, elst, place)
        if start >= 0:  # else it is empty: nothing is shown meanwhile
            end = start - -(2 * duration - 1) * ticks // (2 * movie_ticks)
            yield _Edit(passed / movie_ticks, start, max(end, start + 1) if duration else None)
        passed += duration


def _runs(table: memoryview, second: str) -> Iterator[tuple[int, int]]:
    count = struct.unpack_from(">I", table, 4)[0]
    yield from (struct.unpack_from(f">I{second}", table, 8 + 8 * row) for row in range(count))


def _decode_times(stts: memoryview) -> list[int]:
    times: list[int] = []
    now = 0
    for count, delta in _runs(stts, "I"):
        if len(times) + count > _MAX_FRAMES:
            raise Mp4Error(f"more than {_MAX_FRAMES} frames")
        times += range(now, now + count * delta, delta) if delta else [now] * count
        now += count * delta
    return times


def _composition_offsets(ctts: memoryview | None, samples: int) -> list[int]:
    if ctts is None:
        return [0] * samples
    # Version 0 is unsigned by the standard; writers store negative offsets there too.
    runs = list(_runs(ctts, "i"))
    if sum(count for count, _ in runs) != samples:
        raise Mp4Error("ctts and stts disagree")
    return [offset for count, offset in runs for _ in range(count)]
