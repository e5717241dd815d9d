"""Whether a rate fell for good while it was read: where, and from what to what. Pure, and of the standard
library: whoever measures asks it too."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean

FALLEN = 0.85
"""A rate that is at most so much of what it was has fallen: by more than repeats differ."""

_SURE, _FEW = 6.0, 6.0
"""Standard errors of many readings, and how much more it takes of few, which say little of their noise. Of
invented series without a fall, of neighbours that correlate and with heavy tails, at most one in a thousand is told
to have one; of those that fall to 0.7 or less in the middle of eight readings or more all are, where the noise is
that of a quota (up to 0.013); at 0.06 it takes forty (`tests/records/test_falling.py`)."""
_LEAST_SIDE = 3
"""Readings before the fall and behind it: of fewer nobody knows how much they differ."""
_LEAST_SD, _MOST_ALIKE = 0.02, 0.8
"""Readings that agree by chance differ by this; neighbours that correlate count for less, up to a limit."""


@dataclass(frozen=True, slots=True)
class Fall:
    """`before` and `after`: geometric means; `at`: the place of the first reading behind the fall."""

    before: float
    after: float
    at: int

    @property
    def ratio(self) -> float:
        return self.after / self.before


def fall_in(readings: Sequence[float]) -> Fall | None:
    """The one place at which the readings, in the order of time, fall the most surely; None where they do
    not, by a rule that does not know the place beforehand."""
    logs = [math.log(reading) for reading in readings if reading > 0]
    if len(logs) < len(readings) or len(logs) < 2 * _LEAST_SIDE:
        return None
    places = range(_LEAST_SIDE, len(logs) - _LEAST_SIDE + 1)
    surest = max(places, key=lambda at: _sureness(logs, at))
    before, after = fmean(logs[:surest]), fmean(logs[surest:])
    needed = _SURE * (1 + _FEW / (len(logs) - 2))
    if after - before > math.log(FALLEN) or _sureness(logs, surest) < needed:
        return None
    return Fall(math.exp(before), math.exp(after), surest)


def _sureness(logs: Sequence[float], at: int) -> float:
    """By how many standard errors the readings from there on lie below those before."""
    before, after = fmean(logs[:at]), fmean(logs[at:])
    left = [log - before for log in logs[:at]] + [log - after for log in logs[at:]]
    squares = sum(each * each for each in left)
    alike = sum(one * next_ for one, next_ in pairwise(left)) / squares if squares else 0.0
    alike = min(_MOST_ALIKE, max(0.0, alike))
    sd = max(_LEAST_SD, math.sqrt(squares / (len(logs) - 2)))
    error = sd * math.sqrt((1 / at + 1 / (len(logs) - at)) * (1 + alike) / (1 - alike))
    return (before - after) / error
