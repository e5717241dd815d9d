"""What the header of an H.264 film says of how it is coded (ISO/IEC 14496-10, 7.3.2.1 and annex E)."""

from __future__ import annotations

from dataclasses import dataclass

from clipkit.media.bits import Bits
from clipkit.media.nal import NalFormat, header_units

_SEQUENCE, _PICTURE = 7, 8
# Profiles whose sequence parameter sets say more of the samples (7.3.2.1.1).
_HIGH = (100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135)
_EXTENDED_ASPECT = 255
MOST_DEPTH = 2


@dataclass(frozen=True, slots=True)
class Avc:
    """`profile` by its number. `frames_only`: no picture is made of fields. `reorder_depth`: how many
    pictures are decoded before one that is shown earlier, at most; None: it does not say. `numbers` are
    taken by its parameter sets."""

    profile: int
    frames_only: bool
    reorder_depth: int | None
    numbers: tuple[int, ...]

    def bframes(self, asked: int | None) -> int:
        """How many in a row what is encoded to go with it may have, if `asked` for so many: so that its pictures
        are reordered as deep, as far as x264 does (2, where others refer to them)."""
        depth = MOST_DEPTH if self.reorder_depth is None else min(self.reorder_depth, MOST_DEPTH)
        return max(depth, asked or 0) if depth else 0


def avc_of(form: NalFormat | None, header: bytes | None) -> Avc | None:
    """By a stream's header; None where it is no H.264, or has no sets or several that differ."""
    if form is None or form.codec != "h264":
        return None
    units = header_units(form, header)
    sequences = [unit for unit in units if unit[0] & 31 == _SEQUENCE]
    pictures = [unit for unit in units if unit[0] & 31 == _PICTURE]
    try:
        [found] = {_sequence(Bits(unit[1:])) for unit in sequences}
        numbers = {Bits(unit[4:]).number() for unit in sequences}
        numbers |= {Bits(unit[1:]).number() for unit in pictures}
    except ValueError:
        return None
    profile, frames_only, depth = found
    return Avc(profile, frames_only, depth, tuple(sorted(numbers)))


def _sequence(bits: Bits) -> tuple[int, bool, int | None]:
    """Profile, whether there are only frames, and the depth of reordering."""
    profile = bits.take(8)
    _pass_to_references(bits, profile)
    bits.number()
    bits.flag()
    bits.number()  # width and height
    bits.number()
    frames_only = bits.flag()
    if not frames_only:
        bits.flag()
    bits.flag()
    if bits.flag():
        for _ in range(4):
            bits.number()  # cropping
    return profile, frames_only, _reorder_depth(bits) if bits.flag() else None


def references_kept(bits: Bits) -> int:
    """How many pictures a decoder keeps."""
    _pass_to_references(bits, bits.take(8))
    return bits.number()


def frame_number_bits(bits: Bits) -> int | None:
    """How long the number of a frame is in a slice's header; None where no picture is made of fields."""
    profile = bits.take(8)
    number_bits = _pass_to_order(bits, profile)
    _pass_order(bits)
    bits.number()
    bits.flag()
    bits.number()  # width and height
    bits.number()
    return None if bits.flag() else number_bits


@dataclass(frozen=True, slots=True)
class SequenceSet:
    """What a slice's header leaves to the set of its sequence. `order_bits`: of what orders pictures, 0 where
    that is otherwise."""

    frames_only: bool
    number_bits: int
    order_bits: int
    has_order_steps: bool
    references: int


@dataclass(frozen=True, slots=True)
class PictureSet:
    """And to the set of its picture. `references`: how many, where it does not say, in each list."""

    has_order: bool
    has_redundant: bool
    references: tuple[int, int]
    weighted_p: bool
    weighted_b: bool


def sequence_set(bits: Bits) -> SequenceSet:
    """Of films of 4:2:0. Raises ValueError for others."""
    profile = bits.take(8)
    bits.take(16)
    bits.number()
    if profile in _HIGH and _pass_samples(bits) != 1:
        raise ValueError("not 4:2:0")
    number_bits = bits.number() + 4
    kind = bits.number()
    order_bits = bits.number() + 4 if kind == 0 else 0
    has_steps = kind == 1 and _pass_cycle(bits)
    references = bits.number()
    bits.flag()
    bits.number()  # width and height
    bits.number()
    return SequenceSet(bits.flag(), number_bits, order_bits, has_steps, references)


def picture_set(bits: Bits) -> tuple[int, PictureSet]:
    """With its number (7.3.2.2). Raises ValueError for one with groups of slices."""
    number = bits.number()
    bits.number()
    bits.flag()
    has_order = bits.flag()
    if bits.number():
        raise ValueError("groups of slices")
    references = (bits.number() + 1, bits.number() + 1)
    weighted_p, weighted_b = bits.flag(), bits.take(2) == 1
    for _ in range(3):
        bits.signed()
    bits.take(2)
    return number, PictureSet(has_order, bits.flag(), references, weighted_p, weighted_b)


def _pass_to_references(bits: Bits, profile: int) -> None:
    _pass_to_order(bits, profile)
    _pass_order(bits)


def _pass_to_order(bits: Bits, profile: int) -> int:
    """How many bits number a frame."""
    bits.take(16)  # constraints, level
    bits.number()
    if profile in _HIGH:
        _pass_samples(bits)
    return bits.number() + 4


def _pass_samples(bits: Bits) -> int:
    """Which chroma there is."""
    chroma = bits.number()
    if chroma == 3:
        bits.flag()
    bits.number()
    bits.number()
    bits.flag()
    if bits.flag():
        for place in range(8 if chroma != 3 else 12):
            if bits.flag():
                _pass_scaling_list(bits, 16 if place < 6 else 64)
    return chroma


def _pass_scaling_list(bits: Bits, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + bits.signed()) % 256
        last = following or last


def _pass_order(bits: Bits) -> None:
    kind = bits.number()
    if kind == 0:
        bits.number()
    elif kind == 1:
        _pass_cycle(bits)


def _pass_cycle(bits: Bits) -> bool:
    """Whether slices tell by how much pictures differ from it."""
    never = bits.flag()
    bits.signed()
    bits.signed()
    for _ in range(min(bits.number(), 255)):
        bits.signed()
    return not never


def _reorder_depth(bits: Bits) -> int | None:
    """Of the usability information (E.1.1)."""
    if bits.flag() and bits.take(8) == _EXTENDED_ASPECT:
        bits.take(32)
    if bits.flag():
        bits.flag()  # overscan
    if bits.flag():
        bits.take(4)  # video format and range
        if bits.flag():
            bits.take(24)
    if bits.flag():
        bits.number()  # chroma location
        bits.number()
    if bits.flag():
        bits.take(65)  # timing
    buffers = 0
    for _ in range(2):
        if bits.flag():
            _pass_buffer(bits)
            buffers += 1
    if buffers:
        bits.flag()
    bits.flag()
    if not bits.flag():
        return None
    bits.flag()
    for _ in range(4):
        bits.number()
    return bits.number()


def _pass_buffer(bits: Bits) -> None:
    """A hypothetical decoder's buffer (E.1.2)."""
    count = min(bits.number() + 1, 32)
    bits.take(8)
    for _ in range(count):
        bits.number()
        bits.number()
        bits.flag()
    bits.take(20)
