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
# ISO/IEC 23008-2 table 7-1: 0 to 31 are slices, 16 to 21 those of IDR, BLA and CRA pictures.
_HEVC_PICTURE = range(32)
_HEVC_RANDOM_ACCESS = range(16, 22)
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
        found, position = None, 0
        while position + self.length_bytes <= len(packet):
            start = position + self.length_bytes
            length = int.from_bytes(packet[position:start], "big")
            position = start + length
            if length == 0 or position > len(packet):
                return None
            if found is None and self._is_picture(
                unit := packet[start : min(position, start + 32)]
            ):
                found = unit
        return found

    def starts_decoding(self, picture: bytes) -> bool:
        """Whether a decoder can start at the picture whose first unit this is.

        With periodic intra refresh the flagged pictures are P pictures and a decoder needs many
        more before its picture is whole: those are no key frames.
        """
        if self.codec == "hevc":
            return (picture[0] >> 1) & 0x3F in _HEVC_RANDOM_ACCESS
        return picture[0] & 0x1F == _H264_IDR or _is_h264_intra_slice(picture)

    def _is_picture(self, unit: bytes) -> bool:
        if not unit:
            return False
        if self.codec == "hevc":
            return (unit[0] >> 1) & 0x3F in _HEVC_PICTURE
        return unit[0] & 0x1F in _H264_PICTURE


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


def _split_at_start_codes(packet: bytes) -> Iterator[bytes]:
    position = packet.find(_START_CODE)
    while position >= 0:
        start = position + len(_START_CODE)
        yield packet[start : start + 32]
        position = packet.find(_START_CODE, start)


def _is_h264_intra_slice(unit: bytes) -> bool:
    """I (2, 7) and SI (4, 9) slices: the second number of a slice header (7.3.3)."""
    bits = "".join(f"{byte:08b}" for byte in unit[1:].replace(b"\x00\x00\x03", b"\x00\x00"))
    _, rest = _exp_golomb(bits)
    slice_type, _ = _exp_golomb(rest)
    return slice_type is not None and slice_type % 5 in (2, 4)


def _exp_golomb(bits: str) -> tuple[int | None, str]:
    """The first ue(v) number (9.1) and the bits after it; None where the bits run out."""
    zeros = bits.find("1")
    end = 2 * zeros + 1
    if zeros < 0 or end > len(bits):
        return None, ""
    return int(bits[zeros:end], 2) - 1, bits[end:]
