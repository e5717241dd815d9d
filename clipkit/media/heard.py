"""From when to when a sound track is heard: in stretches, by its packets, until its clock is set back."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from av.packet import Packet

from clipkit.media.clock import Continuity

# Times in whole milliseconds, and packets of unlike lengths, leave less than this between packets.
_GAP_PACKETS = 1.5
# Of recordings that were joined the first's last packet may reach into the second.
_OVERLAP_S = Fraction(1, 2)


@dataclass(slots=True)
class Heard:
    """One track, as its packets are read one by one. Times in ticks of its own time base."""

    time_base: Fraction
    longest: int = 0
    _stretches: list[list[int]] = field(default_factory=list)
    _lengths: Counter[int] = field(default_factory=Counter)
    _clock: Continuity = field(init=False)

    def __post_init__(self) -> None:
        self._clock = Continuity(self.time_base, slack_s=_OVERLAP_S)

    def see(self, packet: Packet[Any]) -> None:
        start, length = packet.pts, packet.duration or 0
        if start is None or not packet.size or packet.is_discard:
            return
        if not self._clock.goes_on(start):
            return
        self.longest = max(self.longest, length)
        self._lengths[length] += 1
        if self._stretches and start - self._stretches[-1][1] <= self.longest * _GAP_PACKETS:
            self._stretches[-1][1] = max(self._stretches[-1][1], start + length)
        else:
            self._stretches.append([start, start + length])

    @property
    def stretches_s(self) -> tuple[tuple[Fraction, Fraction], ...]:
        """By the container's clock."""
        return tuple(
            (start * self.time_base, end * self.time_base) for start, end in self._stretches
        )

    @property
    def packet_s(self) -> float:
        """The longest packet's length."""
        return float(self.longest * self.time_base)

    @property
    def usual_s(self) -> float:
        """How long most of its packets last."""
        ((length, _),) = self._lengths.most_common(1) or ((0, 0),)
        return float(length * self.time_base)
