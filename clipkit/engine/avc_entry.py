"""The parameter sets of H.264 in an MP4: `avcC` (ISO/IEC 14496-15, 5.3.3), and in the samples. Stdlib only."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from clipkit.engine.boxes import Mp4Error, boxes, needed
from clipkit.engine.tables import box

_SEQUENCE, _PICTURE, _EXTENSION = 7, 8, 13
_IDR = 5
# Of a `VisualSampleEntry`, up to its boxes; and what `stsd` has before its first entry.
_ENTRY_FIELDS, _STSD_FIELDS = 78, 8
_HIGH_PROFILES = (100, 110, 122, 144)


@dataclass(frozen=True, slots=True)
class Avcc:
    """`extension`: what profiles from High on have behind their sets."""

    profile: int
    compatibility: int
    level: int
    length_bytes: int
    sequences: tuple[bytes, ...]
    pictures: tuple[bytes, ...]
    extension: bytes = b""

    @property
    def picture_numbers(self) -> set[int]:
        return {_first_number(unit[1:]) for unit in self.pictures}

    @property
    def sequence_numbers(self) -> set[int]:
        return {_first_number(unit[4:]) for unit in self.sequences}


def read_avcc(stsd: memoryview) -> Avcc:
    """Of the one entry of `stsd`. Raises Mp4Error."""
    entry = _entry(stsd)
    data = bytes(needed(entry[_ENTRY_FIELDS:], b"avcC"))
    sequences, behind = _sets(data, 6, data[5] & 31)
    pictures, end = _sets(data, behind + 1, data[behind])
    extension = data[end : end + 4] if data[1] in _HIGH_PROFILES else b""
    return Avcc(data[1], data[2], data[3], (data[4] & 3) + 1, sequences, pictures, extension)


def _entry(stsd: memoryview) -> memoryview:
    entries = list(boxes(stsd[_STSD_FIELDS:]))
    if len(entries) != 1 or entries[0][0] not in (b"avc1", b"avc3"):
        raise Mp4Error("its pictures are not described as H.264 of one kind")
    return entries[0][1]


def _sets(data: bytes, at: int, count: int) -> tuple[tuple[bytes, ...], int]:
    found = []
    for _ in range(count):
        length = struct.unpack_from(">H", data, at)[0]
        found.append(data[at + 2 : at + 2 + length])
        at += 2 + length
    return tuple(found), at


def entry_of_both(stsd: memoryview, one: Avcc, other: Avcc) -> bytes:
    """`stsd` with an entry that holds the sets of both, and names the higher profile and level of them.

    Raises Mp4Error where their numbers are not apart: one would replace the other.
    """
    if one.picture_numbers & other.picture_numbers or one.sequence_numbers & other.sequence_numbers:
        raise Mp4Error("the numbers of its parameter sets are taken")
    higher = max(one, other, key=lambda each: each.profile)
    sequences = (*one.sequences, *other.sequences)
    pictures = (*one.pictures, *other.pictures)
    head = bytes(
        (1, higher.profile, one.compatibility & other.compatibility, max(one.level, other.level))
    )
    record = b"".join(
        (
            head,
            bytes((0xFC | 3, 0xE0 | len(sequences))),
            *(struct.pack(">H", len(each)) + each for each in sequences),
            bytes((len(pictures),)),
            *(struct.pack(">H", len(each)) + each for each in pictures),
            higher.extension,
        )
    )
    entry = _entry(stsd)
    # Not `btrt`: it tells of one part's bit rate.
    kept = [
        box(kind, record if kind == b"avcC" else body)
        for kind, body in boxes(entry[_ENTRY_FIELDS:])
        if kind != b"btrt"
    ]
    avc1 = box(b"avc1", entry[:_ENTRY_FIELDS], *kept)
    return box(b"stsd", stsd[:_STSD_FIELDS], avc1)


def units(sample: bytes, length_bytes: int) -> Iterator[bytes]:
    """Raises Mp4Error where their lengths do not add up."""
    at = 0
    while at < len(sample):
        start = at + length_bytes
        at = start + int.from_bytes(sample[at:start], "big")
        if not start < at <= len(sample):
            raise Mp4Error("a sample of it is cut off")
        yield sample[start:at]


def is_idr(unit: bytes) -> bool:
    return unit[0] & 31 == _IDR


def without_known_sets(sample: bytes, avcc: Avcc) -> bytes:
    """The sample with lengths of 4 bytes, and with no set in it, since they stand in the entry.

    Raises Mp4Error for one that does not stand there.
    """
    found, kept = list(units(sample, avcc.length_bytes)), []
    for unit in found:
        kind = unit[0] & 31
        if kind not in (_SEQUENCE, _PICTURE, _EXTENSION):
            kept.append(unit)
        elif unit.rstrip(b"\0") not in {
            each.rstrip(b"\0") for each in (*avcc.sequences, *avcc.pictures)
        }:
            raise Mp4Error("its parameter sets change within the clip")
    if len(kept) == len(found) and avcc.length_bytes == 4:
        return sample
    return b"".join(struct.pack(">I", len(unit)) + unit for unit in kept)


def _first_number(coded: bytes) -> int:
    """The first ue(v) number (ISO/IEC 14496-10, 9.1)."""
    bits = "".join(f"{byte:08b}" for byte in coded[:8])
    zeros = bits.find("1")
    if zeros < 0:
        raise Mp4Error("a parameter set of it has no number")
    return int(bits[zeros : 2 * zeros + 1], 2) - 1
