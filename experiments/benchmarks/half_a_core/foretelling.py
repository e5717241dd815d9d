"""From a calibration to seconds: how much each constant of the model is off for this upload here, and what of the quota
is used. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from running import Sat, Took
from scipy.optimize import least_squares

from clipkit.model.cpu_seconds import SECONDS_EACH
from clipkit.model.held import PRESETS

CONSTANTS = {**SECONDS_EACH, "clip": 0.01, "smart": 0.05, "job": 0.1}
"""Also what the engine takes for a clip, for one that is joined of parts, and for a job, its own start in it: rough, by
jobs of short clips of one film."""
QUOTA = 0.5
_NOISE = 0.04
"""Of a measured job, on logarithms, as are these doubts: of the machine and the upload in all; of each constant but for
that; of a preset beside the next one, which differ less than the pictures do."""
_ALL, _OWN, _NEXT = 0.5, 0.3, 0.1
_QUOTA_DOUBT, _ASIDE_DOUBT_S = 0.03, 0.2
"""Of how the quota is used, and of what passes by the clock beside it: the engine starts before the clock does."""
_ASIDE_S = -CONSTANTS["job"] / QUOTA


@dataclass(frozen=True, slots=True)
class Foretold:
    """`speeds`: of each constant by how much it is off; wall seconds are `aside_s` and the CPU's by `cores`."""

    speeds: Mapping[str, float]
    cores: float
    aside_s: float

    @classmethod
    def by(cls, sat: Sequence[Sat]) -> Foretold:
        speeds = _speeds(sat)
        jobs = [each.took for each in sat if each.took.wall_s]
        per_core, aside_s = _clock(jobs)
        return cls(speeds, 1 / per_core, aside_s)

    def wall(self, terms: Mapping[str, float]) -> Took:
        cpu_s = sum(CONSTANTS[name] * self.speeds[name] * n for name, n in terms.items())
        return Took(self.aside_s + cpu_s / self.cores, cpu_s)


def _speeds(sat: Sequence[Sat]) -> dict[str, float]:
    """The likeliest, where constants are as doubtful as said above."""
    names = [name for name in CONSTANTS if name not in PRESETS] + list(_CHAIN)
    size = 2 + len(names)

    def logs(x: NDArray[np.float64]) -> dict[str, float]:
        found = {name: x[0] + x[2 + n] for n, name in enumerate(names)}
        walked = x[0] + x[1]
        for name in _CHAIN:
            walked += x[2 + names.index(name)]
            found[name] = walked
        return found

    doubts = np.array([_ALL, _OWN, *(_NEXT if name in _CHAIN else _OWN for name in names)])

    def off(x: NDArray[np.float64]) -> NDArray[np.float64]:
        speed = {name: np.exp(each) for name, each in logs(x).items()}
        errors = [
            np.log(
                sum(CONSTANTS[name] * speed[name] * n for name, n in each.terms.items())
                / each.took.cpu_s
            )
            / _NOISE
            for each in sat
        ]
        return np.concatenate([errors, x / doubts])

    found = least_squares(off, np.zeros(size)).x
    return {name: float(np.exp(each)) for name, each in logs(found).items()}


_CHAIN = tuple(name for name in PRESETS if name in CONSTANTS)


def _clock(jobs: Sequence[Took]) -> tuple[float, float]:
    """By least squares, wall seconds for a CPU second, and those beside: a quota of half a core gives two unless more
    is measured."""
    rows = [[each.cpu_s / each.wall_s, 1 / each.wall_s] for each in jobs]
    weights = np.full(len(rows), 1 / _NOISE)
    usual = 1 / QUOTA
    rows += [[1.0, 0.0], [0.0, 1.0]]
    weights = np.append(weights, [1 / (usual * _QUOTA_DOUBT), 1 / _ASIDE_DOUBT_S])
    aims = np.array([*np.ones(len(jobs)), usual, _ASIDE_S])
    (per_core, aside_s), *_ = np.linalg.lstsq(
        np.array(rows) * weights[:, None], aims * weights, rcond=None
    )
    return float(per_core), float(aside_s)
