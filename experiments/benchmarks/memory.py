"""Measure the peak anonymous memory of one clip over frame sizes and settings, and fit the model.

    python experiments/benchmarks/memory.py [--quick | --framed]

Prints every measurement, the constants for `clipkit/model/memory.py`, and how far the model is off
on all sizes and on each that is left out of the fit. Uploads are the sample film, scaled. With `--framed`
clips are cropped and scaled, by each build: how many of the frames always held are as they are decoded,
what scaling costs in CPU, and how far both models are off.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import nnls

from clipkit import ffmpeg_builds
from clipkit.ceiling.base import Limits
from clipkit.ceiling.choose import open_ceiling
from clipkit.format import MIB
from clipkit.media.probe import probe_upload
from clipkit.media.sample import sample
from clipkit.media.upload import Upload
from clipkit.model.cpu import encoded_frame, work
from clipkit.model.memory import (
    FRAMES_EACH,
    FramesHeld,
    clip_anon_bytes,
    encoded_frame_bytes,
    frame_bytes,
    frames_held,
)
from clipkit.plan.clips import Clip, Job, frames_decoded_from
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
    cpu_s: float


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


FRAMED: tuple[tuple[int, dict[str, Any]], ...] = (
    (1080, {"scale_height": 480}),
    (1080, {"crop": "9:16"}),
    (1080, {"crop": "1:1", "scale_height": 720}),
    (2160, {"scale_height": 720}),
)
"""Lines of an upload, and what clips show of it."""


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
    return Point(upload, settings, whole - engine, execution.ffmpeg_cpu_s or 0.0)


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


def framed_points(build: str) -> list[tuple[Point, Point]]:
    """Each whole picture beside what is shown of it."""
    found = []
    for lines, shown in FRAMED:
        upload = probe_upload(sample(20, height=lines))
        for settings in (ONE, replace(ONE, preset="veryfast"), replace(ONE, decoder_threads=4)):
            whole = measure(upload, replace(settings, ffmpeg=build))
            part = measure(upload, replace(settings, ffmpeg=build, **shown))
            found.append((whole, part))
            tell(part)
    return found


def tell_framed(build: str) -> None:
    """The model's errors, and the two constants that are best on these points: by the bytes and the CPU seconds
    by which a picture that is smaller takes less than the whole one, so that the models' other errors
    do not count."""
    pairs = framed_points(build)
    decoded, scaled = [], []
    for whole, part in pairs:
        less = whole.anon_bytes - part.anon_bytes
        smaller = frame_bytes(whole.upload) - encoded_frame_bytes(part.upload, part.settings)
        held_frames = sum(n * x for n, x in zip(held(part), astuple(FRAMES_EACH), strict=True))
        decoder = part.settings.decoder_threads * FRAMES_EACH.decoder_threads
        decoded.append(held_frames - decoder - less / smaller)
        picture = part.upload.framing(part.settings.crop, part.settings.scale_height)
        print(
            f"  {part.upload.height}p to {picture.width}x{picture.height}: "
            f"always decoded {decoded[-1]:.2f} frames, CPU {part.cpu_s / whole.cpu_s:.2f} of the whole's "
            f"(model {_work(part) / _work(whole):.2f})"
        )
        if picture.is_scaled:
            scaled.append(part.cpu_s / whole.cpu_s - _work(part) / _work(whole))
    errors = [clip_anon_bytes(p.upload, p.settings) / p.anon_bytes - 1 for _, p in pairs]
    print(f"{build}: always decoded {np.median(decoded):.2f} frames (median)")
    print(f"{build}: memory off by {min(errors):+.0%} to {max(errors):+.0%}")
    print(
        f"{build}: CPU where scaled off by {min(scaled):+.2f} to {max(scaled):+.2f} of the whole's"
    )


def _work(point: Point) -> float:
    """A clip at the seek's key frame: as many frames decoded, more or less, as encoded."""
    upload, settings = point.upload, point.settings
    clip = Clip(2.0, CLIP_S)
    decoded = frames_decoded_from(Job(upload, (clip,)), clip, settings.seek)
    picture = upload.framing(settings.crop, settings.scale_height)
    return work(decoded, CLIP_S * upload.fps, encoded_frame(picture))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="threads only")
    parser.add_argument("--framed", action="store_true", help="cropped and scaled only")
    asked = parser.parse_args()
    if asked.framed:
        for build in ("bundled", "system"):
            tell_framed(build)
        return
    quick = asked.quick
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
