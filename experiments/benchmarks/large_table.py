"""How long a table of 100,000 records takes to load, and its heat map to draw.

    python experiments/benchmarks/large_table.py [--keep FOLDER]

The records are invented: nothing is measured here but clipkit's own analysis.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from clipkit.format import MIB
from clipkit.records.campaign import open_campaign
from clipkit.records.record import Record
from clipkit.records.status import Status
from clipkit.report.exhibits.grid_charts import heat_maps
from clipkit.settings import PRESETS, Settings

RECORDS = 100_000
CONCURRENCY = range(1, 9)
THREADS = (1, 2, 3, 4, 6, 8, 12, 16)
CEILINGS_MB = (256, 512, 1024, 2048)
LOAD_S, DRAW_S = 3.0, 2.0
UPLOAD = "0" * 64

ONE = Record(
    run_id="", campaign="large-table", cell="", block=0, order=0, attempt=1, phase="grid",
    subject="clipkit", status=Status.OK, error=None, ceiling="cgroup1", host="",
    memory_limit_bytes=None, cpu_quota=2.0, reserve_bytes=0, usd_per_month=None,
    settings=Settings().used, command=None, upload_sha256=UPLOAD, width=1280, height=720, fps=25.0, codec="h264",
    bit_depth=8, gop_s=10.0, upload_s=60.0, clips=4, clip_s=2.0, clips_seed=1,
    clip_starts_s=(0.0, 15.0, 30.0, 45.0), clip_wall_s=(1.0,) * 4, clip_cpu_s=(0.9,) * 4,
    first_clip_s=1.0, orchestrator_cpu_s=0.05, ffmpeg_cpu_s=3.6, throttled_s=0.1,
    peak_shmem_bytes=0, peak_kernel_bytes=2 * MIB, oom_kills=0, output_bytes=2_400_000,
    started_utc="2025-01-02T03:04:05+00:00", clipkit_version="0", ffmpeg_version="invented",
    host_id="invented", load_before=0.1,
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description="Load and draw 100,000 invented records.")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the campaign there")
    kept: Path | None = parser.parse_args().keep
    if kept and kept.exists():
        parser.error(f"{kept} is there already: name a new folder")
    with tempfile.TemporaryDirectory() as temporary:
        folder = write(kept or Path(temporary) / "large-table")
        began_s = time.perf_counter()
        opened = open_campaign(folder)
        loaded_s = time.perf_counter()
        shown = heat_maps(opened)
        load_s, draw_s = loaded_s - began_s, time.perf_counter() - loaded_s
    cells, pictures = len(opened.cells), len(shown.shown)
    print(f"load  {len(opened.table)} records of {cells} cells: {load_s:.2f} s (target {LOAD_S} s)")
    print(f"draw  {pictures} heat map as SVG and PNG: {draw_s:.2f} s (target {DRAW_S} s)")
    sys.exit(load_s > LOAD_S or draw_s > DRAW_S)


def write(folder: Path) -> Path:
    """A campaign's folder of `RECORDS` invented records."""
    folder.mkdir(parents=True)
    with (folder / "runs.jsonl").open("w", encoding="utf-8") as runs:
        runs.writelines(json.dumps(record.to_row()) + "\n" for record in invented())
    (folder / "environment.json").write_text("{}", "utf-8")
    uploads = {"invented.mp4": {"sha256": UPLOAD}}
    (folder / "uploads.json").write_text(json.dumps(uploads), "utf-8")
    return folder


def invented() -> Iterator[Record]:
    """Block after block until there are enough."""
    combinations = list(itertools.product(CONCURRENCY, THREADS, PRESETS[:8], CEILINGS_MB))
    noise = np.random.default_rng(1).lognormal(0, 0.02, RECORDS)
    for order in range(RECORDS):
        block, index = divmod(order, len(combinations))
        concurrency, threads, preset, ceiling_mb = combinations[index]
        slowness = 1 + PRESETS.index(preset)
        need_mb = 12 + concurrency * 20 * slowness * (1 + threads / 8)
        settings = Settings(preset=preset, concurrency=concurrency, encoder_threads=threads).used
        record = replace(
            ONE, run_id=f"run-{order}", cell=f"cell-{index}", block=block, order=order,
            settings=settings, host=f"{ceiling_mb}M-2cpu", memory_limit_bytes=ceiling_mb * MIB,
        )  # fmt: skip
        if need_mb > ceiling_mb:
            yield replace(record, status=Status.OOM, oom_kills=1)
            continue
        wall_s = 4 * slowness * float(noise[order]) / min(2.0, concurrency * threads**0.5)
        clips_per_min = record.clips / wall_s * 60
        peak = int(need_mb * MIB)
        yield replace(record, wall_s=wall_s, clips_per_min=clips_per_min, peak_anon_bytes=peak)


if __name__ == "__main__":
    main()
