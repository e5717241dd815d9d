"""What x264's presets cost and give: bytes, VMAF and CPU at four CRFs, BD-rate, CPU at equal quality.

    python experiments/benchmarks/quality.py [UPLOAD] [--against PRESET]

At one CRF presets make different pictures, so neither their times nor their bytes compare there. BD-rate is
how many more bytes a preset takes at equal VMAF, the mean over the range that both reach (Bjontegaard, ITU-T
VCEG-M33, 2001; its integral over piecewise cubics that stay monotone). CPU seconds are of one thread a clip, for
each second of film. Five places of two seconds of twelve clips; a few minutes, and CPU seconds that mean little
on a busy machine.
"""

from __future__ import annotations

import argparse
import math
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scipy.interpolate import PchipInterpolator

from clipkit import ffmpeg_builds
from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.media.probe import probe_upload
from clipkit.media.quality import Quality
from clipkit.media.sample import find_sample
from clipkit.plan.clips import Job, spread
from clipkit.plan.subjects import Engine
from clipkit.settings import PRESETS, Settings
from clipkit.tables import Table
from clipkit.tuning.crf_search import CRFS
from clipkit.tuning.picture import Way, cut_picture, short_part
from clipkit.tuning.quality_question import PRESETS as CHOICES

LEVELS = (90.0, 95.0)


@dataclass(frozen=True)
class Point:
    """One preset at one CRF. Per second of film: kilobits of video and CPU seconds."""

    crf: int
    kbit_per_s: float
    cpu_per_s: float
    quality: Quality


def main() -> None:
    parser = argparse.ArgumentParser(description="Presets at equal bytes and at equal VMAF.")
    parser.add_argument("upload", nargs="?", default="sample", metavar="UPLOAD")
    parser.add_argument("--against", choices=CHOICES, default="veryfast", metavar="PRESET")
    asked = parser.parse_args()
    job = short_part(spread(probe_upload(find_sample(asked.upload)), 12, 12.0))
    build = ffmpeg_builds.find_build("bundled")
    found: dict[str, list[Point]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for preset in sorted({*CHOICES, asked.against}, key=PRESETS.index):
            found[preset] = [measured(job, preset, crf, build, Path(folder)) for crf in CRFS]
            print(f"{preset} is measured", flush=True)
    print_tables(found, asked.against)


def measured(job: Job, preset: str, crf: int, build: FfmpegBuild, folder: Path) -> Point:
    way = Way(Engine(), Settings(preset=preset, crf=crf, audio="none"))
    cut = cut_picture(job, way, build, folder)
    if cut.picture.quality is None:
        raise SystemExit(f"VMAF was not scored: {cut.picture.why}")
    film_s = sum(clip.duration_s for clip in job.clips)
    kbit_per_s = cut.picture.video_bytes * 8 / 1000 / film_s
    return Point(crf, kbit_per_s, cut.cpu_s / film_s, cut.picture.quality)


def print_tables(found: Mapping[str, Sequence[Point]], against: str) -> None:
    """Of the score's model and version, too: without them a VMAF says nothing."""
    quality = next(iter(found.values()))[0].quality
    print(f"\n{quality.model}, libvmaf {quality.libvmaf}, {quality.frames} frames\n")
    heads = ("preset", "CRF", "kbit/s", "VMAF", "5th percentile", "worst second", "CPU s per s")
    rows = [(preset, *_words(point)) for preset, points in found.items() for point in points]
    print("\n".join(Table(heads, tuple(rows)).lines()))
    heads = ("preset", f"BD-rate against {against}", *(f"CPU s at VMAF {at:g}" for at in LEVELS))
    summary = []
    for preset, points in found.items():
        rate = bd_rate(_curve(points), _curve(found[against]))
        cpu = [value_at({p.quality.mean: p.cpu_per_s for p in points}, level) for level in LEVELS]
        cpu_words = ("unknown" if value is None else f"{value:.3f}" for value in cpu)
        summary.append((preset, "unknown" if rate is None else f"{rate * 100:+.0f} %", *cpu_words))
    print("\n" + "\n".join(Table(heads, tuple(summary)).lines()))


def _words(point: Point) -> tuple[str, ...]:
    quality = point.quality
    scores = (f"{value:.1f}" for value in (quality.mean, quality.p5, quality.worst_second))
    return str(point.crf), f"{point.kbit_per_s:.0f}", *scores, f"{point.cpu_per_s:.3f}"


def _curve(points: Sequence[Point]) -> dict[float, float]:
    return {point.quality.mean: point.kbit_per_s for point in points}


def bd_rate(curve: Mapping[float, float], against: Mapping[float, float]) -> float | None:
    """Bytes more, as a share, at equal quality. Curves: quality -> rate. None: they do not overlap."""
    low, high = max(min(curve), min(against)), min(max(curve), max(against))
    if low >= high:
        return None
    ours, theirs = (
        float(_through({q: math.log(rate) for q, rate in each.items()}).integrate(low, high))
        for each in (curve, against)
    )
    return math.exp((ours - theirs) / (high - low)) - 1


def value_at(curve: Mapping[float, float], at: float) -> float | None:
    """None outside of what was measured."""
    if not min(curve) <= at <= max(curve):
        return None
    return float(_through(curve)(at))


def _through(curve: Mapping[float, float]) -> PchipInterpolator:
    qualities = sorted(curve)
    return PchipInterpolator(qualities, [curve[quality] for quality in qualities])


if __name__ == "__main__":
    main()
