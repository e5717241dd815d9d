"""Which clips of a job to run where not all fit into the budget. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence


def balanced_pairs(count: int) -> list[tuple[int, ...]]:
    """All indices in pairs that lie evenly around the middle, from the quarters outwards and
    inwards; of an odd count the middle one is left over and comes last, alone.

    Where a clip's time grows with its place in the film, the mean of such a pair is the mean of
    the job.
    """
    half, quarter = count // 2, count // 4
    lower = [quarter, *(index for index in range(half) if index != quarter)] if half else []
    alone = [(half,)] if count % 2 else []
    return [*((low, count - 1 - low) for low in lower), *alone]


def systematic(count: int, wanted: int, block: int) -> Sequence[int]:
    """`wanted` of `count` indices, evenly spread; successive blocks are shifted so that together
    they cover all (systematic sampling)."""
    if wanted >= count:
        return range(count)
    step = count / wanted
    # A shift by the golden ratio visits a step's places evenly, whatever the number of blocks.
    shift = (0.5 + block * 0.6180339887498949) % 1.0
    places = math.ceil(step)
    offset = int(shift * places)
    return sorted({min(count - 1, int(offset + rank * step) % count) for rank in range(wanted)})
