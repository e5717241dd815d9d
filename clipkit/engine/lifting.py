"""Copy a clip's packets out of an MP4 straight into another, without an ffmpeg, which would first load itself, read the
whole index and look into the streams. Stdlib only: it lives inside the host.

Of the upload's index only what tells of these packets is read, whatever its length; of what else it says, titles and
places, the clip has nothing. What is described otherwise than most are (`engine.entries`) is refused, and an ffmpeg
copies it.
"""

from __future__ import annotations

import mmap
import os
import struct
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import accumulate, chain
from operator import add
from pathlib import Path

from clipkit.engine import tables
from clipkit.engine.boxes import (
    Mp4Error,
    boxes,
    needed,
    time_runs,
    timescale,
    track_number,
    tracks,
)
from clipkit.engine.entries import checked_movie, film_entry, sound_entry
from clipkit.engine.lifted_movie import Lifted, LiftedMovie
from clipkit.engine.tables import Sample
from clipkit.engine.writing import Stored, write_movie

# Of any file that is not in fragments; each is a step.
_MOST_BOXES = 1000
# Of AAC in its shortest frames 480 (low delay); each packet that is taken is held in memory.
_SHORTEST_SAMPLES = 64
_MOST_SOUNDS = 20_000


@dataclass(frozen=True, slots=True)
class Pictures:
    """`track`: its number in the upload, where it has so many `packets`; `taken`: their places in the order of
    decoding; `decoded` and `shown`: when each of these is, and when the last one is over, in ticks of which a second has
    `ticks`: the first is decoded at 0, and the clip begins at `delay` and lasts for `length`; `sought`: which may be,
    counted from 1; `wide`: they use all values."""

    track: int
    packets: int
    taken: tuple[int, ...]
    decoded: tuple[int, ...]
    shown: tuple[int, ...]
    ticks: int
    delay: int
    length: int
    wide: bool
    sought: frozenset[int]

    @classmethod
    def read(cls, words: str) -> Pictures:
        """`TRACK PACKETS TICKS DELAY LENGTH WIDE TAKEN LASTS AHEAD SOUGHT`: the first six are numbers, then come runs as
        `COUNTxFIRST` of what follows each other, `COUNTxTICKS` of how long until the next is decoded and of how long
        before it is shown each is, and numbers."""
        *head, places, lasting, early, sought = words.split(" ")
        track, packets, ticks, delay, length, wide = map(int, head)
        taken = [range(first, first + count) for count, first in _runs(places)]
        lasts, ahead = (
            [each for n, each in _runs(run) for _ in range(n)] for run in (lasting, early)
        )
        decoded = tuple(accumulate(lasts, initial=0))
        return cls(
            track=track,
            packets=packets,
            taken=tuple(chain.from_iterable(taken)),
            decoded=decoded,
            shown=tuple(map(add, decoded, ahead)),
            ticks=ticks,
            delay=delay,
            length=length,
            wide=bool(wide),
            sought=frozenset(map(int, sought.split(","))),
        )


@dataclass(frozen=True, slots=True)
class Sounds:
    """`track`: its number in the upload; packets that begin from `first` to before `behind` are taken, in ticks of
    which a second has `ticks`, and the clip begins at `zero`, all from when the upload does."""

    track: int
    ticks: int
    first: int
    behind: int
    zero: int

    @classmethod
    def read(cls, words: str) -> Sounds:
        """`TRACK TICKS FIRST BEHIND ZERO`."""
        track, ticks, first, behind, zero = map(int, words.split(" "))
        return cls(track, ticks, first, behind, zero)


def _runs(words: str) -> Iterator[tuple[int, int]]:
    for run in words.split(","):
        count, value = run.split("x")
        yield int(count), int(value)


def lift(file: str, source: str, pictures: str, sounds: str) -> None:
    """Write the clip of these packets of `source`. `sounds` is empty where it has none.

    Raises Mp4Error where they are not what was planned for, or are described in another way; OSError.
    """
    film, heard = Pictures.read(pictures), Sounds.read(sounds) if sounds else None
    with ExitStack() as stack:
        upload = stack.enter_context(Path(source).open("rb"))
        size_bytes = os.fstat(upload.fileno()).st_size
        moov = stack.enter_context(_index(upload.fileno(), size_bytes))
        packets = _Packets(upload.fileno())
        parts = [_film(moov, _track(moov, film.track), film, packets)]
        if heard:
            parts += _sound(moov, _track(moov, heard.track), heard, packets)
        sizes = [each.sample.size_bytes for part in parts for each in part.samples]
        if sum(sizes) > size_bytes or not all(sizes):
            raise Mp4Error("its packets lie over each other, or some are empty")
        made = stack.enter_context(Path(file).open("wb"))
        write_movie(made, LiftedMovie(film.ticks, film.length, parts), [p.samples for p in parts])


def _index(upload: int, size_bytes: int) -> memoryview:
    """The body of its `moov`, of which only what is looked at is read."""
    data = memoryview(mmap.mmap(upload, size_bytes, prot=mmap.PROT_READ))
    at = 0
    for _ in range(_MOST_BOXES):
        if at + 16 > size_bytes:
            break
        length, kind, wide = struct.unpack_from(">I4sQ", data, at)
        head = 16 if length == 1 else 8
        length = {0: size_bytes - at, 1: wide}.get(length, length)
        if kind == b"moov" and head <= length <= size_bytes - at:
            return data[at + head : at + length]
        at += max(length, head)
    raise Mp4Error("no whole moov box")


