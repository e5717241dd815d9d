"""An upload whose own parameters cut off something at the left: an older ffmpeg shows that, unless told otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from oracle import RIGHT, Asked, Oracle
from running import clipkit

from clipkit.ffmpeg_builds import FfmpegBuild


@pytest.mark.parametrize("mode", ["encode", "smart"])
def test_a_clip_shows_what_its_upload_shows(
    mode: str, make: Any, tmp_path: Path, each_build: FfmpegBuild
) -> None:
    whole = make("whole.mp4", "-c:v", "libx264", "-crf", "12", "-g", "25", "-c:a", "aac")
    crop = (
        "-c",
        "copy",
        "-bsf:v",
        "h264_metadata=crop_left=8:crop_right=4:crop_top=6:crop_bottom=2",
    )
    upload = make("cropped.mp4", *crop, source=("-i", str(whole)))
    listed = tmp_path / "clips.csv"
    listed.write_text("start_s,duration_s\n0.68,0.8\n")
    words = (
        "--mode",
        mode,
        "--ffmpeg",
        each_build.choice,
        "--crf",
        12,
        "--clips",
        listed,
        "--json",
    )
    ran = clipkit("cut", upload, "--out", tmp_path / "out", *words)
    assert ran.code == 0, ran.err
    (clip,) = ran.json["clips"]
    assert clip["mode"] == mode
    oracle = Oracle(upload)
    assert (oracle.films[0].pictures[0].width, oracle.films[0].pictures[0].height) == (148, 88)
    verdict = oracle.judge(Asked.of("0.68", "0.8"), Path(clip["file"]), None, mode, clip["changes"])
    assert verdict.outcome == RIGHT, str(verdict)
