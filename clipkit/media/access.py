"""Where in an upload decoding can begin, and what has to be decoded from there for its pictures. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from clipkit.media.upload import Upload

# More pictures than any is decoded earlier, or later, than it is shown (16 are kept at most).
_REORDERED = 64


@dataclass(frozen=True, slots=True)
class AccessPoint:
    """A picture that decoding can begin with: its place in the order of decoding, and when it would be
    shown, in ticks from the container's start, hidden as it may be by the upload's own edit list.

    `is_closed`: no picture that is decoded after it needs one from before it. Otherwise those shown before
    it may (leading pictures of an open group), and are no pictures if decoding begins here.
    """

    place: int
    tick: int
    is_closed: bool


def access_at_or_before(upload: Upload, time_s: Fraction) -> AccessPoint | None:
    """The last one shown by then; None where the first is later, or none is known."""
    return _point(upload, _behind(upload, time_s) - 1)


def access_after(upload: Upload, time_s: Fraction) -> AccessPoint | None:
    """The first one shown later than that; None where there is none."""
    return _point(upload, _behind(upload, time_s))


def _behind(upload: Upload, time_s: Fraction) -> int:
    """Their ticks ascend: each is shown later than all that was decoded before it."""
    tick = time_s // upload.time_base
    return bisect_right(upload.access_places, tick, key=upload.decoding_ticks.__getitem__)


def _point(upload: Upload, number: int) -> AccessPoint | None:
    if not 0 <= number < len(upload.access_places):
        return None
    place = upload.access_places[number]
    near = bisect_left(upload.closed_places, place)
    is_closed = upload.closed_places[near : near + 1] == (place,)
    return AccessPoint(place, upload.decoding_ticks[place], is_closed)


def place_behind(upload: Upload, from_place: int, end_tick: int) -> int:
    """The place behind the last picture that is shown before `end_tick`, of those decoded from there on.

    Places from `from_place` up to this one are what showing these pictures takes.
    """
    ticks, behind = upload.decoding_ticks, from_place
    # Behind the first access point that is too late come the pictures that are shown before it; behind
    # the next one those that are shown between the two, at the earliest.
    late = bisect_left(upload.access_places, end_tick, key=ticks.__getitem__)
    stop = upload.access_places[late + 1] if late + 1 < len(upload.access_places) else len(ticks)
    for place in range(from_place, stop):
        if ticks[place] < end_tick:
            behind = place + 1
    return behind


def tick_before(upload: Upload, point_tick: int) -> int | None:
    """When the last picture before that access point would be shown: one decoded before it, or a leading one."""
    number = bisect_left(upload.access_places, point_tick, key=upload.decoding_ticks.__getitem__)
    place = upload.access_places[number]
    near = upload.decoding_ticks[max(0, place - _REORDERED) : place + _REORDERED]
    return max((tick for tick in near if tick < point_tick), default=None)


def points_within(upload: Upload, taken: Sequence[int]) -> tuple[list[int], int]:
    """Of packets in the order of decoding, by when each would be shown, the numbers from 1 on of those at which decoding
    can begin with no picture shown before it to follow: players that seek to others stop at what they cannot decode.
    And how many others the container takes for such."""
    ticks, first, last = upload.decoding_ticks, min(taken), max(taken)
    places = upload.access_places
    near = (
        bisect_left(places, first, key=ticks.__getitem__),
        bisect_right(places, last, key=ticks.__getitem__),
    )
    points = {ticks[place] for place in places[slice(*near)]}
    keys_s, per_s = upload.key_frame_times_s, float(1 / upload.time_base)
    # Half a tick more, since these are rounded to binary numbers.
    within = slice(
        bisect_left(keys_s, (first - 0.5) / per_s), bisect_right(keys_s, (last + 0.5) / per_s)
    )
    marked = points | {round(key_s * per_s) for key_s in keys_s[within]}
    found: list[int] = []
    earliest, others = last + 1, 0
    for number in range(len(taken), 0, -1):
        tick = taken[number - 1]
        is_clean = tick < earliest
        earliest = min(tick, earliest)
        if tick in points and is_clean:
            found.append(number)
        others += tick in marked and not (tick in points and is_clean)
    return found[::-1], others
