"""Clips and jobs: which stretches of an upload to cut."""

from __future__ import annotations

import csv
import math
import random
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
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
        return float(self.exact_start_s + self.exact_duration_s)

    @property
    def exact_start_s(self) -> Fraction:
        """As it was written, in decimals."""
        return Fraction(repr(float(self.start_s)))

    @property
    def exact_duration_s(self) -> Fraction:
        return Fraction(repr(float(self.duration_s)))


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


def spread(upload: Upload, count: int, length_s: float, seed: int | None = None) -> Job:
    """`count` clips of `length_s`: spread evenly over the video, or at random starts from `seed`.

    From its first picture to the end of its last. Starts are rounded to milliseconds, as a user would
    send them. Clips may overlap where the upload is short. Raises ClipRangeError where one clip alone
    does not fit.
    """
    if count < 1:
        raise ClipListError(f"{count} clips are none: give 1 or more")
    first_s, end_s = upload.frame_times_s[0], float(upload.video_end_s)
    if Clip(0, length_s).duration_s > end_s - first_s:
        begins = f"begins at {first_s:.3f} s and " if first_s else ""
        raise ClipRangeError(
            f"clips of {length_s:g} s do not fit {upload.path}: "
            f"its video {begins}ends at {end_s:.3f} s"
        )
    last_s = end_s - length_s
    if seed is None:
        starts = [first_s + (last_s - first_s) * (index + 0.5) / count for index in range(count)]
    else:
        generator = random.Random(seed)  # noqa: S311  reproducible starts, not secrets
        starts = sorted(generator.uniform(first_s, last_s) for _ in range(count))
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
