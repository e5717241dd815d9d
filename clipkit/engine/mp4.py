"""How many frames a clip holds, when it shows which, and when it is heard.

Stdlib only: it lives inside the host. It reads the `moov` box alone (ISO/IEC 14496-12).
"""

from __future__ import annotations

import struct
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from clipkit.engine.boxes import (
    Mp4Error,
    box_at,
    edit_layout,
    header_duration,
    needed,
    read_moov,
    time_runs,
    timescale,
    track_of,
    video_track,
)

_MAX_FRAMES = 10_000_000


@dataclass(frozen=True, slots=True)
class Hidden:
    """What a track holds before and behind that its edit list shows: bytes, and for how many seconds who
    ignores the list shows it."""

    before_s: float = 0.0
    behind_s: float = 0.0
    before_bytes: int = 0
    behind_bytes: int = 0


@dataclass(frozen=True, slots=True)
class VideoTrack:
    """Frames in the track, when its edit list shows which of them, and when that ends, in seconds from
    the movie's start; and a frame's pixels. `tick_s`: the least by which the times of frames can
    differ, `movie_tick_s` those of edits. `ends_s`: when it ends by its own header, the movie's, the
    media's and its last sample."""

    frames_stored: int
    shown_s: tuple[float, ...]
    end_s: float
    tick_s: float
    movie_tick_s: float
    width: int
    height: int
    hidden: Hidden = Hidden()
    ends_s: tuple[float, ...] = ()

    @property
    def frames_shown(self) -> int:
        return len(self.shown_s)

    def report(self) -> dict[str, int]:
        """What the engine tells of it."""
        return {
            "frames": self.frames_shown,
            "hidden_preroll_bytes": self.hidden.before_bytes,
            "hidden_tail_bytes": self.hidden.behind_bytes,
        }

    @property
    def first_shown_s(self) -> float:
        return self.shown_s[0]

    @property
    def last_shown_s(self) -> float:
        return self.shown_s[-1]


@dataclass(frozen=True, slots=True)
class _Edit:
    """One stretch of what is shown: media times from `start` to before `end` (None: to the last),
    in the media's ticks; from `at_s` on for `lasts_s` (None: as long as the media), in seconds from
    the movie's start."""

    at_s: float
    lasts_s: float | None
    start: int
    end: int | None


@dataclass(frozen=True, slots=True)
class SoundTrack:
    """From when to when it is heard, in seconds from the movie's start; `frame_s`: its longest frame;
    `early_s`: how long what is not heard before would be."""

    from_s: float
    to_s: float
    frame_s: float
    early_s: float = 0.0


def read_video_track(path: Path) -> VideoTrack:
    """The first video track. Raises Mp4Error where there is none or where it shows nothing, OSError
    where the file cannot be read."""
    return read_tracks(path)[0]


def read_tracks(path: Path) -> tuple[VideoTrack, SoundTrack | None]:
    """The first video track, and the first sound track if one is heard at all. Raises as
    `read_video_track` does."""
    with path.open("rb") as file:
        try:
            _, moov = read_moov(file)
            view = memoryview(moov)
            sound = track_of(view, b"soun")
            return _video(view), _sound(view, sound) if sound is not None else None
        except (struct.error, IndexError):
            raise Mp4Error("a table of it is cut off") from None


def _video(moov: memoryview) -> VideoTrack:
    track = video_track(moov)
    movie_ticks, ticks = (
        timescale(needed(moov, b"mvhd")),
        timescale(needed(track, b"mdia", b"mdhd")),
    )
    table = needed(track, b"mdia", b"minf", b"stbl")
    decoded = decode_times(needed(table, b"stts"))
    stored = _stored(table, decoded)
    times = [time for time, _ in stored]
    shown_s: list[float] = []
    end_s = 0.0
    edges = []
    for edit in _edits(track, movie_ticks, ticks):
        first = bisect_left(times, edit.start)
        behind = len(times) if edit.end is None else bisect_left(times, edit.end)
        shown_s += [edit.at_s + (time - edit.start) / ticks for time in times[first:behind]]
        end_s = edit.at_s + (
            (decoded[-1] - edit.start) / ticks if edit.lasts_s is None else edit.lasts_s
        )
        edges += [(first, edit.start), (behind, edit.start + round((end_s - edit.at_s) * ticks))]
    if not shown_s:
        raise Mp4Error("the video track shows nothing")
    size = _size(needed(table, b"stsd"))
    hidden = _hidden(stored, edges[0], edges[-1], ticks)
    ends_s = (
        header_duration(needed(track, b"tkhd"), 20) / movie_ticks,
        header_duration(needed(moov, b"mvhd"), 16) / movie_ticks,
        (header_duration(needed(track, b"mdia", b"mdhd"), 16) - edges[0][1]) / ticks,
        (decoded[-1] - edges[0][1]) / ticks,
    )
    at_s = tuple(sorted(shown_s))
    return VideoTrack(len(times), at_s, end_s, 1 / ticks, 1 / movie_ticks, *size, hidden, ends_s)


