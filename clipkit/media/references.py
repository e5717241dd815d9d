"""How many pictures an H.264 or HEVC stream has its decoder keep: what its parameter set says of them. Pure."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

from clipkit.media.avc import references_kept
from clipkit.media.bits import Bits
from clipkit.media.nal import header_units, nal_format

_H264_SEQUENCE, _HEVC_SEQUENCE = 7, 33
_HEVC_LEVEL_BITS = 96
_MOST = 16
"""Of profile and level, behind how many layers there are (ISO/IEC 23008-2, 7.3.3)."""


def kept_by(codec: str, extradata: bytes | None) -> int | None:
    """Of a stream with this header; None where it does not say."""
    form = nal_format(codec, extradata)
    return pictures_kept(codec, header_units(form, extradata)) if form else None


def pictures_kept(codec: str, units: Iterable[bytes]) -> int | None:
    """The most by a set of a sequence among these, as many as the standards allow at most; None where there is
    none that can be read."""
    found = []
    for unit in units:
        with contextlib.suppress(ValueError):
            if codec == "h264" and unit and unit[0] & 0x1F == _H264_SEQUENCE:
                found.append(references_kept(Bits(unit[1:4096])))
            if codec == "hevc" and unit and (unit[0] >> 1) & 0x3F == _HEVC_SEQUENCE:
                found.append(_hevc(Bits(unit[2:4096])))
    return min(max(found), _MOST) if found else None


def _hevc(bits: Bits) -> int:
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
