"""Films as users upload them, made of the sample: 11 s coded once, looped by copying, kept in the cache.

What x264 and x265 do by themselves: groups of pictures up to 250, B-frames, scene cuts. Threads are fixed, so that
a build makes the same bytes again.
"""

from __future__ import annotations

import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from clipkit.media.probe import probe_upload
from clipkit.media.sample import cache_root, find_sample

LENGTH_S, FPS = 600, 25
# Twice round the sample's own loop: room for a whole group of 250.
LOOP_FRAMES = 264
# Raised when the films come out differently.
_RECIPE = 1


@dataclass(frozen=True)
class Recipe:
    lines: int
    coding: tuple[str, ...]


_X264 = ("-c:v", "libx264")
_X265 = (
    "-c:v",
    "libx265",
    "-tag:v",
    "hvc1",
    "-x265-params",
    "log-level=error:pools=2:frame-threads=2",
)
RECIPES = {
    "x264-720p": Recipe(720, _X264),
    "x264-1080p": Recipe(1080, _X264),
    "x264-2160p": Recipe(2160, _X264),
    "x265-720p": Recipe(720, _X265),
}


def kept_folder() -> Path:
    return cache_root() / f"engine-benchmark-{_RECIPE}"


def film_named(name: str, ffmpeg: str) -> Path:
    """A sample, or one of RECIPES: from the cache, or made and put there."""
    if name not in RECIPES:
        return find_sample(name, Path.cwd())
    target = kept_folder() / f"{name}-{LENGTH_S}s.mp4"
    if not target.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".making-", dir=target.parent) as scratch:
            _made(RECIPES[name], ffmpeg, Path(scratch)).replace(target)
    return target


def _made(recipe: Recipe, ffmpeg: str, scratch: Path) -> Path:
    source = find_sample("sample-720p-600s", scratch)
    loop, made = scratch / "loop.mp4", scratch / "film.mp4"
    scale = f"scale=-2:{recipe.lines}:flags=bicubic"
    coding = (*recipe.coding, "-threads", "2", "-frames:v", str(LOOP_FRAMES))
    _run(ffmpeg, "-i", source, "-map", "0:v", "-vf", scale, *coding, loop)
    both = ("-stream_loop", "-1", "-i", loop, "-i", source, "-map", "0:v", "-map", "1:a")
    _run(ffmpeg, *both, "-t", LENGTH_S, "-c", "copy", *recipe.coding[2:4], made)
    film = probe_upload(made)
    # Copied by decoding order: a picture or two of what comes next is among them.
    if film.vfr or not 0 <= len(film.frame_times_s) - LENGTH_S * FPS <= 3:
        raise SystemExit(
            f"the film came out with {len(film.frame_times_s)} frames, "
            f"{'not ' if film.vfr else ''}at one pace: not what was to be made"
        )
    return made


def _run(ffmpeg: str, *words: str | int | Path) -> None:
    quiet = [ffmpeg, "-nostdin", "-v", "error", "-y"]
    exactly = ("-fflags", "+bitexact", "-flags:v", "+bitexact")
    subprocess.run(
        [*quiet, *map(str, words[:-1]), *exactly, str(words[-1])], check=True, timeout=3600
    )
