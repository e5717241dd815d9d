"""What in a packet states how its pictures are made: size, shape, colours. Bytes, not their meaning.

Where these bytes are others than before, the pictures may be others too; decoding one tells. So all
of a film's key frames need not be decoded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from clipkit.media.nal import NalFormat

_START_CODE = b"\x00\x00\x01"
_LONGEST_HEAD = 4096
"""A sequence's headers open their packet: as far is looked for them where start codes part it."""


def picture_header(codec: str, form: NalFormat | None, packet: bytes) -> tuple[bytes, int]:
    """The bytes of `packet` that state how its pictures are made, and by which of several such.

    No bytes: it states nothing, and what was stated before holds on.
    """
    if form:
        return form.parameter_sets(packet)
    of_codec = _OF_CODEC.get(codec)
    return (of_codec(packet) if of_codec else b""), 0


def _mpeg12(packet: bytes) -> bytes:
    """Sequence header (size, aspect, rate) and sequence extensions (ISO/IEC 13818-2, 6.2.2)."""
    found = b""
    for unit in _units(packet):
        if unit[0] == 0xB3:
            found += unit[:5]
        elif unit[0] == 0xB5 and unit[1] >> 4 in (1, 2):  # of the sequence, of its display
            found += unit
        elif unit[0] == 0x00:
            break
    return found


def _mpeg4(packet: bytes) -> bytes:
    """Visual object and video object layer (ISO/IEC 14496-2, 6.2.2 and 6.2.3)."""
    return b"".join(unit for unit in _units(packet) if unit[0] == 0xB5 or 0x20 <= unit[0] <= 0x2F)


def _vc1(packet: bytes) -> bytes:
    """The sequence header (SMPTE 421M, annex E)."""
    return b"".join(unit for unit in _units(packet) if unit[0] == 0x0F)


def _vp8(packet: bytes) -> bytes:
    """Start code and size of a key frame (RFC 6386, 9.1)."""
    return packet[3:10] if packet and not packet[0] & 1 else b""


def _vp9(packet: bytes) -> bytes:
    """Sync code, colours and size of a key frame (VP9 bitstream specification, 6.2)."""
    return packet[:9] if packet[1:4] == b"\x49\x83\x42" else b""


def _av1(packet: bytes) -> bytes:
    """The sequence header (AV1 bitstream specification, 5.5)."""
    position = 0
    while position < len(packet):
        head = packet[position]
        position += 2 if head & 4 else 1
        size, position = _leb128(packet, position) if head & 2 else (len(packet), position)
        if head >> 3 & 15 == 1:
            return packet[position : position + size]
        position += size
    return b""


def _leb128(packet: bytes, position: int) -> tuple[int, int]:
    """A number and the position behind it."""
    value = 0
    for place, byte in enumerate(packet[position : position + 8]):
        value |= (byte & 127) << 7 * place
        if not byte & 128:
            return value, position + place + 1
    return len(packet), len(packet)


def _jpeg(packet: bytes) -> bytes:
    """The frame header: precision, size and sampling (ITU-T T.81, B.2.2)."""
    position = 2
    while position + 4 <= len(packet) and packet[position] == 0xFF:
        marker, length = packet[position + 1], int.from_bytes(packet[position + 2 : position + 4])
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return packet[position : position + 2 + length]
        position += 2 + length
    return b""


def _head(first: int, last: int) -> Callable[[bytes], bytes]:
    return lambda packet: packet[first:last]


def _units(packet: bytes) -> Iterator[bytes]:
    """What start codes part, each without its start code, of the packet's head."""
    parts = packet[:_LONGEST_HEAD].split(_START_CODE)[1:]
    yield from (part for part in parts if len(part) > 1)


_OF_CODEC: dict[str, Callable[[bytes], bytes]] = {
    "mpeg1video": _mpeg12,
    "mpeg2video": _mpeg12,
    "mpeg4": _mpeg4,
    "vc1": _vc1,
    "vp8": _vp8,
    "vp9": _vp9,
    "av1": _av1,
    "mjpeg": _jpeg,
    # Fixed places: frame header (SMPTE RDD 36, 5.1), size (SMPTE ST 2019-1, 5.1), IHDR.
    "prores": _head(16, 26),
    "dnxhd": _head(24, 28),
    "png": _head(8, 33),
}
