"""Which descriptions of tracks a clip may have as its upload has them (ISO/IEC 14496-12, 8.5.2). Stdlib only.

Most are so, or nearly. All else, of which ffmpeg knows what an MP4's players make of it, is refused: several in one
track, encryption, pictures that are told to be shown in another size, data that lies in another file.
"""

from __future__ import annotations

import struct

from clipkit.engine.boxes import Mp4Error, box_at, boxes, needed
from clipkit.engine.tables import box

_FILM = {b"avc1": b"avcC", b"hvc1": b"hvcC", b"hev1": b"hvcC"}
# `hev1`: parameter sets may also lie in the pictures, which here they do not.
_PLAYED = {b"avc1": b"avc1", b"hvc1": b"hvc1", b"hev1": b"hvc1"}
_BESIDE = {b"btrt", b"clli", b"fiel", b"mdcv", b"pasp"}
_COLOURS, _QUICKTIME_COLOURS = b"nclx", b"nclc"
_PIXELS_AN_INCH = struct.pack(">II4xH", 72 << 16, 72 << 16, 1)  # and one picture in each sample
_QUICKTIME_END = b"\0\0\0\0"
# Of `VisualSampleEntry` and of `AudioSampleEntry` up to their boxes; before the first one in `stsd`.
_FILM_FIELDS, _SOUND_FIELDS, _STSD_FIELDS = 78, 28, 8
# What version 1 of QuickTime has besides, before its boxes.
_QUICKTIME_FIELDS = 16
_SAMPLE_BITS = 16
_ONE, _UNIT = 1 << 16, 1 << 30
_TURNS = ((_ONE, 0, 0, _ONE), (0, _ONE, -_ONE, 0), (-_ONE, 0, 0, -_ONE), (0, -_ONE, _ONE, 0))
_MATRIX = struct.Struct(">9i")


def checked_movie(moov: memoryview) -> None:
    """Raises Mp4Error where its samples lie in fragments, or all of it is shown turned."""
    if box_at(moov, b"mvex") is not None:
        raise Mp4Error("it is in fragments")
    if not _is_turned(needed(moov, b"mvhd"), 36, _TURNS[:1]):
        raise Mp4Error("all of it is shown in another size, or turned")


def film_entry(track: memoryview, wide: bool) -> bytes:
    """The body of the clip's `stsd`. `wide`: its pictures use all values, which QuickTime's colours do not say. Raises
    Mp4Error where it is another one than most are."""
    kind, entry = _only_entry(track, b"vide")
    if kind not in _FILM:
        raise Mp4Error(f"its pictures are described as {kind!r}")
    if not _is_turned(needed(track, b"tkhd"), 40, _TURNS):
        raise Mp4Error("its pictures are shown in another size")
    kept: dict[bytes, bytes] = {}
    for name, body in _all_boxes(entry[_FILM_FIELDS:]):
        told = bytes(body)
        if name == b"colr" and told[:4] == _QUICKTIME_COLOURS:
            told = _COLOURS + told[4:10] + bytes([wide << 7])
        is_usual = name in (_FILM[kind], *_BESIDE) or (name == b"colr" and told[:4] == _COLOURS)
        if not is_usual or name in kept:
            raise Mp4Error(f"its pictures are described by {name!r} too")
        kept[name] = _with_all_sets(told) if kind == b"hev1" and name == b"hvcC" else told
    if _FILM[kind] not in kept or not _is_shown_as_told(track, entry, kept.get(b"pasp")):
        raise Mp4Error("its pictures are shown in another shape than they are described in")
    size, name = bytes(entry[24:28]), bytes(entry[42:74])
    fields = struct.pack(">6xH16x4s", 1, size) + _PIXELS_AN_INCH + name + b"\0\x18\xff\xff"
    return struct.pack(">II", 0, 1) + box(
        _PLAYED[kind], fields, *(box(name, told) for name, told in kept.items())
    )


