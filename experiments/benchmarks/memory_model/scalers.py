"""Memory of `scaler = zimg`, each clip beside the same one by swscale, by both builds: is it what the model reckons?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

from points import STORED, Point, measured
from uploads import CHECKED, FITTED

from clipkit.media.probe import probe_upload
from clipkit.model.memory import MARGIN
from clipkit.settings import ZIMG, Settings

BY_ZIMG = STORED.with_name("zimg.jsonl")
FILMS = (
    *(("h264", width) for width in (960, 1280, 1920, 3840, 720, 1080)),
    *(("h264-plain", 640), ("hevc-10", 1920), ("vp9", 1920)),
)
FRAMINGS: tuple[dict[str, Any], ...] = (
    {"scale_height": 480},
    {"scale_height": 240},
    {"scale_height": 360, "crop": "9:16"},
)
_CLIP_S = 3.2


def measure(folder: Path, path: Path = BY_ZIMG) -> None:
    """Adds what is not there yet: of each clip by zimg its point, and the bytes of the one by swscale."""
    folder.mkdir(parents=True, exist_ok=True)
    known = {Point.from_json(row).key for _, row in _rows(path)}
    for recipe in (each for each in (*FITTED, *CHECKED) if (each.kind, each.width) in FILMS):
        upload = probe_upload(recipe.made(folder))
        for plain in _settings():
            settings = replace(plain, scaler=ZIMG)
            if (plain.scale_height or 0) >= upload.height:
                continue  # it would not be made smaller
            if Point.key_of(upload.name, settings, _CLIP_S) in known:
                continue
            usual = measured("zimg", upload, plain, _CLIP_S)
            point = measured("zimg", upload, settings, _CLIP_S)
            _store(point, usual.anon_bytes, path)


def _settings() -> Iterator[Settings]:
    for framing in FRAMINGS:
        for build in ("bundled", "system"):
            yield Settings(ffmpeg=build, **framing)
    yield Settings(filter_threads=2, **FRAMINGS[0])


def _store(point: Point, usual_bytes: int, path: Path) -> None:
    told = {**point.to_json(), "swscale_bytes": usual_bytes}
    with path.open("a", encoding="utf-8") as lines:
        lines.write(json.dumps(told, separators=(",", ":")) + "\n")


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    if path.exists():
        for row in map(json.loads, path.read_text("utf-8").splitlines()):
            yield row.pop("swscale_bytes"), row


def told(path: Path = BY_ZIMG) -> str:
    """More than swscale, and how far the model is off that knows of swscale alone."""
    pairs = [(usual, Point.from_json(row)) for usual, row in _rows(path)]
    more = [point.anon_bytes / usual - 1 for usual, point in pairs]
    errors = [point.error for _, point in pairs]
    films = len({point.upload for _, point in pairs})
    low = [point.anon_bytes / point.predicted_bytes - 1 for _, point in pairs]
    usual_low = max(usual / point.predicted_bytes - 1 for usual, point in pairs)
    beyond = [point for (_, point), each in zip(pairs, low, strict=True) if each > MARGIN]
    where = ", ".join(sorted({f"{point.upload}, {point.settings.ffmpeg}" for point in beyond}))
    return (
        f"{len(pairs)} clips of {films} uploads by zimg: {min(more):+.1%} to {max(more):+.1%} beside swscale, "
        f"{fmean(more):+.1%} on average; the model is off by {fmean(map(abs, errors)):.1%} on average, "
        f"{min(errors):+.1%} to {max(errors):+.1%}, and {max(low):.1%} of what it predicts too low at most (by swscale "
        f"{usual_low:.1%}); beyond the margin of {MARGIN:.0%}: {len(beyond)} ({where})"
    )
