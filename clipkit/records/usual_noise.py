"""What repeats usually differ by, by class of host: what is known before anything was repeated. Pure.

The figures are those of the campaigns in git; `python experiments/benchmarks/statistics.py --fit`
prints them.
"""

from __future__ import annotations

import math

from clipkit.records.noise import Noise

_CLASSES = ((0.75, 0.090, 0.057), (1.5, 0.066, 0.051))
_LARGER = (0.060, 0.047)
"""CPU quota below which a host is of a class, and two standard deviations of a run's time there, on
logarithms: from its cell's mean, and from what a neighbour within 5 s has in common with it; of those
with more, or without a quota."""

LEVEL_FREEDOM = 4
"""How much these figures count for a machine that they were not measured on: as four repeats do. Machines
differ by more than three campaigns of one machine can show."""

CELL_FREEDOM = 8
"""How much the noise of a host counts for one of its cells (Smyth's d0): by the likelihood of the
campaigns in git, 4 to 20 for all of their hosts together."""

ENOUGH_CELLS = 20
"""From as many repeated cells on, a host's noise is known from its own campaign alone."""


def usual_noise(cpus: float | None) -> Noise:
    """Of a run on a host with that CPU quota; None: no quota."""
    return Noise(_class_of(cpus)[0], LEVEL_FREEDOM)


def usual_neighbour_noise(cpus: float | None) -> Noise:
    """Of a run beside one right before or after it: the machine's drift is common to both."""
    return Noise(_class_of(cpus)[1], LEVEL_FREEDOM)


def _class_of(cpus: float | None) -> tuple[float, float]:
    quota = math.inf if cpus is None else cpus
    return next(((run, pair) for below, run, pair in _CLASSES if quota < below), _LARGER)
