"""What each thing that a clip can give up frees and costs, at three sizes and by two presets."""

from __future__ import annotations

from pathlib import Path

from points import Point, measured
from uploads import FITTED

from clipkit.format import MIB
from clipkit.media.probe import probe_upload
from clipkit.plan.ladder import rungs
from clipkit.settings import Settings

ASKED = (
    (720, "veryfast"),
    (720, "medium"),
    (1080, "veryfast"),
    (1080, "medium"),
    (2160, "veryfast"),
)
CLIP_S = 2.4
THREADS = 2
"""Of decoder and encoder each, before they are given up."""


def tell(folder: Path) -> None:
    """One step after the other, as `plan.ladder` takes them. CPU seconds: what threads cost is waiting."""
    print(
        "lines  preset    given up                       MB    frees   CPU s    costs   s for 100 MB"
    )
    for lines, preset in ASKED:
        (recipe,) = [r for r in FITTED if (r.kind, r.height, r.ending) == ("h264", lines, "mp4")]
        upload = probe_upload(recipe.made(folder))
        asked = Settings(preset=preset, encoder_threads=THREADS, decoder_threads=THREADS)
        before: Point | None = None
        for rung in rungs(asked, THREADS):
            point = measured("fit", upload, rung.settings, CLIP_S)
            print(_row(lines, preset, rung.change, point, before), flush=True)
            before = point


def _row(lines: int, preset: str, change: str | None, point: Point, before: Point | None) -> str:
    last = (change or "nothing").split(", ")[-1]
    row = f"{lines:>5}  {preset:<9} {last:<28} {point.anon_bytes / MIB:5.0f}"
    if before is None:
        return f"{row}          {point.cpu_s:7.2f}"
    frees = (before.anon_bytes - point.anon_bytes) / MIB
    costs = point.cpu_s - before.cpu_s
    each = f"{100 * costs / frees:+10.2f}" if frees >= 1 else "         -"
    return f"{row}  {frees:6.0f}  {point.cpu_s:7.2f}  {costs:+7.2f}  {each}"
