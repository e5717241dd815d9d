"""NAL units of H.264 and HEVC: does a packet hold a picture, and can a decoder start at it?

Containers lie about key frames (an MP4 without `stss` declares every sample one) and about whole
packets (a damaged length makes the decoder throw the packet away): the bitstream itself does not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

# ISO/IEC 14496-10 table 7-1: slices and data partitions; 5 is IDR.
_H264_PICTURE = range(1, 6)
_H264_IDR = 5
_H264_PARAMETERS = 7
# ISO/IEC 23008-2 table 7-1: 0 to 31 are slices, 16 to 21 those of IDR, BLA and CRA pictures.
_HEVC_PICTURE = range(32)
_HEVC_RANDOM_ACCESS = range(16, 22)
_HEVC_PARAMETERS = 33
_HEVC_IDR = (19, 20)
# Of a sequence, of pictures and, in HEVC, of all layers.
_SETS = {"h264": (7, 8), "hevc": (32, 33, 34)}
_START_CODE = b"\x00\x00\x01"


@dataclass(frozen=True, slots=True)
class NalFormat:
    """How a stream's packets are cut into NAL units.

    `length_bytes` is the size of the length before each unit; None where start codes part them.
    """

    codec: str
    length_bytes: int | None

    def first_picture(self, packet: bytes) -> bytes | None:
        """The head (up to 32 bytes) of the first unit that holds a part of a picture.

        None where there is none, or where the units' lengths do not add up: decoders drop both.
        """
        if self.length_bytes is None:
            return next(filter(self._is_picture, _split_at_start_codes(packet)), None)
        found, position, size, length_bytes = None, 0, len(packet), self.length_bytes
        while position + length_bytes <= size:
            start = position + length_bytes
            length = int.from_bytes(packet[position:start], "big")
            position = start + length
            if length == 0 or position > size:
                return None
            if found is None and self._is_picture(packet[start : start + 1]):
                found = packet[start : min(position, start + 32)]
        return found

    def parameter_sets(self, packet: bytes) -> tuple[bytes, int]:
        """Its sequence parameter sets, and by which picture parameter set its first picture is coded.

        A stream may hold several sets from its beginning, and name another one from a picture on.
        """
        wanted = _HEVC_PARAMETERS if self.codec == "hevc" else _H264_PARAMETERS
        found = b""
        for unit in self._units(packet):
            if unit and self._kind(unit) == wanted:
                found += unit.rstrip(b"\0")
            elif self._is_picture(unit):
                return found, self._picture_set(unit)
        return found, 0

    def set_units(self, packet: bytes) -> tuple[bytes, ...]:
        """Its units before its first picture that are parameter sets, of whatever kind."""
        at = self.length_bytes
        if at is not None and self._is_picture(packet[at : at + 1]):
            return ()  # as of nearly every packet
        found = []
        for unit in self._units_one_by_one(packet):
            if self._is_picture(unit):
                break
            if unit and self._kind(unit) in _SETS[self.codec]:
                found.append(unit.rstrip(b"\0"))
        return tuple(found)

    def refers_to_nothing_before(self, picture: bytes) -> bool:
        """Whether nothing that is decoded after the picture needs what was decoded before it, not even what
        is shown before it."""
        return self._kind(picture) in (_HEVC_IDR if self.codec == "hevc" else (_H264_IDR,))

    def _units_one_by_one(self, packet: bytes) -> Iterator[bytes]:
        if self.length_bytes is not None:
            yield from self._units(packet)
            return
        start = packet.find(_START_CODE) + len(_START_CODE)
        while start >= len(_START_CODE):
            if self._is_picture(packet[start : start + 1]):
                return  # it may be long, and where it ends does not matter
            end = packet.find(_START_CODE, start)
            yield packet[start : end if end >= 0 else len(packet)]
            start = end + len(_START_CODE)

    def _units(self, packet: bytes) -> Iterator[bytes]:
        if self.length_bytes is None:
            yield from packet.split(_START_CODE)[1:]
            return
        position = 0
        while position + self.length_bytes <= len(packet):
            start = position + self.length_bytes
            position = start + int.from_bytes(packet[position:start], "big")
            yield packet[start:position]

    def _kind(self, unit: bytes) -> int:
        return (unit[0] >> 1) & 0x3F if self.codec == "hevc" else unit[0] & 0x1F

    def _picture_set(self, unit: bytes) -> int:
        """The number of the picture parameter set of a slice (7.3.3; HEVC: 7.3.6.1)."""
        bits = _bits(unit[:16])
        if self.codec == "hevc":  # behind the unit's header: a flag, and one more at random access
            rest = bits[18:] if self._kind(unit) in _HEVC_RANDOM_ACCESS else bits[17:]
        else:
            _, rest = _exp_golomb(bits[8:])
            _, rest = _exp_golomb(rest)
        number, _ = _exp_golomb(rest)
        return number or 0

    def starts_decoding(self, picture: bytes) -> bool:
        """Whether a decoder can start at the picture whose first unit this is.

        With periodic intra refresh the flagged pictures are P pictures and a decoder needs many
        more before its picture is whole: those are no key frames.
        """
        if self.codec == "hevc":
            return self._kind(picture) in _HEVC_RANDOM_ACCESS
        return self._kind(picture) == _H264_IDR or _is_h264_intra_slice(picture)

    def _is_picture(self, unit: bytes) -> bool:
        pictures = _HEVC_PICTURE if self.codec == "hevc" else _H264_PICTURE
        return bool(unit) and self._kind(unit) in pictures


def nal_format(codec: str, extradata: bytes | None) -> NalFormat | None:
    """The format of an H.264 or HEVC stream; None for other codecs, which have no NAL units."""
    if codec not in ("h264", "hevc"):
        return None
    # avcC and hvcC open with their version, 1; anything else is a plain byte stream's header.
    if not extradata or extradata[0] != 1:
        return NalFormat(codec, None)
    position = 4 if codec == "h264" else 21
    if len(extradata) <= position:
        return NalFormat(codec, None)
    return NalFormat(codec, (extradata[position] & 3) + 1)


def header_units(form: NalFormat, extradata: bytes | None) -> frozenset[bytes]:
    """The parameter sets in a stream's header, whose forms ISO/IEC 14496-15 has: avcC and hvcC."""
    if not extradata:
        return frozenset()
    if form.length_bytes is None:
        return frozenset(form.set_units(extradata))
    listed = _avcc_units(extradata) if form.codec == "h264" else _hvcc_units(extradata)
    return frozenset(filter(None, (unit.rstrip(b"\0") for unit in listed)))


