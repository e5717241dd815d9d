"""Whether a rate fell for good while it was read: where, and from what to what. Pure, and of the standard
library: whoever measures asks it too."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Sequence
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
    """`before`: geometric mean of all readings before, whatever they are of; `after`: that times the step;
    `at`: the place of the first reading that is known to be behind the fall."""

    before: float
    after: float
    at: int

    @property
    def ratio(self) -> float:
        return self.after / self.before


def fall_in(readings: Sequence[float], likes: Sequence[Hashable] = ()) -> Fall | None:
    """The one place at which the readings, in the order of time, fall the most surely; None where they do
    not, by a rule that does not know the place beforehand. Only readings of the same one of `likes` (none given:
    all) are compared: each has its own level, and what has its like on one side alone tells of no fall."""
    logs = [math.log(reading) for reading in readings if reading > 0]
    if len(logs) < len(readings) or len(logs) < 2 * _LEAST_SIDE:
        return None
    kinds: dict[Hashable, list[int]] = {}
    for place in range(len(logs)):
        kinds.setdefault(likes[place] if likes else None, []).append(place)
    free = len(logs) - len(kinds) - 1
    if free < 1:
        return None
    levelled, least = _levelled(logs, kinds.values()), _SURE * (1 + _FEW / free)
    places = _worth_a_look(levelled, kinds.values(), free, least)
    steps = {at: _step(levelled, kinds.values(), at, free) for at in places}
    # Of places between which nothing tells, the last: what is behind it is known to be.
    surest = max(places, key=lambda at: steps[at][1], default=0)
    step, sureness = steps.get(surest, (0.0, 0.0))
    if step > math.log(FALLEN) or sureness < least:
        return None
    before = fmean(logs[:surest])
    return Fall(math.exp(before), math.exp(before + step), surest)


def _levelled(values: Sequence[float], kinds: Iterable[Sequence[int]]) -> list[float]:
    """Less the mean of their kind."""
    found = list(values)
    for own in kinds:
        level = sum(values[place] for place in own) / len(own)
        for place in own:
            found[place] -= level
    return found


def _worth_a_look(
    levelled: Sequence[float], kinds: Iterable[Sequence[int]], free: int, least: float
) -> list[int]:
    """The places, from the last to the first, at which a fall is that sure if no neighbours correlate: few or
    none, and where they do it is less sure. From sums that grow from place to place, not from all readings."""
    kind_of = {place: own for own in map(tuple, kinds) for place in own}
    behind = dict.fromkeys(kind_of.values(), 0)
    total, fallen, weight = sum(each * each for each in levelled), 0.0, 0.0
    found = []
    for at in range(len(levelled) - 1, _LEAST_SIDE - 1, -1):
        own = kind_of[at]
        weight += 1 - (2 * behind[own] + 1) / len(own)
        behind[own] += 1
        fallen -= levelled[at]
        if at > len(levelled) - _LEAST_SIDE or weight < 1 / 4:  # one reading has half at least
            continue
        squares = max(0.0, total - fallen * fallen / weight)
        sd = max(_LEAST_SD, math.sqrt(squares / free))
        if fallen / (sd * math.sqrt(weight)) > least * (1 - 1e-6):
            found.append(at)
    return found


def _step(
    levelled: Sequence[float], kinds: Iterable[Sequence[int]], at: int, free: int
) -> tuple[float, float]:
    """By how much (as a logarithm) the readings from there on differ from their likes before, and by how many
    standard errors they lie below them: least squares with a level for each kind."""
    behind = _levelled([float(place >= at) for place in range(len(levelled))], kinds)
    weight = sum(each * each for each in behind)
    if min(sum(each < 0 for each in behind), sum(each > 0 for each in behind)) < _LEAST_SIDE:
        return 0.0, 0.0
    step = sum(one * other for one, other in zip(behind, levelled, strict=True)) / weight
    left = [log - step * each for each, log in zip(behind, levelled, strict=True)]
    squares = sum(each * each for each in left)
    alike = sum(one * next_ for one, next_ in pairwise(left)) / squares if squares else 0.0
    alike = min(_MOST_ALIKE, max(0.0, alike))
    sd = max(_LEAST_SD, math.sqrt(squares / free))
    return step, -step / (sd * math.sqrt((1 + alike) / (1 - alike) / weight))
