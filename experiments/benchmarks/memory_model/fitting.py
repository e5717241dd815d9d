"""The model's constants by least squares, and how far off they are on what they were not fitted on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean

import numpy as np
from points import Point
from scipy.optimize import nnls

from clipkit.model.memory import TERMS_EACH

_ROUNDS = 20
_AS_GOOD_AS_RIGHT = 0.02
_IN_BYTES = ("base", "sound", "scaling")


def fitted(points: Sequence[Point]) -> dict[str, float]:
    """The least sum of absolute relative errors, no constant below 0: least squares, again and again, each
    point weighed by how far off it was."""
    names = list(TERMS_EACH)
    rows = np.array([[p.terms.get(name, 0.0) / p.anon_bytes for name in names] for p in points])
    scale = np.where(rows.max(axis=0) > 0, rows.max(axis=0), 1.0)
    weights = np.ones(len(points))
    for _ in range(_ROUNDS):
        solution, _ = nnls(rows / scale * weights[:, None], weights)
        errors = np.abs(rows / scale @ solution - 1)
        weights = 1 / np.sqrt(np.maximum(errors, _AS_GOOD_AS_RIGHT))
    return dict(zip(names, map(float, solution / scale), strict=True))


def error_of(point: Point, constants: Mapping[str, float]) -> float:
    predicted = sum(constants[name] * held for name, held in point.terms.items())
    return predicted / point.anon_bytes - 1


def constants_lines(constants: Mapping[str, float]) -> list[str]:
    """As `clipkit/model/memory.py` has them."""
    return [
        f'    "{name}": {round(value / 1e4) * 10_000:_},'
        if name in _IN_BYTES
        else f'    "{name}": {value:.2f},'
        for name, value in constants.items()
    ]


def told(title: str, points: Sequence[Point], constants: Mapping[str, float]) -> str:
    """Mean error and extremes, and what share of uploads like these the largest one too low covers
    (Wilks 1941: with 95 % confidence; one upload counts once, with its worst setting)."""
    errors = [error_of(point, constants) for point in points]
    worst: dict[str, float] = {}
    for point, error in zip(points, errors, strict=True):
        worst[point.upload] = min(error, worst.get(point.upload, 0.0))
    under = max(-point_error / (1 + point_error) for point_error in worst.values())
    covers = 0.05 ** (1 / len(worst))
    return (
        f"{title}: {len(points)} clips of {len(worst)} uploads, mean error {fmean(map(abs, errors)):.1%}, "
        f"{min(errors):+.1%} to {max(errors):+.1%}; the least margin that holds for all is {under:.1%} "
        f"of what is predicted, which covers {covers:.1%} of uploads like these"
    )
