"""What repeats usually differ by, by class of host: what is known before anything was repeated. Pure.

The figures are those of the campaigns in git; `python experiments/benchmarks/statistics.py --fit`
prints them.
"""

from __future__ import annotations

import math

from clipkit.records.noise import Noise

_CLASSES = ((0.75, 0.090), (1.5, 0.065))
_LARGER = 0.060
"""CPU quota below which a host is of a class, and the standard deviation of a run's time there, on
logarithms; of those with more, or without a quota."""

_BESIDE, _BESIDE_FREEDOM = 0.8, 3
"""So much of that is left beside a neighbour within 5 s (0.63 to 0.85 in the campaigns in git), and how much
that counts. Less than 0.8 does not hold 95 % in pairs that take turns in which side comes first."""

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
    quota = math.inf if cpus is None else cpus
    log_sd = next((sd for below, sd in _CLASSES if quota < below), _LARGER)
    return Noise(log_sd, LEVEL_FREEDOM)


def usual_neighbour_noise(cpus: float | None) -> Noise:
    """Of a run beside one right before or after it: the machine's drift is common to both."""
    return Noise(_BESIDE * usual_noise(cpus).log_sd, _BESIDE_FREEDOM)
