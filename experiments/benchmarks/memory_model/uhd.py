"""Twelve clips of a 4K upload at `veryfast` on 512 MB: by ffmpeg's own settings, and within the budget."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from points import STORED

from clipkit import ffmpeg_builds
from clipkit.ceiling.base import Limits
from clipkit.ceiling.choose import open_ceiling
from clipkit.format import MIB
from clipkit.hosts import Host
from clipkit.media.probe import probe_upload
from clipkit.media.sample import sample
from clipkit.plan.clips import Clip, Job, spread
from clipkit.settings import Settings
from clipkit.trial.cut import Order, cut_order

HOST = Host("512M", 512 * MIB, 2.0)
PRESET = "veryfast"
CLIPS, CLIP_S = 12, 2.0


def tell() -> None:
    job = spread(probe_upload(sample(30, height=2160)), CLIPS, CLIP_S)
    found = {"host": HOST.name, "preset": PRESET, "clip_s": CLIP_S}
    found["own"] = [_by_its_own_settings(job, clip) for clip in job.clips]
    found["budget"] = _within_the_budget(job)
    died = sum(end["killed"] for end in found["own"])
    right = sum(clip["status"] == "ok" for clip in found["budget"]["clips"])
    print(f"ffmpeg's own settings, one clip at a time: {died} of {CLIPS} were killed")
    print(
        f"within the budget: {right} of {CLIPS} are right; {found['budget']['clips'][0]['changes']}"
    )
    path = STORED.with_name("uhd.json")
    path.write_text(json.dumps(found, indent=1) + "\n", "utf-8")


def _by_its_own_settings(job: Job, clip: Clip) -> dict[str, Any]:
    """As a backend would start it that sets a preset and nothing else."""
    ffmpeg = ffmpeg_builds.locate("bundled")
    with (
        tempfile.TemporaryDirectory() as folder,
        open_ceiling(Limits(HOST.memory_bytes, HOST.cpus)) as held,
    ):
        argv = [
            ffmpeg,
            "-nostdin",
            "-v",
            "error",
            "-y",
            "-ss",
            str(clip.start_s),
            "-i",
            str(job.upload.path),
        ]
        argv += ["-t", str(clip.duration_s), "-c:v", "libx264", "-preset", PRESET, "-c:a", "copy"]
        ended = subprocess.run(
            held.wrap([*argv, f"{folder}/clip.mp4"]), capture_output=True, check=False
        )
        usage = held.usage()
    return {"start_s": clip.start_s, "exit": ended.returncode, "killed": usage.oom_kills > 0}


def _within_the_budget(job: Job) -> dict[str, Any]:
    settings = Settings(preset=PRESET, concurrency=3, encoder_threads=0, decoder_threads=0)
    build = ffmpeg_builds.find_build(settings.ffmpeg)
    with (
        tempfile.TemporaryDirectory() as folder,
        open_ceiling(Limits(HOST.memory_bytes, HOST.cpus)) as held,
    ):
        out = Path(folder, "clips")
        order = Order(job, settings, build, HOST, 0, out, 1800.0)
        manifest = cut_order(order, held, lambda _event: None)
    kept = ("status", "ffmpeg_version", "peak_anon_bytes", "peak_bound_bytes", "oom_kills", "notes")
    clips = [
        {
            name: clip[name]
            for name in ("start_s", "duration_s", "status", "changes", "frames", "cpu_s")
        }
        for clip in manifest["clips"]
    ]
    return {name: manifest[name] for name in kept} | {"clips": clips}
