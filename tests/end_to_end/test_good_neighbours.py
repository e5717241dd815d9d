"""A cut that leaves CPU to others: what is right stays right, and the share is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from running import clipkit

from clipkit.engine.mp4 import read_video_track


def manifest(film: Path, out: Path, *words: str) -> dict[str, Any]:
    asked = ["--count", "3", "--length", "1.5", "--concurrency", "2", *words]
    found: dict[str, Any] = clipkit("cut", film, "--out", out, *asked, "--json").json
    return found


def test_clips_that_are_stopped_for_moments_are_right_and_keep_to_their_share(
    tmp_path: Path, small: Path
):
    told = manifest(
        small,
        tmp_path / "slow",
        "--memory",
        "512M",
        "--cpus",
        "1",
        "--cpu-percent",
        "20",
        "--nice",
        "10",
        "--preset",
        "medium",
    )
    assert told["status"] == "ok"
    assert (told["settings"]["cpu_percent"], told["settings"]["nice"]) == (20, 10)
    frames = [read_video_track(Path(clip["file"])).frames_shown for clip in told["clips"]]
    assert frames == [clip["frames"] for clip in told["clips"]]
    clips_cpu_s = sum(clip["cpu_s"] for clip in told["clips"])
    assert clips_cpu_s / told["wall_s"] < 0.3


def test_of_a_host_without_a_quota_it_is_a_share_of_the_machines_cores(tmp_path: Path, small: Path):
    told = manifest(
        small,
        tmp_path / "out",
        "--cpu-percent",
        "10",
        "--ionice",
        "idle",
        "--cpu-scheduling",
        "idle",
    )
    assert [clip["status"] for clip in told["clips"]] == ["ok"] * 3
