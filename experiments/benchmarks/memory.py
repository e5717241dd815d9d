"""Measure the peak anonymous memory of one clip over frame sizes and settings, and fit the model.

    python experiments/benchmarks/memory.py [--quick]

Prints every measurement, the constants for `clipkit/model/memory.py`, and how far the model is off
on all sizes and on each that is left out of the fit. Uploads are the sample film, scaled.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path

import numpy as np
from scipy.optimize import nnls

from clipkit import ffmpeg_builds
from clipkit.ceiling.base import Limits
from clipkit.ceiling.choose import open_ceiling
from clipkit.format import MIB
from clipkit.media.probe import probe_upload
from clipkit.media.sample import sample
from clipkit.media.upload import Upload
from clipkit.model.memory import FramesHeld, clip_anon_bytes, frame_bytes, frames_held
from clipkit.plan.clips import Clip, Job
from clipkit.plan.modes import tasks as tasks_of_mode
from clipkit.settings import Settings
from clipkit.trial.execute import Run, execute
from clipkit.trial.sampler import peak

CLIP_S = 4.0
HEIGHTS = (360, 720, 1080, 2160)
ONE = Settings()
COPY = Settings(mode="snap")


@dataclass(frozen=True)
class Point:
    upload: Upload
    settings: Settings
    anon_bytes: int


def cells(quick: bool) -> list[Settings]:
    threads = [
        ONE,
        replace(ONE, encoder_threads=2),
        replace(ONE, encoder_threads=4),
        replace(ONE, decoder_threads=2),
        replace(ONE, decoder_threads=4),
    ]
    presets = [replace(ONE, preset=name) for name in ("superfast", "veryfast", "fast", "medium")]
    lean = [replace(s, lookahead=0, mbtree=False) for s in presets[1:]]
    leaner = [replace(s, bframes=0, refs=1) for s in (*lean, presets[0])]
    both = [replace(presets[1], encoder_threads=4), replace(lean[0], encoder_threads=2)]
    return threads if quick else [*threads, *presets, *lean, *leaner, *both]


def measure(upload: Upload, settings: Settings) -> Point:
    """The ffmpeg's share: the ceiling's peak less what the engine alone holds."""
    job = Job(upload, (Clip(2.0, CLIP_S),))
    tasks = tasks_of_mode(job, settings, ffmpeg_builds.find_build(settings.ffmpeg))
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        run = Run(Path(folder), 1, 600.0, stop_on_failure=True)
        ceiling = open_ceiling(Limits(None, None))
        try:
            execution = execute(tasks, run, ceiling, lambda _event: None)
        finally:
            ceiling.close()
    if execution.clips[0].status != "ok":
        raise SystemExit(f"{settings.changed()}: {execution.clips[0].error}")
    whole = peak(execution.samples, "anon_bytes") or 0
    engine = min(s.anon_bytes for s in execution.samples if s.anon_bytes)
    return Point(upload, settings, whole - engine)


def fit(points: list[Point]) -> tuple[float, FramesHeld]:
    """Least squares of the relative error, no constant below 0."""
    rows = [[1.0, *(n * frame_bytes(p.upload) for n in held(p))] for p in points]
    weights = np.array([1 / p.anon_bytes for p in points])
    solution, _ = nnls(np.array(rows) * weights[:, None], np.ones(len(points)))
    return float(solution[0]), FramesHeld(*(float(x) for x in solution[1:]))


def held(point: Point) -> tuple[float, ...]:
    return astuple(frames_held(point.settings, 2))


def predict(base: float, each: FramesHeld, point: Point) -> float:
    frames = sum(n * x for n, x in zip(held(point), astuple(each), strict=True))
    return base + frames * frame_bytes(point.upload)


def spread(fitted: list[Point], checked: list[Point]) -> str:
    """The relative errors on `checked` of constants fitted on `fitted`."""
    constants = fit(fitted)
    errors = [predict(*constants, point) / point.anon_bytes - 1 for point in checked]
    return f"{min(errors):+.0%} to {max(errors):+.0%}"


def tell(point: Point) -> None:
    model = clip_anon_bytes(point.upload, point.settings) / MIB
    print(
        f"{point.upload.height:>5}p {point.anon_bytes / MIB:7.0f} MB (model {model:5.0f})  "
        f"{point.settings.changed() or 'defaults'}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="threads only")
    quick = parser.parse_args().quick
    points = []
    for height in HEIGHTS:
        upload = probe_upload(sample(20, height=height))
        tell(measure(upload, COPY))
        for settings in cells(quick):
            points.append(measure(upload, settings))
            tell(points[-1])
    base, each = fit(points)
    print(f"\nBASE_BYTES = {round(base):_}")
    for declared in fields(each):
        print(f"    {declared.name}={getattr(each, declared.name):.2f},")
    print(f"on all sizes: error {spread(points, points)}")
    for height in HEIGHTS:
        seen = [p for p in points if p.upload.height != height]
        left_out = [p for p in points if p.upload.height == height]
        print(f"left out {height}p: error {spread(seen, left_out)}")


if __name__ == "__main__":
    main()