def _avcc_units(extradata: bytes) -> Iterator[bytes]:
    """Sets of sequences, then those of pictures, each kind behind its number."""
    at = 5
    for mask in (31, 255):
        count = int.from_bytes(extradata[at : at + 1], "big") & mask
        units, at = _listed(extradata, at + 1, count)
        yield from units


def _hvcc_units(extradata: bytes) -> Iterator[bytes]:
    at = 23
    for _ in range(int.from_bytes(extradata[22:23], "big")):
        count = int.from_bytes(extradata[at + 1 : at + 3], "big")
        units, at = _listed(extradata, at + 3, count)
        yield from units


def _listed(extradata: bytes, at: int, count: int) -> tuple[list[bytes], int]:
    """So many units from there on, each behind its length, and where they end."""
    units = []
    for _ in range(count):
        end = at + 2 + int.from_bytes(extradata[at : at + 2], "big")
        units.append(extradata[at + 2 : end])
        at = end
    return units, at


def _split_at_start_codes(packet: bytes) -> Iterator[bytes]:
    position = packet.find(_START_CODE)
    while position >= 0:
        start = position + len(_START_CODE)
        yield packet[start : start + 32]
        position = packet.find(_START_CODE, start)


def _is_h264_intra_slice(unit: bytes) -> bool:
    """I (2, 7) and SI (4, 9) slices: the second number of a slice header (7.3.3)."""
    _, rest = _exp_golomb(_bits(unit)[8:])
    slice_type, _ = _exp_golomb(rest)
    return slice_type is not None and slice_type % 5 in (2, 4)


def _bits(unit: bytes) -> str:
    """Its bits, without the bytes that keep start codes out of it (7.4.1)."""
    return "".join(f"{byte:08b}" for byte in unit.replace(b"\x00\x00\x03", b"\x00\x00"))


def _exp_golomb(bits: str) -> tuple[int | None, str]:
    """The first ue(v) number (9.1) and the bits after it; None where the bits run out."""
    zeros = bits.find("1")
    end = 2 * zeros + 1
    if zeros < 0 or end > len(bits):
        return None, ""
    return int(bits[zeros:end], 2) - 1, bits[end:]
