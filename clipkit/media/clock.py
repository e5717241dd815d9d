"""Whether the clock of a stream goes on: it is set back where recordings were joined, or leaps."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from math import floor

# Broadcasts' containers: their clocks may leap by design. Elsewhere a long stand is a long stand.
_LEAPING = ("mpegts", "mpeg")
# What ffmpeg calls a leap (`dts_delta_threshold`); of pictures alone it may be a slide that stands.
_LEAP_S = 10
_SILENT_LEAP_S = 60
_EDGE_S = 1

Stretches = Iterable[tuple[Fraction, Fraction]]


@dataclass(slots=True)
class Continuity:
    """One stream, as its packets are read one by one. Times in ticks of its own time base: those of
    decoding, which ascend in every sound file, but for `slack_s`."""

    time_base: Fraction
    slack_s: Fraction = Fraction(0)
    back: tuple[int, int] | None = None
    _last: int | None = None
    _highest: int | None = None
    _leaps: list[tuple[int, int]] = field(default_factory=list)
    # The most ticks that are within: whole numbers, as a film has tens of thousands of packets.
    _slack: int = field(init=False)
    _leap: int = field(init=False)

    def __post_init__(self) -> None:
        self._slack, self._leap = (
            floor(self.slack_s / self.time_base),
            floor(_LEAP_S / self.time_base),
        )

    def goes_on(
        self, ticks: int | None, shown: int | None = None, key: bool = False, hidden: bool = False
    ) -> bool:
        """Whether a packet with that time belongs to what was read before: not behind a clock that was
        set back. One whose picture is `shown` later than all before it was not, though its decoding may
        begin before theirs ends, as where recordings were joined by their times. A true `key` frame always is:
        what Matroska does not store, times of decoding, ffmpeg makes up, and they ascend. One that an edit
        list has `hidden` tells nothing: where it shows several parts, each is led up to by some."""
        if self.back or ticks is None or hidden:
            return not self.back
        if key and shown is not None and self._highest is not None and shown < self._highest:
            self.back = (self._highest, shown)
            return False
        last, self._last = self._last, ticks
        later = shown is not None and self._highest is not None and shown > self._highest
        if shown is not None:
            self._highest = max(shown, self._highest if self._highest is not None else shown)
        if last is not None and last - ticks > self._slack and not later:
            self.back = (last, ticks)
            return False
        if last is not None and ticks - last > self._leap:
            self._leaps.append((last, ticks))
        return True

    def turn(self, container: str, sounds: list[Stretches]) -> tuple[int, int] | None:
        """From when to when it first leaps, and all sound with it, or else goes back."""
        leaps = self._leaps if container in _LEAPING else []
        return next((leap for leap in leaps if self._is_true(leap, sounds)), self.back)

    def _is_true(self, leap: tuple[int, int], sounds: list[Stretches]) -> bool:
        """With sound before and behind it, and none meanwhile."""
        low_s, high_s = (each * self.time_base for each in leap)
        if not sounds:
            return high_s - low_s > _SILENT_LEAP_S
        heard = [stretch for stretches in sounds for stretch in stretches]
        around = any(from_s < low_s for from_s, _ in heard) and any(to > high_s for _, to in heard)
        low_s, high_s = low_s + _EDGE_S, high_s - _EDGE_S
        return around and not any(from_s < high_s and to_s > low_s for from_s, to_s in heard)
