"""CPU seconds of `clipkit/model/cpu_seconds.py`: clips of many uploads, each measured in turns with one of the upload's
own that calibrates it; the constants fitted, and checked on films that no part of the fit has seen."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from drawing import drawn
from numpy.typing import NDArray
from points import STORED, Point, measured
from scipy.optimize import least_squares
from variants import film_of

from clipkit.errors import ClipkitError
from clipkit.media.probe import probe_upload
from clipkit.model.cpu_seconds import SECONDS_EACH, Work, cpu_terms
from clipkit.settings import Settings

SECONDS = STORED.with_name("seconds.jsonl")
CALIBRATING = Settings()
CALIBRATING_S = 3.2
ROUNDS = 2
_SEED, _COUNT = 29, 4
_FOLDS = 8
_NOISE, _DOUBT = 0.08, 0.4
"""On logarithms: of a measurement here, and of a constant before anything was measured."""
_OFF = (0.05, 0.95)


@dataclass(frozen=True, slots=True)
class Cell:
    """One clip of an upload: what there is to do, the mean of what it took, and the same of the clip by which its upload
    is calibrated, the first of it or another."""

    film: str
    preset: str
    calibrating_preset: str
    terms: dict[str, float]
    cpu_s: float
    calibrating: dict[str, float]
    calibrating_s: float


def measure(folders: Sequence[Path], minutes: float, path: Path = SECONDS) -> None:
    """Adds what is not there yet: of each upload its calibrating clip and the drawn ones, in turns. The first line of a
    clip has its facts too."""
    known = {(row["upload"], row["cell"], row["round"]) for row in _rows(path)}
    until_s = time.monotonic() + 60 * minutes
    for film in sorted(file for folder in folders for file in folder.iterdir() if file.is_file()):
        try:
            upload = probe_upload(film)
        except ClipkitError as error:
            print(f"left out: {error}")
            continue
        pixels = upload.coded_width * upload.coded_height
        clips = [(CALIBRATING, CALIBRATING_S), *drawn(film.name, pixels, _SEED, _COUNT)]
        for turn in range(ROUNDS):
            for cell, (settings, clip_s) in enumerate(clips):
                if (film.name, cell, turn) in known:
                    continue
                if time.monotonic() > until_s:
                    print("the time is over; run it again to go on")
                    return
                try:
                    point = measured("seconds", upload, settings, clip_s)
                except SystemExit as refused:  # damaged there
                    print(f"left out: {refused}")
                    continue
                place = {"upload": film.name, "cell": cell, "round": turn}
                facts = {} if turn else point.to_json()
                told = {**facts, **place, "cpu_s": point.cpu_s}
                with path.open("a", encoding="utf-8") as lines:
                    lines.write(json.dumps(told, separators=(",", ":")) + "\n")


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    if path.exists():
        yield from map(json.loads, path.read_text("utf-8").splitlines())


def cells(path: Path = SECONDS) -> list[Cell]:
    """Each clip of an upload, calibrated by each other one of it."""
    took_s: dict[tuple[str, int], list[float]] = defaultdict(list)
    by_upload: dict[str, dict[int, Point]] = defaultdict(dict)
    for row in _rows(path):
        upload, cell = row["upload"], row.pop("cell")
        took_s[upload, cell].append(row["cpu_s"])
        if row.pop("round") == 0:
            by_upload[upload][cell] = Point.from_json(row)
    found = []
    for upload, points in by_upload.items():
        each = [(point, fmean(took_s[upload, cell])) for cell, point in sorted(points.items())]
        found += [
            Cell(
                film_of(upload),
                point.settings.preset,
                first.settings.preset,
                _terms(point),
                cpu_s,
                _terms(first),
                first_s,
            )
            for first, first_s in each
            for point, cpu_s in each
            if point is not first
        ]
    return found


def _terms(point: Point) -> dict[str, float]:
    work = Work(point.frames_decoded, point.frames, 0)
    sound_s = point.clip_s if point.pictures.with_sound else 0.0
    return cpu_terms(point.pictures, point.settings, work, sound_s)


def seconds_of(constants: dict[str, float], terms: dict[str, float]) -> float:
    return sum(constants[name] * amount for name, amount in terms.items())


def alone(constants: dict[str, float], cell: Cell) -> float:
    return seconds_of(constants, cell.terms)


def calibrated(constants: dict[str, float], cell: Cell) -> float:
    """By what the upload's own clip took of what was predicted for it."""
    scale = cell.calibrating_s / seconds_of(constants, cell.calibrating)
    return scale * seconds_of(constants, cell.terms)


