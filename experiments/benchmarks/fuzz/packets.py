"""Whether a clip's packets of sound are the upload's, at the upload's times, and begin early enough.

Two decodings of the same packets may differ: where AAC puts noise in the place of noise, it is random from
the first packet on that a decoder is given.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
from shown import Track

NOT_THE_UPLOADS = "its packets of sound are not the upload's"
_Packets = list[tuple[Fraction, bytes]]


def faults(upload: Path, data: bytes, track: Track, zero: Fraction, needed: int) -> Iterator[str]:
    """`zero`: where in the upload the clip begins; `needed`: packets before the one that covers it."""
    held = track.stored
    start = next((edit.start for edit in held.edits if edit.start >= 0), 0)
    empty = sum((edit.lasts or 0) for edit in held.edits if edit.start < 0)
    own = [data[one.at : one.at + one.size] for one in held.samples]
    covering = max(
        (number for number, one in enumerate(held.samples) if one.decoded <= start), default=0
    )
    for tick, packets in _tracks(upload):
        first = _run(packets, own)
        if first is None:
            continue
        if covering < needed and first > 0 and not empty:
            yield f"{covering} packets of sound lie before the one at its start, {needed} are needed"
        slack = tick + 2 * held.tick
        for number, sample in enumerate(held.samples):
            due = packets[first + number][0] - zero
            if not empty and abs((sample.decoded - start) * held.tick - due) > slack:
                yield f"packet {number} of its sound is not heard at {float(due):.6f} s"
                return
        return
    yield NOT_THE_UPLOADS


def _tracks(upload: Path) -> Iterator[tuple[Fraction, _Packets]]:
    """Of each track of sound what its clock counts in, and its packets with their times."""
    with av.open(f"file:{upload}") as container:
        origin = Fraction(container.start_time or 0, 1_000_000)
        found: dict[int, _Packets] = {stream.index: [] for stream in container.streams.audio}
        ticks = {s.index: s.time_base or Fraction(1, 1000) for s in container.streams.audio}
        for packet in container.demux(*container.streams.audio):
            if packet.pts is not None and packet.size:
                at = packet.pts * ticks[packet.stream_index] - origin
                found[packet.stream_index].append((at, bytes(packet)))
    for index, packets in found.items():
        yield ticks[index], packets


def _run(packets: _Packets, own: list[bytes]) -> int | None:
    """Where in the upload's these lie, one after the other. A transport stream's have a header more."""
    for first in range(len(packets) - len(own) + 1):
        if all(packets[first + n][1].endswith(one) for n, one in enumerate(own)):
            return first
    return None
