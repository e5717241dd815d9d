"""How fast frames follow each other, and whether evenly."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

# An interval is off when it differs from the median by 2 % and by more than timestamps in whole
# milliseconds (WebM, FLV) can make it: each end of it is rounded by up to half of one.
_OFF_SHARE = 0.02
_ROUNDING_S = 0.0011
# Constant uploads lose a frame here and there: among 29 real files those had at most 2 % of their
# intervals off, recordings with a variable rate 37 % or more. The limit lies well between.
_VFR_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class Pace:
    fps: float
    vfr: bool


def pace(times_s: Sequence[float], declared_fps: float | None) -> Pace:
    """The pace of frames at these ascending times.

    `declared_fps`, what the header says, is taken where the frames agree (it is exact where their
    rounded times are not). With a variable rate fps is the mean.
    """
    steps_s = [later - earlier for earlier, later in pairwise(times_s)]
    if not steps_s:
        return Pace(declared_fps or 25.0, vfr=False)  # a still: any rate shows it
    middle_s = statistics.median(steps_s)
    mean_fps = len(steps_s) / (times_s[-1] - times_s[0])
    tolerance_s = max(middle_s * _OFF_SHARE, _ROUNDING_S)
    off = sum(abs(step_s - middle_s) > tolerance_s for step_s in steps_s)
    if off > _VFR_SHARE * len(steps_s):
        return Pace(mean_fps, vfr=True)
    # A lost frame drags the mean down, a millisecond's rounding moves the median: both are
    # believed to within a few percent only.
    if declared_fps and abs(declared_fps * middle_s - 1) < 0.05:
        return Pace(declared_fps, vfr=False)
    return Pace(mean_fps, vfr=False)