def fitted(seen: Sequence[Cell]) -> dict[str, float]:
    """The constants by which the calibrated prediction is off least, no single cell counting much; on the level at
    which half of the uncalibrated ones are too high."""
    names = list(SECONDS_EACH)
    start = np.log([max(SECONDS_EACH[name], 1e-5) for name in names])

    def off(logs: NDArray[np.float64]) -> NDArray[np.float64]:
        constants = dict(zip(names, np.exp(logs), strict=True))
        errors = [np.log(calibrated(constants, cell) / cell.cpu_s) / _NOISE for cell in seen]
        return np.concatenate([errors, (logs - start) / _DOUBT])

    logs = least_squares(off, start, loss="soft_l1").x
    constants = dict(zip(names, map(float, np.exp(logs)), strict=True))
    level = np.median([cell.cpu_s / alone(constants, cell) for cell in seen])
    return {name: float(level) * value for name, value in constants.items()}


def tell(path: Path = SECONDS) -> None:
    """By the installed constants, which were fitted on the sample film alone, and by constants fitted here: each film's
    clips are predicted by those of the other films."""
    every = cells(path)
    print(repeats_told(path))
    print("installed:")
    _tell([(cell, SECONDS_EACH) for cell in every])
    films = sorted({cell.film for cell in every})
    held_out: list[tuple[Cell, dict[str, float]]] = []
    for fold in range(_FOLDS):
        left_out = set(films[fold::_FOLDS])
        constants = fitted([cell for cell in every if cell.film not in left_out])
        held_out += [(cell, constants) for cell in every if cell.film in left_out]
    print("fitted on the other films:")
    _tell(held_out)


def repeats_told(path: Path = SECONDS) -> str:
    took_s: dict[tuple[str, int], list[float]] = defaultdict(list)
    for row in _rows(path):
        took_s[row["upload"], row["cell"]].append(row["cpu_s"])
    more = [max(each) / min(each) - 1 for each in took_s.values() if len(each) > 1]
    return (
        f"{len(more)} clips were run more than once: the slowest run took up to {np.quantile(more, 0.9):.0%} more than the "
        "quickest in nine of ten"
    )


def _tell(predicted_by: Sequence[tuple[Cell, dict[str, float]]]) -> None:
    films = len({cell.film for cell, _ in predicted_by})
    clips = {(cell.film, cell.cpu_s): (cell, alone(by, cell)) for cell, by in predicted_by}
    print(_told(f"{len(clips)} clips of {films} films", list(clips.values())))
    for is_same, words in ((False, "another preset"), (True, "the same preset")):
        told = [
            (cell, calibrated(by, cell))
            for cell, by in predicted_by
            if (cell.preset == cell.calibrating_preset) == is_same
        ]
        print(_told(f"{len(told)} pairs, a clip by another of its upload and {words}", told))


def _told(title: str, told: Sequence[tuple[Cell, float]]) -> str:
    took = np.array([cell.cpu_s / predicted for cell, predicted in told])
    least, most = np.quantile(took, _OFF)
    tenth = np.mean(np.abs(1 / took - 1) < 0.1)
    return (
        f"{title}: nine in ten take {least:.2f} to {most:.2f} of what is predicted, the median {np.median(took):.2f}; "
        f"{tenth:.0%} are within 10 %"
    )
