"""Which jobs are foretold: uploads of which no constant of the model knows, and settings drawn by their names."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from clipkit.ffmpeg_builds import locate
from clipkit.media.upload import Upload
from clipkit.plan.clips import Job, spread
from clipkit.plan.copyable import SAMPLE_ENTRIES
from clipkit.settings import Settings

CELLS_EACH = 3
FILMS = (
    "bbb_vp9_642x642.webm",
    "chrome_vp9_no_duration_vfr.webm",
    "fragmented_320x240.mp4",
    "hevc_open_gop_1080p.mp4",
    "long_1080p_lowbitrate.mp4",
    "screenrec_macos_vfr_3026x1386.mp4",
    "trailer_bbb.mp4",
)
_X264 = ("-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p")
MADE = {
    "made-mandelbrot.mp4": ("mandelbrot=size=1280x720:rate=25", (*_X264, "-g", "250")),
    "made-noise.mp4": (
        "testsrc2=size=640x480:rate=30,noise=alls=12:allf=t",
        (*_X264, "-g", "60", "-crf", "28"),
    ),
    "made-cells.mp4": (
        "life=size=480x270:rate=25:mold=10:ratio=0.3:life_color=#C83232:death_color=#3232C8:seed=7,scale=960:540:flags=neighbor",
        (*_X264, "-g", "100", "-bf", "0"),
    ),
}
_MADE_S = 20
_LARGE_PIXELS = 1_500_000
_PRESETS = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow")
_OF_LARGE = _PRESETS[:4]
_FRAMED: tuple[dict[str, Any], ...] = (
    {"scale_height": 240},
    {"crop": "9:16"},
    {"crop": "1:1", "scale_height": 180},
    {"scale_height": 120, "scaler": "zimg"},
)


def uploads(media: Path, folder: Path) -> Iterator[Path]:
    yield from (media / name for name in FILMS)
    folder.mkdir(parents=True, exist_ok=True)
    for name, (source, words) in MADE.items():
        target = folder / name
        if not target.exists():
            argv = [locate("bundled"), "-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i", source]
            part = target.with_name(f".part-{name}")
            subprocess.run([*argv, "-t", str(_MADE_S), *words, str(part)], check=True)
            part.rename(target)
        yield target


def drawn(upload: Upload, count: int) -> Iterator[tuple[Job, Settings]]:
    """One encoded whole, one framed, and one that copies where that can be."""
    chance = random.Random(f"41-{upload.name}")  # noqa: S311 (no secret)
    large = upload.width * upload.height > _LARGE_PIXELS
    length_s = min(1.0 if large else 2.0, upload.duration_s / 2.2)
    for number in range(count):
        told: dict[str, Any] = {
            "preset": chance.choice(_OF_LARGE if large else _PRESETS),
            "crf": chance.choice([18, 23, 23, 28]),
            "concurrency": chance.choice([1, 2, 3]),
            "encoder_threads": chance.choice([1, 1, 2]),
        }
        clips = 3
        if number == 1:
            told |= chance.choice([each for each in _FRAMED if _is_smaller(each, upload)])
        elif number == 2 and upload.codec in SAMPLE_ENTRIES:
            told["mode"] = chance.choice(["smart", "copy"] if upload.codec == "h264" else ["copy"])
            clips = 6 if told["mode"] == "smart" else 16
        yield spread(upload, clips, round(length_s, 3)), Settings(**told)


def _is_smaller(framing: dict[str, Any], upload: Upload) -> bool:
    """Where it asks for a size that the upload has, nothing would be scaled."""
    return "scale_height" not in framing or framing["scale_height"] < upload.height
