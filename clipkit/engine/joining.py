"""Join the parts of a clip into one MP4: pictures encoded, copied, and encoded again, and its sound.

Own tables, since no option of ffmpeg's reaches what a right seam needs: two parameter sets in one sample
entry (its muxer writes one, and keeps others in the samples), each picture at its exact time (a transport
stream would round to 1/90000, Matroska to 1/1000, and a byte stream has no times at all), decoding times
that rise evenly across the seam whatever depth each part was reordered with, and no picture beyond the end.
ffmpeg's own joiner, the concat demuxer, opens a list of files, and no ffmpeg here opens lists.

Stdlib only: it lives inside the host.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path

from clipkit.engine import tables
from clipkit.engine.avc_entry import entry_of_both
from clipkit.engine.boxes import Mp4Error, boxes, needed
from clipkit.engine.parts import Layout, Part, opened, pictures, sounds, to_seek_to
from clipkit.engine.tables import box, with_duration
from clipkit.engine.writing import Placement, Stored, stored_tables, write_movie

_SOUND_NUMBER = 2
_CONTAINERS = (b"mdia", b"minf", b"stbl")


def join(file: str, layout: str, tail: str, **encoded: str) -> None:
    """Join into `file` the files `tail`, copied, and those of `head`, `end` and `sound` that there are.

    `layout`: as `Layout.read` has it, in ticks as the movies of all parts have. Raises Mp4Error where they are
    not the parts that it is for, OSError.
    """
    plan = Layout.read(layout)
    with ExitStack() as files:
        first, copy, last = (
            opened(files, name, b"vide") for name in (encoded.get("head"), tail, encoded.get("end"))
        )
        if copy is None:
            raise Mp4Error("nothing was copied")
        if first and last and first.avcc != last.avcc:
            raise Mp4Error("its two encoded parts have other parameter sets")
        heard = opened(files, encoded.get("sound"), b"soun")
        movie = _Movie(plan, copy, first or last, heard)
        tracks = [pictures(first, copy, last, plan), sounds(heard)]
        made = files.enter_context(Path(file).open("wb"))
        write_movie(made, movie, [each for each in tracks if each])


class _Movie:
    """All of a clip but its samples. What does not depend on these is taken from the copied part, as ffmpeg
    made it: how the picture is turned, of what shape its pixels are, its colours."""

    def __init__(
        self, layout: Layout, copy: Part, encoded: Part | None, heard: Part | None
    ) -> None:
        self._layout, self._copy, self._heard = layout, copy, heard
        self._stsd = box(b"stsd", copy.stsd)
        if encoded and encoded.avcc and copy.avcc:
            self._stsd = entry_of_both(copy.stsd, copy.avcc, encoded.avcc)

    def front(self) -> Iterator[bytes]:
        self._copy.file.seek(0)
        size, kind = struct.unpack(">I4s", self._copy.file.read(8))
        if kind != b"ftyp":
            raise Mp4Error("a part does not say what kind of file it is")
        yield struct.pack(">I4s", size, kind) + self._copy.file.read(size - 8)

    def moov(
        self, tracks: Sequence[list[Stored]], placed: Sequence[Placement], wide: bool
    ) -> bytes:
        film = self._film(tracks[0], placed[0], wide)
        heard, longest = b"", self._layout.length
        if self._heard and len(tracks) > 1:
            heard = self._sound(self._heard, placed[1], wide)
            longest = max(longest, tables.track_duration(self._heard.track))
        mvhd = with_duration(b"mvhd", needed(self._copy.moov, b"mvhd"), longest)
        mvhd = mvhd[:-4] + struct.pack(">I", _SOUND_NUMBER + 1)
        rest = [
            box(kind, body)
            for kind, body in boxes(self._copy.moov)
            if kind not in (b"mvhd", b"trak")
        ]
        return box(b"moov", mvhd, film, heard, *rest)

    def _film(self, samples: list[Stored], placed: Placement, wide: bool) -> bytes:
        layout = self._layout
        delay = min(stored.shown for stored in samples)
        decoded = [stored.decoded for stored in samples]
        lasts = [later - earlier for earlier, later in pairwise(decoded)]
        table = box(
            b"stbl",
            self._stsd,
            tables.stts([*lasts, layout.stands(samples[-1].shown - delay)]),
            tables.stss(to_seek_to(samples)),
            tables.ctts([stored.shown - stored.decoded for stored in samples]),
            stored_tables(placed, wide),
        )
        track = self._copy.track
        mdhd = needed(track, b"mdia", b"mdhd")
        # Since it has the movie's ticks.
        own = with_duration(b"mdhd", tables.with_ticks(mdhd, layout.ticks), delay + layout.length)
        tkhd = with_duration(b"tkhd", needed(track, b"tkhd"), layout.length)
        edts = box(b"edts", tables.elst(layout.length, delay))
        kept = {b"tkhd": tkhd + edts, b"edts": b"", b"mdhd": own, b"stbl": table}
        return box(b"trak", _rebuilt(track, kept))

    def _sound(self, heard: Part, placed: Placement, wide: bool) -> bytes:
        table = needed(heard.track, b"mdia", b"minf", b"stbl")
        told = [box(kind, body) for kind, body in boxes(table) if kind not in _WHERE]
        tkhd = tables.with_number(needed(heard.track, b"tkhd"), _SOUND_NUMBER)
        kept = {b"tkhd": tkhd, b"stbl": box(b"stbl", *told, stored_tables(placed, wide))}
        return box(b"trak", _rebuilt(heard.track, kept))


_WHERE = (b"stsc", b"stsz", b"stco", b"co64")


def _rebuilt(data: memoryview, new: Mapping[bytes, bytes]) -> bytes:
    """Its boxes, those in `new` by these."""
    return b"".join(
        new[kind]
        if kind in new
        else box(kind, _rebuilt(body, new) if kind in _CONTAINERS else body)
        for kind, body in boxes(data)
    )
