"""How many pictures an H.264 or HEVC stream has its decoder keep: what its parameter set says of them. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from clipkit.media.nal import header_units, nal_format

_H264_SEQUENCE, _HEVC_SEQUENCE = 7, 33
# ISO/IEC 14496-10, 7.3.2.1.1: profiles that say how colours are sampled.
_H264_HIGH = {100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135}
_HEVC_LEVEL_BITS = 96
"""Of profile and level, behind how many layers there are (ISO/IEC 23008-2, 7.3.3)."""


class _Bits:
    """A unit's bits, without the bytes that keep start codes out of it."""

    def __init__(self, unit: bytes) -> None:
        plain = unit.replace(b"\x00\x00\x03", b"\x00\x00")
        self._bits = "".join(f"{byte:08b}" for byte in plain)
        self._at = 0

    def take(self, count: int) -> int:
        found = self._bits[self._at : self._at + count]
        if len(found) < count:
            raise ValueError("the unit ends")
        self._at += count
        return int(found, 2) if count else 0

    def number(self) -> int:
        """ue(v) of both standards."""
        end = self._bits.find("1", self._at)
        if end < 0:
            raise ValueError("the unit ends")
        zeros, self._at = end - self._at, end
        return self.take(zeros + 1) - 1

    def signed(self) -> int:
        number = self.number()
        return (number + 1) // 2 if number % 2 else -(number // 2)


def kept_by(codec: str, extradata: bytes | None) -> int | None:
    """Of a stream with this header; None where it does not say."""
    form = nal_format(codec, extradata)
    return pictures_kept(codec, header_units(form, extradata)) if form else None


def pictures_kept(codec: str, units: Iterable[bytes]) -> int | None:
    """By the first set of a sequence among these; None where there is none that can be read."""
    for unit in units:
        try:
            if codec == "h264" and unit and unit[0] & 0x1F == _H264_SEQUENCE:
                return _h264(_Bits(unit[1:4096]))
            if codec == "hevc" and unit and (unit[0] >> 1) & 0x3F == _HEVC_SEQUENCE:
                return _hevc(_Bits(unit[2:4096]))
        except ValueError:
            continue
    return None


def _h264(bits: _Bits) -> int:
    profile = bits.take(8)
    bits.take(16)
    bits.number()
    if profile in _H264_HIGH:
        colours = bits.number()
        if colours == 3:
            bits.take(1)
        bits.number(), bits.number(), bits.take(1)
        if bits.take(1):
            for which in range(8 if colours != 3 else 12):
                if bits.take(1):
                    _pass_scaling_list(bits, 16 if which < 6 else 64)
    bits.number()
    order = bits.number()
    if order == 0:
        bits.number()
    elif order == 1:
        bits.take(1), bits.signed(), bits.signed()
        for _ in range(bits.number()):
            bits.signed()
    return bits.number()


def _pass_scaling_list(bits: _Bits, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + bits.signed()) % 256
        last = following or last


def _hevc(bits: _Bits) -> int:
    bits.take(4)
    layers = bits.take(3)
    bits.take(1 + _HEVC_LEVEL_BITS)
    present = [(bits.take(1), bits.take(1)) for _ in range(layers)]
    bits.take(2 * (8 - layers) if layers else 0)
    for profile, level in present:
        bits.take(88 * profile + 8 * level)
    bits.number()
    if bits.number() == 3:
        bits.take(1)
    bits.number(), bits.number()
    if bits.take(1):
        for _ in range(4):
            bits.number()
    bits.number(), bits.number(), bits.number()
    each = bits.take(1)
    for _ in range(layers if each else 0):  # the last layer's holds for all
        bits.number(), bits.number(), bits.number()
    return bits.number() + 1