def _hidden(
    stored: list[tuple[int, int]], first: tuple[int, int], behind: tuple[int, int], ticks: int
) -> Hidden:
    """`first` and `behind`: which of them are shown, and from when to when."""
    before, after = stored[: first[0]], stored[behind[0] :]
    return Hidden(
        before_s=first[1] / ticks if before else 0.0,
        behind_s=max(after[-1][0] - behind[1], 0) / ticks if after else 0.0,
        before_bytes=sum(size for _, size in before),
        behind_bytes=sum(size for _, size in after),
    )


def _size(stsd: memoryview) -> tuple[int, int]:
    """Of the first sample entry (`VisualSampleEntry`), behind the number of entries and its own header."""
    width, height = struct.unpack_from(">HH", stsd, 8 + 32)
    return width, height


def _sound(moov: memoryview, track: memoryview) -> SoundTrack | None:
    movie_ticks, ticks = (
        timescale(needed(moov, b"mvhd")),
        timescale(needed(track, b"mdia", b"mdhd")),
    )
    times = decode_times(needed(track, b"mdia", b"minf", b"stbl", b"stts"))
    heard = [
        (edit.at_s + max(low - edit.start, 0) / ticks, edit.at_s + (high - edit.start) / ticks)
        for edit in _edits(track, movie_ticks, ticks)
        for low, high in [(max(times[0], edit.start), min(times[-1], edit.end or times[-1]))]
        if low < high
    ]
    if not heard:
        return None
    frame = max(later - earlier for earlier, later in pairwise(times))
    early = next((edit.start for edit in _edits(track, movie_ticks, ticks)), 0)
    return SoundTrack(heard[0][0], heard[-1][1], frame / ticks, early / ticks)


def _stored(table: memoryview, decoded: list[int]) -> list[tuple[int, int]]:
    """When each frame is shown by the media's own clock, ascending, and how many bytes it has."""
    frames = len(decoded) - 1
    offsets = composition_offsets(box_at(table, b"ctts"), frames)
    sizes = _sizes(box_at(table, b"stsz"), frames)
    return sorted(
        (when + offset, size) for when, offset, size in zip(decoded, offsets, sizes, strict=False)
    )


def _sizes(stsz: memoryview | None, frames: int) -> list[int]:
    """0 each where none are told so."""
    if stsz is None:
        return [0] * frames
    alike, count = struct.unpack_from(">II", stsz, 4)
    return [alike] * frames if alike else list(struct.unpack_from(f">{count}I", stsz, 12))


def _edits(track: memoryview, movie_ticks: int, ticks: int) -> Iterator[_Edit]:
    """What the edit list shows; without one, everything from the media's time 0 on.

    An edit's duration is rounded to the movie's ticks, so a frame less than half such a tick before
    its end is one that begins when it ends. A duration of 0 is unknown: up to the end. The frame at
    the very start of an edit is shown, however short the edit is.
    """
    elst = box_at(track, b"edts", b"elst")
    if elst is None:
        yield _Edit(0.0, None, 0, None)
        return
    layout, places = edit_layout(elst)
    passed = 0
    for place in places:
        duration, start = struct.unpack_from(layout, elst, place)
        if start >= 0:  # else it is empty: nothing is shown meanwhile
            end = start - -(2 * duration - 1) * ticks // (2 * movie_ticks)
            lasts_s = duration / movie_ticks if duration else None
            yield _Edit(
                passed / movie_ticks, lasts_s, start, max(end, start + 1) if duration else None
            )
        passed += duration


def decode_times(stts: memoryview) -> list[int]:
    """Of each sample, and at last when the last one is over."""
    times: list[int] = []
    now = 0
    for count, delta in time_runs(stts):
        if len(times) + count > _MAX_FRAMES:
            raise Mp4Error(f"more than {_MAX_FRAMES} frames")
        times += range(now, now + count * delta, delta) if delta else [now] * count
        now += count * delta
    return [*times, now]


def composition_offsets(ctts: memoryview | None, samples: int) -> list[int]:
    if ctts is None:
        return [0] * samples
    # Version 0 is unsigned by the standard; writers store negative offsets there too.
    runs = list(time_runs(ctts, "i"))
    if sum(count for count, _ in runs) != samples:
        raise Mp4Error("ctts and stts disagree")
    return [offset for count, offset in runs for _ in range(count)]
