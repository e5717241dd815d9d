"""Clips and jobs: which stretches of an upload to cut, and which of its frames they hold."""

from __future__ import annotations

import csv
import math
import random
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from clipkit.errors import ClipListError, ClipRangeError
from clipkit.media.upload import Upload


@dataclass(frozen=True, slots=True)
class Clip:
    """A stretch of the upload, in seconds from its container's start."""

    start_s: float
    duration_s: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.start_s) and self.start_s >= 0):
            raise ClipListError(f"a clip cannot start at {self.start_s:g} s: give 0 or more")
        if not (math.isfinite(self.duration_s) and self.duration_s > 0):
            raise ClipListError(f"a clip cannot last {self.duration_s:g} s: give more than 0")

    @property
    def end_s(self) -> float:
        """Start + duration in decimal arithmetic: 5.04 + 12 is 17.04, not 17.039999999999999."""
        return float(Decimal(repr(self.start_s)) + Decimal(repr(self.duration_s)))


@dataclass(frozen=True, slots=True)
class Job:
    """An upload and its clips. `seed`: of random starts; None where spread evenly or listed."""

    upload: Upload
    clips: tuple[Clip, ...]
    seed: int | None = None

    def reduced(self, indices: Iterable[int]) -> Job:
        """The same upload with only the clips of those indices."""
        return Job(self.upload, tuple(self.clips[index] for index in indices), self.seed)

    def shortened(self, length_s: float) -> Job:
        """The same starts, no clip longer than that."""
        clips = (Clip(clip.start_s, min(clip.duration_s, length_s)) for clip in self.clips)
        return Job(self.upload, tuple(clips), self.seed)


@dataclass(frozen=True, slots=True)
class FrameSpan:
    """The frames of a clip: `first` and `last` are indices into the upload's frame times.

    `low_s` and `high_s` lie halfway to the neighbouring frames outside, so that no rounding of
    timestamps in ffmpeg can move a frame across them.
    """

    first: int
    last: int
    first_s: float
    last_s: float
    low_s: float
    high_s: float

    @property
    def frames(self) -> int:
        return self.last - self.first + 1


def span(upload: Upload, clip: Clip) -> FrameSpan:
    """Exactly the frames with start <= PTS < start + duration.

    Raises ClipRangeError for a clip that reaches beyond the upload or holds no frame.
    """
    times = upload.frame_times_s
    first, last = bisect_left(times, clip.start_s), bisect_left(times, clip.end_s) - 1
    end_s = max(upload.duration_s, upload.video_end_s)
    if clip.end_s > end_s + 1 / upload.fps or clip.start_s > times[-1]:
        raise ClipRangeError(
            f"clip at {clip.start_s:g} s for {clip.duration_s:g} s lies beyond the end of "
            f"{upload.path}: its video ends at {upload.video_end_s:.3f} s"
        )
    if first > last:
        raise ClipRangeError(
            f"clip at {clip.start_s:g} s for {clip.duration_s:g} s of {upload.path} "
            "holds no frame: make it longer"
        )
    frame_s = 1 / upload.fps
    before_s = times[first - 1] if first else times[first] - frame_s
    after_s = times[last + 1] if last + 1 < len(times) else times[last] + frame_s
    return FrameSpan(
        first=first,
        last=last,
        first_s=times[first],
        last_s=times[last],
        low_s=(before_s + times[first]) / 2,
        high_s=(times[last] + after_s) / 2,
    )


def spread(upload: Upload, count: int, length_s: float, seed: int | None = None) -> Job:
    """`count` clips of `length_s`: spread evenly over the video, or at random starts from `seed`.

    Starts are rounded to milliseconds, as a user would send them. Clips may overlap where the
    upload is short. Raises ClipRangeError where one clip alone does not fit.
    """
    if count < 1:
        raise ClipListError(f"{count} clips are none: give 1 or more")
    room_s = upload.video_end_s - length_s
    if Clip(0, length_s).duration_s > upload.video_end_s:
        raise ClipRangeError(
            f"clips of {length_s:g} s do not fit {upload.path}: "
            f"its video ends at {upload.video_end_s:.3f} s"
        )
    if seed is None:
        starts = [room_s * (index + 0.5) / count for index in range(count)]
    else:
        generator = random.Random(seed)  # noqa: S311  reproducible starts, not secrets
        starts = sorted(generator.uniform(0, room_s) for _ in range(count))
    return Job(upload, tuple(Clip(math.floor(s * 1000) / 1000, length_s) for s in starts), seed)


def read_csv(lines: Iterable[str], name: str) -> tuple[Clip, ...]:
    """Clips from a CSV with the columns `start_s,duration_s`, in its order.

    Raises ClipListError naming file and line.
    """
    rows = csv.DictReader(lines)
    clips: list[Clip] = []
    try:
        columns = _columns(rows)
        clips += [_clip(row, columns) for row in rows]
    except csv.Error as error:
        raise ClipListError(f"{name}, behind line {rows.line_num}: {error}") from None
    except ClipListError as error:
        where = f" line {rows.line_num}" if rows.line_num > 1 else ""
        raise ClipListError(f"{name}{where}: {error}") from None
    if not clips:
        raise ClipListError(f"{name} lists no clip")
    return tuple(clips)


def _columns(rows: csv.DictReader[str]) -> int:
    names = rows.fieldnames or []
    if not {"start_s", "duration_s"} <= set(names):
        raise ClipListError(
            f"needs the columns start_s,duration_s, has {', '.join(names) or 'nothing'}"
        )
    return len(names)


def _clip(row: dict[str | Any, Any], columns: int) -> Clip:
    """`row` holds what the header names, and under None what goes beyond: 1,5 for 1.5, perhaps."""
    if None in row:
        fields = columns + len(row[None])
        raise ClipListError(f"{fields} fields where the header names {columns}")
    try:
        return Clip(float(row["start_s"]), float(row["duration_s"]))
    except (TypeError, ValueError):
        told = f"{row['start_s']},{row['duration_s']}"
        raise ClipListError(f"'{told:.40}' are not two numbers of seconds") from None


def frames_decoded_from(job: Job, clip: Clip, seek: str) -> int:
    """By where decoding starts: at the upload's first frame, or at the key frame before the clip."""
    frames, times = span(job.upload, clip), job.upload.frame_times_s
    if seek == "output":
        return frames.last + 1
    keys = [t for t in job.upload.key_frame_times_s if t <= frames.first_s]
    return frames.last - (times.index(keys[-1]) if keys else 0) + 1