def _is_shown_as_told(track: memoryview, entry: memoryview, pasp: bytes | None) -> bool:
    """Whether `tkhd` has the size of the pictures in square pixels: players believe the one or the other."""
    tkhd = needed(track, b"tkhd")
    shown = struct.unpack_from(">II", tkhd, 88 if tkhd[0] == 1 else 76)
    width, height = struct.unpack_from(">HH", entry, 24)
    across, down = struct.unpack(">II", pasp) if pasp else (1, 1)
    told = (width * across / down if down else 0, height)
    return all(abs(one / _ONE - other) <= 1 for one, other in zip(shown, told, strict=True))


def _with_all_sets(hvcc: bytes) -> bytes:
    """`hvcC` that says of each kind of set that all are in it, as they are (ISO/IEC 14496-15, 8.3.3.1.2)."""
    made, at = bytearray(hvcc), 23
    for _ in range(hvcc[22]):
        made[at] |= 0x80
        count, at = struct.unpack_from(">H", hvcc, at + 1)[0], at + 3
        for _ in range(count):
            at += 2 + struct.unpack_from(">H", hvcc, at)[0]
    return bytes(made)


def sound_entry(track: memoryview, ticks: int) -> bytes:
    """The same of a track of AAC, whose clock has so many ticks a second: its samples."""
    kind, entry = _only_entry(track, b"soun")
    version, channels = struct.unpack_from(">H6xH", entry, 8)
    if kind != b"mp4a" or version > 1:
        raise Mp4Error(f"its sound is described as {kind!r}, version {version}")
    if struct.unpack_from(">I", entry, 24)[0] != ticks << 16:
        raise Mp4Error("its sound is timed by another clock than its samples")
    if version == 1:
        told = needed(entry[_SOUND_FIELDS + _QUICKTIME_FIELDS :], b"wave", b"esds")
    else:
        names = [name for name, _ in _all_boxes(entry[_SOUND_FIELDS:])]
        if not {b"esds"} <= {*names} <= {b"esds", b"btrt"}:
            raise Mp4Error("its sound is described by other boxes too")
        told = needed(entry[_SOUND_FIELDS:], b"esds")
    fields = struct.pack(">6xH8xHH4xI", 1, channels, _SAMPLE_BITS, ticks << 16)
    return struct.pack(">II", 0, 1) + box(b"mp4a", fields, box(b"esds", told))


def _only_entry(track: memoryview, handler: bytes) -> tuple[bytes, memoryview]:
    if bytes(needed(track, b"mdia", b"hdlr")[8:12]) != handler:
        raise Mp4Error("a track of it is of another kind than was found")
    stsd = needed(track, b"mdia", b"minf", b"stbl", b"stsd")
    entries = _all_boxes(stsd[_STSD_FIELDS:])
    if struct.unpack_from(">I", stsd, 4)[0] != len(entries) or len(entries) != 1:
        raise Mp4Error("a track of it is described in several ways")
    dref = needed(track, b"mdia", b"minf", b"dinf", b"dref")
    places = _all_boxes(dref[8:])
    if (
        len(places) != 1
        or not places[0][1][3] & 1
        or struct.unpack_from(">H", entries[0][1], 6)[0] != 1
    ):
        raise Mp4Error("its data does not lie in it")
    return entries[0]


def _all_boxes(data: memoryview) -> list[tuple[bytes, memoryview]]:
    """Raises Mp4Error where something else lies behind them than QuickTime's end."""
    found = list(boxes(data))
    if bytes(data[sum(8 + len(body) for _, body in found) :]) not in (b"", _QUICKTIME_END):
        raise Mp4Error("a description of it has more in it")
    return found


def _is_turned(header: memoryview, at: int, ways: tuple[tuple[int, ...], ...]) -> bool:
    """Whether its matrix, which lies there in version 0, only turns the picture, and how. 6.2.2."""
    a, b, u, c, d, v, _, _, w = _MATRIX.unpack_from(header, at + (12 if header[0] == 1 else 0))
    return (a, b, c, d) in ways and (u, v, w) == (0, 0, _UNIT)
