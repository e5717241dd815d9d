"""From when to when a sound track is heard: in stretches, by its packets, until its clock is set back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from typing import Any

from av.packet import Packet

from clipkit.media.clock import Continuity

# Each packet of a track lasts as long as the others. An MP4 has no other way to say that some are lost than
# that the one before them lasts until they are over.
_ALIKE = ("aac", "ac3", "alac", "eac3", "mp2", "mp3")
_LATE = 1.5
# Where lengths are what times say, more than so much of one between packets is one that is lost, or several:
# a recorder's first may come up to half of one late.
_LOST = 0.75
# In ticks, of which Matroska has a thousand a second: a time, or a length.
_ROUNDED = 1
# Where lengths are not what times say, or not all have a time, less than this between packets is no gap.
_GAP_PACKETS = 1.5
# Of recordings that were joined the first's last packet may reach into the second.
_OVERLAP_S = Fraction(1, 2)


@dataclass(slots=True)
class _Run:
    """Packets that follow each other. `last`: when the latest starts; `follows`: whether it is known what comes
    before: not where packets have no time, or are hidden by an edit list."""

    start: int
    last: int
    end: int
    follows: bool


@dataclass(slots=True)
class Heard:
    """One track, as its packets are read one by one. Times in ticks of its own time base."""

    time_base: Fraction
    codec: str
    longest: int = 0
    _runs: list[_Run] = field(default_factory=list)
    _lengths: Counter[int] = field(default_factory=Counter)
    _steps: Counter[int] = field(default_factory=Counter)
    _shortest_step: int = 0
    _follows: bool = True
    _clock: Continuity = field(init=False)

    def __post_init__(self) -> None:
        self._clock = Continuity(self.time_base, slack_s=_OVERLAP_S)

    def see(self, packet: Packet[Any]) -> None:
        self._see(packet.pts, self._length(packet), bool(packet.size) and not packet.is_discard)

    def see_all(self, starts: Sequence[int], lengths: Sequence[int], shown: Sequence[bool]) -> None:
        """The same of many packets, which each begin then, last so long, and are shown or not."""
        for start, length, is_shown in zip(starts, lengths, shown, strict=True):
            self._see(start, length, is_shown)

    def see_alike(self, start: int, length: int, count: int) -> None:
        """The same of packets that each begin when the one before is over."""
        for number in range(min(count, 2)):
            self._see(start + number * length, length, is_shown=True)
        if count > 2 and self._runs and not self._clock.back:
            self._lengths[length] += count - 2
            self._steps[length] += count - 2
            run = self._runs[-1]
            run.last, run.end = start + (count - 1) * length, start + count * length

    def _see(self, start: int | None, length: int, is_shown: bool) -> None:
        if start is None or not is_shown:
            self._follows = False
            return
        if not self._clock.goes_on(start):
            return
        self.longest = max(self.longest, length)
        self._lengths[length] += 1
        if not self._runs or self._is_late(start, self._runs[-1]):
            self._runs.append(_Run(start, start, start + length, self._follows))
        else:
            run = self._runs[-1]
            run.last, run.end = max(run.last, start), max(run.end, start + length)
        self._follows = True

    def _length(self, packet: Packet[Any]) -> int:
        """In an MP4 the packet before lost ones lasts until they are over: Opus says itself how long it is."""
        told_s = opus_packet_s(bytes(packet)) if self.codec == "opus" else None
        return packet.duration or 0 if told_s is None else round(told_s / self.time_base)

    def _is_late(self, start: int, run: _Run) -> bool:
        """Whether there may be a gap before it; whether there is one is known when all packets are."""
        step = start - run.last
        if step <= 0:
            return False
        is_longer = self.codec in _ALIKE and step > _LATE * self._shortest_step
        self._steps[step] += 1
        self._shortest_step = min(step, self._shortest_step or step)
        return not self._follows or is_longer or start > run.end + _ROUNDED

    @property
    def stretches_s(self) -> tuple[tuple[Fraction, Fraction], ...]:
        """By the container's clock."""
        step, length = _most_common(self._steps), self._usual
        unsaid = 0 if self.longest else length
        found = [[run.start, run.end + unsaid] for run in self._runs[:1]]
        for before, run in pairwise(self._runs):
            is_alike = run.follows and self.codec in _ALIKE
            gone = before.last + step if is_alike else before.end
            is_told = is_alike or (run.follows and abs(step - length) <= _ROUNDED)
            most = max(step * _LOST, 2 * _ROUNDED) if is_told else self.longest * _GAP_PACKETS
            if run.start - gone > most:
                found[-1][1] = gone
                found.append([run.start, run.end + unsaid])
            else:
                found[-1][1] = max(found[-1][1], run.end + unsaid)
        return tuple((start * self.time_base, end * self.time_base) for start, end in found)

    @property
    def packet_s(self) -> float:
        """The longest packet's length."""
        return float((self.longest or self._usual) * self.time_base)

    @property
    def usual_s(self) -> float:
        """How long most of its packets last."""
        return float(self._usual * self.time_base)

    @property
    def _usual(self) -> int:
        """Where they do not say, as long as most are apart."""
        return _most_common(self._lengths) or _most_common(self._steps)


def opus_packet_s(content: bytes) -> Fraction | None:
    """How long a packet of Opus lasts, by its first bytes (RFC 6716, 3.1); None where it cannot be told."""
    if len(content) < 2:
        return None
    kind, frames = content[0] >> 3, content[0] & 3
    if kind < 12:
        each_ms = Fraction((10, 20, 40, 60)[kind % 4])
    elif kind < 16:
        each_ms = Fraction((10, 20)[kind % 2])
    else:
        each_ms = Fraction((5, 10, 20, 40)[kind % 4], 2)
    count = (1, 2, 2, content[1] & 63)[frames]
    return count * each_ms / 1000


def _most_common(numbers: Counter[int]) -> int:
    ((number, _),) = numbers.most_common(1) or ((0, 0),)
    return number
