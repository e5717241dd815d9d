"""Which CRF of a preset makes files as large, or pictures as good, as today's: by a few real cuts. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise

from clipkit.media.picture import BYTES_ALIKE, VMAF_ALIKE, Picture

CRFS = (18, 23, 28, 33)
"""Of the usual range; beyond it the ends are drawn on."""
_FIRST = (23, 28)
_LOWEST, _HIGHEST = 0, 51
_STEPS = 3


@dataclass(frozen=True, slots=True)
class Matched:
    """The CRF at which a preset makes a picture like `by` says ("bytes", "vmaf"), as it was cut."""

    crf: int
    by: str
    picture: Picture


def crf_for(values: Mapping[int, float], target: float) -> float:
    """Where `values`, which fall as CRF rises, meet `target`: straight between two that were
    measured, and on beyond the ends by their slopes. A value that rises is taken for noise.

    Raises ValueError for fewer than two values.
    """
    crfs = sorted(values)
    if len(crfs) < 2:
        raise ValueError("a line needs two points")
    falling: list[float] = []
    for crf in crfs:
        falling.append(min(values[crf], falling[-1] if falling else math.inf))
    pieces = list(pairwise(zip(crfs, falling, strict=True)))
    sloping = [piece for piece in pieces if piece[0][1] > piece[1][1]]
    if not sloping:
        return float(crfs[-1])
    (low, high_value), (high, low_value) = next(
        (piece for piece in sloping if target >= piece[1][1]), sloping[-1]
    )
    met = low + (high_value - target) / (high_value - low_value) * (high - low)
    return min(float(_HIGHEST), max(float(_LOWEST), met))


def match_crfs(today: Picture, cut: Callable[[int], Picture]) -> tuple[Matched, ...]:
    """For one preset: the CRF with files no larger than today's, and the one that looks no worse.

    `cut` makes and measures the picture at a CRF; each is asked for once. Where the picture cannot be
    scored only bytes are matched. A match that no whole CRF gives is left out.
    """
    known: dict[int, Picture] = {}

    def picture_at(crf: int) -> Picture:
        if crf not in known:
            known[crf] = cut(crf)
        return known[crf]

    for crf in _FIRST:
        picture_at(crf)
    rules = [_BYTES] if today.vmaf is None else [_BYTES, _VMAF]
    if any(rule.value(known[_FIRST[0]]) < rule.value(today) for rule in rules):
        picture_at(CRFS[0])
    if any(rule.value(known[_FIRST[1]]) > rule.value(today) for rule in rules):
        picture_at(CRFS[-1])
    found = (_settle(rule, today, known, picture_at) for rule in rules)
    return tuple(match for match in found if match is not None)


@dataclass(frozen=True, slots=True)
class _Rule:
    """`value` falls as CRF rises; `holds(picture, today)`; `onward` is where to go while it does not."""

    by: str
    value: Callable[[Picture], float]
    holds: Callable[[Picture, Picture], bool]
    onward: int


_BYTES = _Rule(
    "bytes",
    lambda picture: math.log(picture.video_bytes),
    lambda picture, today: picture.video_bytes <= today.video_bytes * (1 + BYTES_ALIKE),
    onward=1,
)
_VMAF = _Rule(
    "vmaf",
    lambda picture: picture.vmaf or 0.0,
    lambda picture, today: (picture.vmaf or 0.0) >= (today.vmaf or 0.0) - VMAF_ALIKE,
    onward=-1,
)


def _settle(
    rule: _Rule,
    today: Picture,
    known: Mapping[int, Picture],
    picture_at: Callable[[int], Picture],
) -> Matched | None:
    """The nearest whole CRF, cut for real, and on by one while it breaks the rule."""
    values = {crf: rule.value(picture) for crf, picture in known.items()}
    crf = round(crf_for(values, rule.value(today)))
    for step in range(_STEPS):
        at = crf + step * rule.onward
        if not _LOWEST <= at <= _HIGHEST:
            return None
        picture = picture_at(at)
        if rule.holds(picture, today):
            return Matched(at, rule.by, picture)
    return None
