"""H.264 whose pictures are two fields each, coded one after the other (PAFF): no encoder of ffmpeg's writes such.

Every macroblock has its samples as they are (I_PCM), so that what each picture shows is known to the bit. Only
the first of each group can be decoded without those before it: the others are P pictures, by their headers.
"""

from __future__ import annotations

_SIDE = 32  # of a frame: a field is two macroblocks wide and one high
_I_PCM, _I_PCM_IN_P = 25, 30
_MAIN, _LEVEL = 77, 30


class _Bits:
    """What is written bit by bit (ISO/IEC 14496-10, 7.2 and 9.1)."""

    def __init__(self) -> None:
        self._bits: list[int] = []

    def fixed(self, value: int, count: int) -> None:
        self._bits += [value >> place & 1 for place in reversed(range(count))]

    def golomb(self, *values: int) -> None:
        for value in values:
            count = (value + 1).bit_length()
            self.fixed(value + 1, 2 * count - 1)

    def samples(self, values: bytes) -> None:
        self._bits += [0] * (-len(self._bits) % 8)
        for value in values:
            self.fixed(value, 8)

    def unit(self, kind: int, reference: int = 1) -> bytes:
        """As a NAL unit of Annex B."""
        bits = [*self._bits, 1]
        bits += [0] * (-len(bits) % 8)
        raw = bytes(int("".join(map(str, bits[at : at + 8])), 2) for at in range(0, len(bits), 8))
        found = bytearray([reference << 5 | kind])
        for byte in raw:
            if byte <= 3 and found[-2:] == b"\0\0":
                found.append(3)
            found.append(byte)
        return b"\0\0\0\1" + bytes(found)


def film(frames: int, gop: int) -> bytes:
    """Annex B, 25 pictures a second, whose brightness tells them apart."""
    units = []
    for frame in range(frames):
        if frame % gop == 0:
            units += [_sequence(), _picture()]
        units += [_field(frame % gop, bottom, _grey(frame, bottom)) for bottom in (0, 1)]
    return b"".join(units)


def _grey(frame: int, bottom: int) -> bytes:
    """A macroblock's samples: brightness, then the two colours."""
    light = bytes(24 + (x * 5 + frame * 11 + bottom * 2) % 200 for x in range(16)) * 16
    return light + bytes([128]) * 128


def _sequence() -> bytes:
    bits = _Bits()
    for value in (_MAIN, 0, _LEVEL):
        bits.fixed(value, 8)
    # Set 0; 4 bits of frame_num; order of showing told, in 8 bits; one reference.
    bits.golomb(0, 0, 0, 4, 1)
    bits.fixed(0, 1)
    bits.golomb(_SIDE // 16 - 1, _SIDE // 32 - 1)
    bits.fixed(0b00101, 5)  # not frames alone, no MBAFF, direct 8x8, uncropped, with VUI
    bits.fixed(0b00001, 5)  # no aspect, overscan, signal, chroma place; but timing
    bits.fixed(1, 32)
    bits.fixed(50, 32)
    bits.fixed(
        0b100011, 6
    )  # fixed rate, no HRD, no pic_struct; restrictions: vectors may leave the picture
    bits.golomb(0, 0, 0, 0, 0, 1)  # nothing is reordered
    return bits.unit(7)


def _picture() -> bytes:
    bits = _Bits()
    bits.golomb(0, 0)
    bits.fixed(0b00, 2)  # CAVLC; order of showing is not told of bottom fields apart
    bits.golomb(0, 0, 0)
    bits.fixed(0b000, 3)
    bits.golomb(0, 0, 0)
    bits.fixed(0b100, 3)  # the loop filter is told of
    return bits.unit(8)


def _field(frame: int, bottom: int, samples: bytes) -> bytes:
    """A slice: the first of a group an IDR picture, its second field and all others P."""
    is_idr = frame == 0 and not bottom
    bits = _Bits()
    bits.golomb(0, 7 if is_idr else 5, 0)
    bits.fixed(frame % 16, 4)
    bits.fixed(0b10 | bottom, 2)
    if is_idr:
        bits.golomb(0)
    bits.fixed((2 * frame + bottom) % 256, 8)
    bits.fixed(0b00, 2)  # of IDR: nothing is long kept; of P: its references, in their own order
    if not is_idr:
        bits.fixed(0, 1)
    bits.golomb(0, 1)  # no loop filter
    for _ in range(2):
        if not is_idr:
            bits.golomb(0)  # no macroblock is skipped
        bits.golomb(_I_PCM if is_idr else _I_PCM_IN_P)
        bits.samples(samples)
    return bits.unit(5 if is_idr else 1)
