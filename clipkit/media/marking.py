"""Whether decoding of H.264 can begin at a picture of an open group, which later ones may not take for granted.

Pictures tell a decoder which of those before it need not keep (ISO/IEC 14496-10, 7.3.3.3). One that never had
them complains, and strict ones stop.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from clipkit.media.avc import PictureSet, SequenceSet, picture_set, sequence_set
from clipkit.media.bits import Bits
from clipkit.media.nal import NalFormat, header_units

_SEQUENCE, _PICTURE = 7, 8
_IDR = 5
_P, _B, _I, _SP, _SI = range(5)
_HEAD_BYTES = 256
# Twice as many as are ever kept: later ones know none from before.
_FOLLOWED = 32
_END, _SHORT, _LONG, _TO_LONG, _MOST_LONG, _ALL, _SELF_TO_LONG = range(7)


@dataclass(slots=True)
class _Since:
    """What a decoder holds that began with the picture shown at `ticks`, the packet at `place`: the numbers of the
    pictures that others may refer to, the latest last."""

    place: int
    ticks: int
    kept: list[int]
    latest: int | None = None
    seen: int = 0


class Marking:
    """Asked of each packet in the order of decoding, of the films whose header says in one way how."""

    def __init__(self, form: NalFormat | None, header: bytes | None) -> None:
        self._sets = _sets(form, header)
        self._since: _Since | None = None

    def begin(self, place: int, ticks: int, is_open: bool) -> None:
        """Decoding may begin at this packet."""
        self._since = _Since(place, ticks, []) if is_open and self._sets else None

    def unfit(self, ticks: int, picture: bytes | None, content: bytes) -> int | None:
        """The place at which decoding should not begin, as this packet shows: it has one forgotten that would
        not be there."""
        since = self._since
        if since is None or self._sets is None or picture is None or ticks < since.ticks:
            return None
        if not picture[0] >> 5 & 3:  # nothing refers to it
            return None
        at = content.find(picture)
        try:
            is_right = _follow(since, content[at : at + _HEAD_BYTES], *self._sets)
        except ValueError:
            is_right = True
        since.seen += 1
        if not is_right or since.seen >= _FOLLOWED:
            self._since = None
        return None if is_right else since.place


def _sets(
    form: NalFormat | None, header: bytes | None
) -> tuple[SequenceSet, dict[int, PictureSet]] | None:
    """None where the header does not say in one way, or where pictures are made of fields."""
    if form is None or form.codec != "h264":
        return None
    units = header_units(form, header)
    try:
        [sequence] = {sequence_set(Bits(unit[1:])) for unit in units if unit[0] & 31 == _SEQUENCE}
        pictures = dict(picture_set(Bits(unit[1:])) for unit in units if unit[0] & 31 == _PICTURE)
    except ValueError:
        return None
    return (sequence, pictures) if sequence.frames_only else None


def _follow(
    since: _Since, unit: bytes, sequence: SequenceSet, pictures: dict[int, PictureSet]
) -> bool:
    """Whether all that the picture has forgotten is there; it is itself, from now on."""
    number, forgotten = _read(unit, sequence, pictures)
    most, kept = 1 << sequence.number_bits, since.kept
    room = max(1, sequence.references)
    missing = number - 1 if since.latest is None else (number - since.latest - 1) % most
    # Numbers that are left out decoders fill in with what they have, before the first picture too.
    kept += [(number - n) % most for n in range(min(missing, room), 0, -1)]
    del kept[:-room]
    for kind, distance in forgotten:
        if kind == _ALL:
            kept.clear()
        elif kind in (_SHORT, _TO_LONG):
            gone = (number - distance) % most
            if gone not in kept:
                return not kept
            kept.remove(gone)
    if not forgotten:
        del kept[: max(0, len(kept) - room + 1)]
    kept.append(number)
    since.latest = number
    return True


def _read(
    unit: bytes, sequence: SequenceSet, pictures: dict[int, PictureSet]
) -> tuple[int, list[tuple[int, int]]]:
    """A slice's number, and which pictures are to be forgotten how: by how far their numbers are below it
    (7.3.3). Raises ValueError where it cannot be told."""
    bits, is_idr = Bits(unit[1:]), unit[0] & 31 == _IDR
    bits.number()
    kind = bits.number() % 5
    picture = pictures.get(bits.number())
    if picture is None:
        raise ValueError("its set is not in the header")
    number = bits.take(sequence.number_bits)
    if is_idr:
        return number, [(_ALL, 0)]
    if sequence.order_bits:
        bits.take(sequence.order_bits)
        if picture.has_order:
            bits.signed()
    elif sequence.has_order_steps:
        bits.signed()
        if picture.has_order:
            bits.signed()
    if picture.has_redundant:
        bits.number()
    if kind == _B:
        bits.flag()
    if kind not in (_I, _SI):
        _pass_references(bits, kind, picture)
    return number, list(_forgotten(bits)) if bits.flag() else []


def _pass_references(bits: Bits, kind: int, picture: PictureSet) -> None:
    lists = 2 if kind == _B else 1
    counts = list(picture.references)
    if bits.flag():
        counts[:lists] = [bits.number() + 1 for _ in range(lists)]
    for _ in range(lists):
        if bits.flag():
            while bits.number() != 3:
                bits.number()
    if picture.weighted_b if kind == _B else picture.weighted_p:
        bits.number()
        bits.number()
        for count in counts[:lists]:
            for _ in range(count):
                for values in (2, 4):  # of luma, of both chromas
                    if bits.flag():
                        for _ in range(values):
                            bits.signed()


def _forgotten(bits: Bits) -> Iterator[tuple[int, int]]:
    while (kind := bits.number()) != _END:
        if kind > _SELF_TO_LONG:
            raise ValueError("no such command")
        distance = bits.number() + 1 if kind != _ALL else 0
        if kind == _TO_LONG:
            bits.number()
        yield kind, distance