def _track(moov: memoryview, number: int) -> memoryview:
    """The one of that number. Its place tells less: a demuxer also counts streams that are no tracks."""
    found = [track for track in tracks(moov) if track_number(needed(track, b"tkhd")) == number]
    if len(found) != 1:
        raise Mp4Error("its tracks are not those that were found")
    return found[0]


@dataclass(frozen=True, slots=True)
class _Packets:
    """Of an open file, as they lie there."""

    file: int

    def read(self, samples: Sequence[Sample]) -> tuple[bytes, list[int]]:
        """As many at a time as lie side by side. Raises Mp4Error."""
        sizes = [sample.size_bytes for sample in samples]
        found, first = [], 0
        for number in range(1, len(samples) + 1):
            before = samples[number - 1]
            behind = before.offset + before.size_bytes
            if number == len(samples) or samples[number].offset != behind:
                start = samples[first].offset
                found.append(os.pread(self.file, behind - start, start))
                first = number
        if sum(map(len, found)) < sum(sizes):
            raise Mp4Error("a packet of it is cut off")
        return b"".join(found), sizes


def _film(moov: memoryview, track: memoryview, film: Pictures, packets: _Packets) -> Lifted:
    checked_movie(moov)
    stsd = film_entry(track, film.wide)
    table = needed(track, b"mdia", b"minf", b"stbl")
    tables.only_edit(
        moov, track
    )  # of several stretches the packets come in another order than they lie
    if tables.sample_count(table) != film.packets:
        raise Mp4Error("it has other packets than were found")
    lie = [
        place
        for first, count in _side_by_side(film.taken)
        for place in tables.places_of(table, first, count)
    ]
    samples = [
        Stored(
            packets,
            Sample(offset, size, decoded, shown, number in film.sought),
            decoded,
            shown,
            (decoded - film.delay) / film.ticks,
        )
        for number, ((offset, size), decoded, shown) in enumerate(
            zip(lie, film.decoded, film.shown, strict=False), 1
        )
    ]
    if not len(samples) == len(film.taken) == len(film.decoded) - 1 == len(film.shown):
        raise Mp4Error("its packets are not told of alike")
    return Lifted(
        track, stsd, samples, film.ticks, film.decoded[-1], film.delay, film.length, is_film=True
    )


def _side_by_side(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Where runs of numbers that follow each other begin, and how long they are."""
    first = 0
    for at in range(1, len(numbers) + 1):
        if at == len(numbers) or numbers[at] != numbers[at - 1] + 1:
            yield numbers[first], at - first
            first = at


def _sound(
    moov: memoryview, track: memoryview, heard: Sounds, packets: _Packets
) -> Iterator[Lifted]:
    """Nothing where no packet of it lies there."""
    ticks = timescale(needed(track, b"mdia", b"mdhd"))
    stsd = sound_entry(track, ticks)
    table = needed(track, b"mdia", b"minf", b"stbl")
    if ticks != heard.ticks or {b"ctts", b"stss"} & {name for name, _ in boxes(table)}:
        raise Mp4Error("its sound is not timed by its samples, or does not begin at each")
    start, end = tables.only_edit(moov, track)
    begun = _begun_within(table, heard.first + start, min(heard.behind + start, end))
    if not begun:
        return
    (first, first_at, _), (_, last_at, lasts) = begun[0], begun[-1]
    shift = start + heard.zero
    if first_at > shift:
        raise Mp4Error("its sound begins later than the clip")
    lie = tables.places_of(table, first, len(begun))
    samples = [
        Stored(packets, Sample(*place, at, at, sync=True), at - first_at, at, (at - shift) / ticks)
        for place, (_, at, _) in zip(lie, begun, strict=True)
    ]
    over = last_at + lasts
    heard_until = min(over, end)  # of a film's last packet its list may hide a part
    if heard_until <= shift:
        return
    yield Lifted(
        track,
        stsd,
        samples,
        ticks,
        over - first_at,
        shift - first_at,
        heard_until - shift,
        is_film=False,
    )


def _begun_within(table: memoryview, first: int, behind: int) -> list[tuple[int, int, int]]:
    """Of each packet that begins from `first` to before `behind`, by the track's own clock: its number from 0 on, when
    it begins, and how long it lasts."""
    number, at, found = 0, 0, list[tuple[int, int, int]]()
    for count, lasts in time_runs(needed(table, b"stts")):
        if lasts < _SHORTEST_SAMPLES:
            raise Mp4Error("a packet of its sound is shorter than any")
        low, high = (min(count, max(0, -((at - limit) // lasts))) for limit in (first, behind))
        some = range(low, min(high, low + _MOST_SOUNDS + 1))
        found += [(number + each, at + each * lasts, lasts) for each in some]
        number, at = number + count, at + count * lasts
        if at >= behind or len(found) > _MOST_SOUNDS:
            break
    if len(found) > _MOST_SOUNDS:
        raise Mp4Error(f"more than {_MOST_SOUNDS} packets of its sound")
    return found
