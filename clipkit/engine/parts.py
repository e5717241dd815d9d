"""The parts of a clip that is joined: their samples, and when each is decoded and shown. Stdlib only."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import accumulate, pairwise
from math import inf
from pathlib import Path
from typing import BinaryIO

from clipkit.engine.avc_entry import Avcc, is_idr, read_avcc, units, without_known_sets
from clipkit.engine.boxes import Mp4Error, needed, read_moov, timescale, track_of
from clipkit.engine.tables import Sample, samples_of
from clipkit.engine.writing import Stored

# ffmpeg shifts a copy's times by whole microseconds.
_SHIFT_S = 2e-6


@dataclass(frozen=True, slots=True)
class Layout:
    """How a clip is put together: `copied` of the tail's samples, from its first on; when each of the
    clip's pictures is shown, and at last when the clip ends, in ticks of which a second has `ticks`."""

    copied: int
    ticks: int
    shown: tuple[int, ...]

    @classmethod
    def read(cls, words: str) -> Layout:
        """How many are copied, ticks a second, and for how many ticks each picture stands: `60 12800 12x512,1x510`."""
        copied, ticks, lasts = words.split()
        runs = [tuple(map(int, run.split("x"))) for run in lasts.split(",")]
        stands = [each for count, each in runs for _ in range(count)]
        return cls(int(copied), int(ticks), tuple(accumulate(stands, initial=0)))

    @property
    def length(self) -> int:
        return self.shown[-1]

    def stands(self, shown: int) -> int:
        """For how long the picture that is shown then stands."""
        return self.shown[bisect_right(self.shown, shown)] - shown


@dataclass(frozen=True, slots=True)
class Part:
    """The first track of a kind in a file. `avcc`: what its sample entry says; None: it is sound."""

    file: BinaryIO
    moov: memoryview
    track: memoryview
    samples: list[Sample]
    avcc: Avcc | None

    @property
    def ticks(self) -> int:
        return timescale(needed(self.track, b"mdia", b"mdhd"))

    @property
    def stsd(self) -> memoryview:
        return needed(self.track, b"mdia", b"minf", b"stbl", b"stsd")

    def read(self, samples: Sequence[Sample]) -> tuple[bytes, list[int]]:
        """The bytes that the clip gets of them, and how many of each. Raises Mp4Error."""
        found = [self.content(sample) for sample in samples]
        return b"".join(found), list(map(len, found))

    def content(self, sample: Sample) -> bytes:
        """The bytes that the clip gets of it. Raises Mp4Error."""
        self.file.seek(sample.offset)
        data = self.file.read(sample.size_bytes)
        if len(data) < sample.size_bytes:
            raise Mp4Error("a sample of it is cut off")
        return without_known_sets(data, self.avcc) if self.avcc else data


def opened(files: ExitStack, name: str | None, kind: bytes) -> Part | None:
    """None where there is no file of that name, or no such track in it. Raises Mp4Error, OSError."""
    if not name:
        return None
    file = files.enter_context(Path(name).open("rb"))  # noqa: SIM115 (it is)
    _, moov = read_moov(file)
    view = memoryview(moov)
    track = track_of(view, kind)
    if track is None:
        return None
    avcc = None
    if kind == b"vide":
        avcc = read_avcc(needed(track, b"mdia", b"minf", b"stbl", b"stsd"))
    return Part(file, view, track, samples_of(view, track), avcc)


def pictures(head: Part | None, tail: Part, end: Part | None, layout: Layout) -> list[Stored]:
    """Of all parts, in the order in which they are decoded. Raises Mp4Error where they are not those that
    the layout is for."""
    before = len(head.samples) if head else 0
    _check_copy(tail, layout, before)
    parts = [(tail, tail.samples[: layout.copied])]
    parts[:0] = [(head, head.samples)] if head else []
    parts += [(end, end.samples)] if end else []
    ranks: list[int] = []
    for _, samples in parts:
        in_order = sorted(range(len(samples)), key=lambda number: samples[number].shown)
        rank = dict(zip(in_order, range(len(ranks), len(ranks) + len(samples)), strict=True))
        ranks += [rank[number] for number in range(len(samples))]
    if len(ranks) + 1 != len(layout.shown):
        raise Mp4Error(f"{len(ranks)} pictures were made instead of {len(layout.shown) - 1}")
    decoded, delay = _decoding_times(ranks, layout)
    flat = [(part, sample) for part, samples in parts for sample in samples]
    return [
        Stored(part, sample, when, layout.shown[rank] + delay, (when - delay) / layout.ticks)
        for (part, sample), rank, when in zip(flat, ranks, decoded, strict=True)
    ]


def to_seek_to(samples: list[Stored]) -> list[bool]:
    """Of each whether players may seek to it: not where pictures that come behind it are shown before, as those
    are which lead an open group. Chromium stops at the first that it cannot decode."""
    earliest_behind, found = inf, []
    for stored in reversed(samples):
        found.append(stored.sample.sync and stored.shown < earliest_behind)
        earliest_behind = min(earliest_behind, stored.shown)
    return found[::-1]


def _decoding_times(ranks: list[int], layout: Layout) -> tuple[list[int], int]:
    """One for each picture, strictly rising, and how much later than that the first is shown.

    Each is decoded when the one that many places before it is shown: as many as the most that any
    picture is decoded ahead of its turn. So they are as even as the times of showing.
    """
    depth = max(number - rank for number, rank in enumerate(ranks))
    steps = [later - earlier for earlier, later in pairwise(layout.shown)]
    step = min(steps[:-1] or steps)
    delay = depth * step
    ahead = [number * step for number in range(depth)]
    return [*ahead, *(shown + delay for shown in layout.shown[: len(ranks) - depth])], delay


def _check_copy(tail: Part, layout: Layout, before: int) -> None:
    """That its samples are the pictures which are to be copied. Raises Mp4Error."""
    samples = tail.samples[: layout.copied]
    if len(samples) < layout.copied:
        raise Mp4Error(f"{len(samples)} pictures were copied instead of {layout.copied}")
    assert tail.avcc is not None  # noqa: S101 (for the type checker: these are pictures)
    first = tail.content(samples[0])
    if not any(map(is_idr, units(first, 4))):
        raise Mp4Error("what was copied does not start where decoding can")
    within_s = 1 / tail.ticks + 1 / layout.ticks + _SHIFT_S
    shown_s = sorted(sample.shown / tail.ticks for sample in samples)
    right_s = [ticks / layout.ticks for ticks in layout.shown[before : before + layout.copied]]
    # From the last on: the first may be one that was shown before the clip begins.
    off_s = [
        at - shown_s[-1] - (right - right_s[-1]) for at, right in zip(shown_s, right_s, strict=True)
    ]
    if max([abs(samples[0].shown / tail.ticks), *map(abs, off_s[1:])]) > within_s:
        raise Mp4Error("other pictures were copied than were to be")


def sounds(heard: Part | None) -> list[Stored]:
    """Each at its time."""
    if heard is None:
        return []
    return [
        Stored(heard, each, each.decoded, each.shown, each.shown / heard.ticks)
        for each in heard.samples
    ]
