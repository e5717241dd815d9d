"""Several MP4s of one track each, without B-frames, as one MP4 whose parts have sample entries of their own."""

from __future__ import annotations

import struct

from isobmff import Box, box, boxes, full


def joined(parts: list[bytes]) -> bytes:
    """The samples end to end, each part in one chunk; its headers are the first part's."""
    found = [list(boxes(part)) for part in parts]
    media = [_samples(part, inside) for part, inside in zip(parts, found, strict=True)]
    head = _box(parts[0], found[0], b"ftyp")
    at = len(head) + 8
    chunks = []
    for one in media:
        chunks.append(at)
        at += sum(map(len, one))
    data = box(b"mdat", *(sample for one in media for sample in one))
    return head + data + _moov(parts, found, [list(map(len, one)) for one in media], chunks)


def _one(found: list[Box], kind: bytes) -> Box:
    return next(one for one in found if one.kind == kind)


def _box(data: bytes, found: list[Box], kind: bytes) -> bytes:
    one = _one(found, kind)
    return data[one.at : one.end]


def _table(data: bytes, found: list[Box], kind: bytes, columns: int) -> list[tuple[int, ...]]:
    at = _one(found, kind).body
    count = struct.unpack_from(">I", data, at + 4)[0]
    form = f">{columns}I"
    return [struct.unpack_from(form, data, at + 8 + 4 * columns * row) for row in range(count)]


def _samples(data: bytes, found: list[Box]) -> list[bytes]:
    size_at = _one(found, b"stsz").body
    uniform, count = struct.unpack_from(">II", data, size_at + 4)
    sizes = (
        [uniform] * count if uniform else list(struct.unpack_from(f">{count}I", data, size_at + 12))
    )
    runs = _table(data, found, b"stsc", 3)
    samples = []
    for number, (offset,) in enumerate(_table(data, found, b"stco", 1), start=1):
        at = offset
        for _ in range(next(per for first, per, _ in reversed(runs) if first <= number)):
            size = sizes[len(samples)]
            samples.append(data[at : at + size])
            at += size
    return samples


def _moov(
    parts: list[bytes], found: list[list[Box]], sizes: list[list[int]], chunks: list[int]
) -> bytes:
    entries = [
        part[_one(inside, b"stsd").body + 8 : _one(inside, b"stsd").end]
        for part, inside in zip(parts, found, strict=True)
    ]
    both = list(zip(parts, found, strict=True))
    durations = [row for part, inside in both for row in _table(part, inside, b"stts", 2)]
    before = [sum(len(one) for one in sizes[:number]) for number in range(len(sizes))]
    keys = [
        start + key
        for start, (part, inside) in zip(before, both, strict=True)
        for (key,) in _table(part, inside, b"stss", 1)
    ]
    every = [size for one in sizes for size in one]
    stbl = box(
        b"stbl",
        full(b"stsd", 0, 0, struct.pack(">I", len(entries)), *entries),
        _rows(b"stts", durations),
        _rows(b"stss", [(key,) for key in keys]),
        _rows(b"stsc", [(n, len(one), n) for n, one in enumerate(sizes, start=1)]),
        full(b"stsz", 0, 0, struct.pack(f">II{len(every)}I", 0, len(every), *every)),
        _rows(b"stco", [(at,) for at in chunks]),
    )
    data, inside = parts[0], found[0]
    ticks = sum(count * duration for count, duration in durations)
    scale = struct.unpack_from(">I", data, _one(inside, b"mdhd").body + 12)[0]
    movie_scale = struct.unpack_from(">I", data, _one(inside, b"mvhd").body + 12)[0]
    movie_ticks = round(ticks * movie_scale / scale)
    minf = box(b"minf", *(_box(data, inside, kind) for kind in (b"vmhd", b"dinf")), stbl)
    mdhd = _with(_box(data, inside, b"mdhd"), 24, ticks)
    mdia = box(b"mdia", mdhd, _box(data, inside, b"hdlr"), minf)
    tkhd = _with(_box(data, inside, b"tkhd"), 28, movie_ticks)
    mvhd = _with(_box(data, inside, b"mvhd"), 24, movie_ticks)
    return box(b"moov", mvhd, box(b"trak", tkhd, mdia))


def _rows(kind: bytes, rows: list[tuple[int, ...]]) -> bytes:
    numbers = [number for row in rows for number in row]
    return full(kind, 0, 0, struct.pack(f">I{len(numbers)}I", len(rows), *numbers))


def _with(whole: bytes, at: int, number: int) -> bytes:
    return whole[:at] + struct.pack(">I", number) + whole[at + 4 :]
