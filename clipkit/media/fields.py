"""Pictures of H.264 whose two fields are packets of their own: the second of a pair is no picture more."""

from __future__ import annotations

from clipkit.media.avc import frame_number_bits
from clipkit.media.bits import Bits
from clipkit.media.nal import NalFormat, header_units

_SEQUENCE = 7
_HEAD_BYTES = 32


class Fields:
    """Asked of each packet in the order of decoding."""

    def __init__(self, form: NalFormat | None, header: bytes | None) -> None:
        """`header`: the stream's, by whose sequence parameter sets frames are numbered."""
        self._number_bits = _number_bits(form, header)
        self._first: tuple[int, int] | None = None

    def is_second(self, picture: bytes | None) -> bool:
        """`picture`: the head of a packet's first unit that is one. Its pair has one number, and came before: a
        packet that holds both begins as the one before it does (ISO/IEC 14496-10, 7.4.1.2.4)."""
        if self._number_bits is None or picture is None:
            return False
        field = _field(Bits(picture[1:_HEAD_BYTES]), self._number_bits)
        is_second = (
            field is not None and self._first is not None and field == _opposite(self._first)
        )
        self._first = None if is_second else field
        return is_second


def _number_bits(form: NalFormat | None, header: bytes | None) -> int | None:
    """None where no picture is made of fields, or where the header does not say in one way."""
    if form is None or form.codec != "h264":
        return None
    sequences = (unit for unit in header_units(form, header) if unit[0] & 31 == _SEQUENCE)
    try:
        [found] = {frame_number_bits(Bits(unit[1:])) for unit in sequences}
    except ValueError:
        return None
    return found


def _field(bits: Bits, number_bits: int) -> tuple[int, int] | None:
    """The number of the slice's picture, and whether it is the lower field; None where it is a frame (7.3.3)."""
    try:
        for _ in range(3):
            bits.number()  # first macroblock, kind, parameter set
        number = bits.take(number_bits)
        return (number, bits.take(1)) if bits.flag() else None
    except ValueError:
        return None


def _opposite(field: tuple[int, int]) -> tuple[int, int]:
    number, is_lower = field
    return number, 1 - is_lower
