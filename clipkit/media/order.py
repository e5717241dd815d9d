"""In which order a film's pictures are decoded, where that can begin, and by which parameter sets."""

from __future__ import annotations

from dataclasses import dataclass

from av.packet import Packet
from av.video.stream import VideoStream

from clipkit.media.marking import Marking
from clipkit.media.nal import NalFormat, header_units


@dataclass(frozen=True, slots=True)
class Order:
    """Every packet of the film in the order of decoding, hidden ones too: `ticks` are when they would be
    shown, as the container has them, a place each.

    `access`: the places at which decoding can begin, of which those in `closed` need nothing from before
    for any picture that comes later; none where an edit list shows several parts of the film. `damaged`:
    places without a picture of their own, or without a time. `set_turns`: from which places on the parameter sets are
    others than the header's, and are these again, by turns. `sets_inside`: packets repeat them.
    """

    ticks: tuple[int, ...] = ()
    access: tuple[int, ...] = ()
    closed: tuple[int, ...] = ()
    damaged: tuple[int, ...] = ()
    set_turns: tuple[int, ...] = ()
    sets_inside: bool = False


class Ordering:
    """`see` the packets as they come, then ask for their `order`."""

    def __init__(self, form: NalFormat | None, extradata: bytes | None) -> None:
        self._form = form
        self._extradata = extradata
        self._header = header_units(form, extradata) if form else frozenset()
        self._ticks: list[int] = []
        self._access: list[int] = []
        self._closed: list[int] = []
        self._damaged: list[int] = []
        self._set_turns: list[int] = []
        self._sets_inside = False
        self._highest: int | None = None
        self._decoded: int | None = None
        self._hides = False
        self._is_in_parts = False
        self._marking = Marking(form, extradata)

    def see(
        self,
        packet: Packet[VideoStream],
        ticks: int | None,
        picture: bytes | None,
        content: bytes,
    ) -> None:
        """`picture`: the head of its first unit that is one, where the codec has units; `content`: of the
        packet, there."""
        place = len(self._ticks)
        self._see_parts(packet)
        if ticks is None or packet.is_corrupt or (self._form and picture is None):
            self._damaged.append(place)
        self._ticks.append(self._highest or 0 if ticks is None else ticks)
        self._see_sets(packet, place, content)
        if ticks is None:
            return
        # What is shown later may be decoded before it in files that are joined badly.
        is_first_of_later = self._highest is None or ticks > self._highest
        self._highest = ticks if is_first_of_later else self._highest
        if packet.is_keyframe and is_first_of_later and self._can_start(picture):
            self._access.append(place)
            closed = self._form is None or (
                picture and self._form.refers_to_nothing_before(picture)
            )
            if closed:
                self._closed.append(place)
            self._marking.begin(place, ticks, is_open=not closed)
        unfit = self._marking.unfit(ticks, picture, content)
        if unfit is not None:
            self._access.remove(unfit)

    def _see_parts(self, packet: Packet[VideoStream]) -> None:
        """An edit list that shows several parts of a film has what leads up to each hidden before it, at
        times that go back."""
        self._hides |= packet.is_discard
        if packet.dts is None:
            return
        goes_back = self._decoded is not None and packet.dts < self._decoded
        self._is_in_parts |= goes_back and self._hides
        self._decoded = packet.dts

    def _can_start(self, picture: bytes | None) -> bool:
        return self._form is None or bool(picture and self._form.starts_decoding(picture))

    def _see_sets(self, packet: Packet[VideoStream], place: int, content: bytes) -> None:
        renewed = packet.is_keyframe and packet.has_sidedata("new_extradata")
        inside = self._form.set_units(content) if self._form else ()
        self._sets_inside |= bool(inside)
        if not renewed and not inside:
            return
        known = not renewed or bytes(packet.get_sidedata("new_extradata")) == self._extradata
        is_foreign = not (known and self._header.issuperset(inside))
        if is_foreign != bool(len(self._set_turns) % 2):
            self._set_turns.append(place)

    @property
    def order(self) -> Order:
        return Order(
            ticks=tuple(self._ticks),
            access=() if self._is_in_parts else tuple(self._access),
            closed=() if self._is_in_parts else tuple(self._closed),
            damaged=tuple(self._damaged),
            set_turns=tuple(self._set_turns),
            sets_inside=self._sets_inside,
        )
