"""One stream of a file, decoded from its first packet on, in stretches between which its clock jumps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.codec.context import Flags
from av.container.core import Flags as ContainerFlags
from av.stream import Stream
from frames import hear

_LEAP_S = 10
_BACK_S = Fraction(1, 2)


@dataclass(slots=True)
class Stretch:
    """What lies between two jumps of the clock, of one stream: what was decoded, from when to when."""

    first: Fraction
    end: Fraction
    found: list[tuple[Fraction, object]]


@dataclass(frozen=True, slots=True)
class Read:
    """One stream, decoded: its stretches, and what was noticed."""

    stretches: list[Stretch]
    damage: int
    disorder: int
    sars: set[Fraction]


@dataclass(frozen=True, slots=True)
class Reading:
    """How the streams of one file are read."""

    path: Path
    origin: Fraction
    leaps: bool
    until_s: float | None

    def heard(self, index: int) -> Read | None:
        """None where not one packet of the track can be decoded."""
        found = self.of(index, hear)
        return found if any(stretch.found for stretch in found.stretches) else None

    def of(self, index: int, look: Callable[[Any, Fraction | None], Any]) -> Read:
        """Every frame of a stream in the decoder's order, split where the clock jumps."""
        clock = _Clock(self.leaps)
        damage = 0
        sars: set[Fraction] = set()
        with av.logging.Capture(local=False) as told, av.open(f"file:{self.path}") as container:
            stream = container.streams[index]
            # No time is made up where a container has none of showing: a picture then is shown when it comes out
            # of the decoder.
            container.flags &= ~ContainerFlags.gen_pts.value
            # What other threads than Python's say of damage is not heard.
            stream.codec_context.thread_count = 1
            # Else a decoder cuts off at the left only what keeps its lines where a CPU likes them.
            stream.codec_context.flags |= Flags.unaligned
            step = _step(stream)
            # All that is played is read, as a player does: where a table lies, it matters.
            played = (*container.streams.video, *container.streams.audio)
            for packet in container.demux(*played):
                if packet.stream_index != index:
                    continue
                at = _time(packet, packet.dts, self.origin)
                ticks = packet.dts if packet.pts is None else packet.pts
                if packet.size and ticks is not None and not packet.is_discard:
                    start = _time(packet, ticks, self.origin)
                    end = start + (packet.duration or 0) * packet.time_base
                    clock.packet(start if at is None else at, start, end)
                if self.until_s is not None and clock.passed > self.until_s:
                    continue
                try:
                    frames = packet.decode()
                except av.FFmpegError:
                    damage += 1
                    continue
                for frame in frames:
                    # Neither upright nor lying: how that is shown is anyone's choice.
                    clock.disorder += getattr(frame, "rotation", 0) % 90 != 0
                    damage += bool(frame.is_corrupt)
                    shape = getattr(stream.codec_context, "sample_aspect_ratio", None)
                    sars.add(shape or Fraction(1))
                    when = frame.dts if frame.pts is None else frame.pts
                    clock.frame(_time(frame, when, self.origin), step, look(frame, shape))
        damage += sum(level <= av.logging.ERROR for level, _, _ in told)
        return Read(clock.ended(), damage, clock.disorder, sars)


def _time(of: object, ticks: int | None, origin: Fraction) -> Fraction | None:
    return None if ticks is None else ticks * of.time_base - origin  # type: ignore[attr-defined]


def _step(stream: Stream) -> Fraction:
    """What a frame without a time is taken to last."""
    rate = getattr(stream, "guessed_rate", None)
    return 1 / rate if rate else Fraction(1, 25)


class _Clock:
    """Splits a stream where its times go back by more than reordering does, or leap."""

    def __init__(self, leaps: bool) -> None:
        self.stretches: list[Stretch] = []
        self.disorder = 0
        self.passed = Fraction(0)  # by this clock, its jumps left out
        self._leaps = leaps
        self._ends: list[tuple[Fraction, Fraction]] = []
        self._last_decoded: Fraction | None = None
        self._last: Fraction | None = None

    def packet(self, decoded: Fraction, shown: Fraction, end: Fraction) -> None:
        """What is shown last tells a stretch's end: another's duration may be that of its decoding.

        What jumps is the time of decoding.
        """
        if self._last_decoded is None or self._jumps(self._last_decoded, decoded):
            self._ends.append((shown, end))
        else:
            self.passed += decoded - self._last_decoded
        self._ends[-1] = max(self._ends[-1], (shown, end))
        self._last_decoded = decoded

    def frame(self, at: Fraction | None, step: Fraction, found: object) -> None:
        if at is None:
            at = Fraction(0) if self._last is None else self._last + step
        if self._last is None or self._jumps(self._last, at):
            self.stretches.append(Stretch(at, at, []))
        elif at < self._last:
            self.disorder += 1
        stretch = self.stretches[-1]
        stretch.end = max(stretch.end, at)
        stretch.found.append((at, found))
        self._last = at

    def ended(self) -> list[Stretch]:
        for stretch, (_, end) in zip(self.stretches, self._ends, strict=False):
            stretch.end = max(stretch.end, end)
        return self.stretches

    def _jumps(self, last: Fraction, at: Fraction) -> bool:
        return at < last - _BACK_S or (self._leaps and at > last + _LEAP_S)
