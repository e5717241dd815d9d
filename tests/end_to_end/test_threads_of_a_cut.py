"""Threads that a cut leaves open come from the CPU of its host: read from what x264 wrote that it used."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import looking
import pytest
from running import clipkit

from clipkit.ceiling.base import Ceiling
from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.model.held import encoder_threads_alone

JOB = ("--count", 2, "--length", 0.6)
OPEN = ("--encoder-threads", 0, "--decoder-threads", 0, "--filter-threads", 0)
ALLOWED = len(os.sched_getaffinity(0))


def used_by_x264(clip: dict[str, Any]) -> int:
    return int(looking.x264_options(Path(clip["file"]))["threads"])


def told_the_decoder(clip: dict[str, Any]) -> int:
    before_input = clip["argv"][: clip["argv"].index("-i")]
    return int(before_input[before_input.index("-threads") + 1])


def test_ffmpeg_itself_would_count_the_cores(
    small: Path, build: FfmpegBuild, real_ceiling: Callable[..., Ceiling], tmp_path: Path
) -> None:
    """What this is all about; 160x90 has rows for three threads."""
    clip = tmp_path / "clip.mp4"
    argv = [build.path, "-nostdin", "-v", "error", "-i", str(small), "-t", "1", str(clip)]
    subprocess.run(real_ceiling(cpus=0.5).wrap(argv), check=True)
    alone = min(3, encoder_threads_alone(ALLOWED))
    assert int(looking.x264_options(clip)["threads"]) == alone


@pytest.mark.parametrize("cpus", [0.5, 2])
@pytest.mark.parametrize("at_once", [1, 2])
def test_a_clip_gets_its_share_of_the_hosts_cpu(
    small: Path,
    real_ceiling: Callable[..., Ceiling],
    tmp_path: Path,
    cpus: float,
    at_once: int,
) -> None:
    real_ceiling()
    words = (*JOB, *OPEN, "--cpus", cpus, "--concurrency", at_once)
    ran = clipkit("cut", small, "--out", tmp_path / "out", *words, "--json")
    assert ran.code == 0, ran.err
    share = 2 if min(cpus, ALLOWED) == 2 and at_once == 1 else 1
    assert [used_by_x264(clip) for clip in ran.json["clips"]] == [share, share]
    assert [told_the_decoder(clip) for clip in ran.json["clips"]] == [share, share]
    assert ran.json["settings"]["encoder_threads"] == share


def test_a_number_that_was_asked_for_is_no_ones_to_change(
    small: Path, real_ceiling: Callable[..., Ceiling], tmp_path: Path
) -> None:
    real_ceiling()
    words = (*JOB, "--encoder-threads", 3, "--decoder-threads", 4, "--cpus", 0.5)
    ran = clipkit("cut", small, "--out", tmp_path / "out", *words, "--json")
    assert ran.code == 0, ran.err
    assert {used_by_x264(clip) for clip in ran.json["clips"]} == {3}
    assert {told_the_decoder(clip) for clip in ran.json["clips"]} == {4}


def test_without_a_host_it_is_the_cores_that_the_process_may_use(
    small: Path, tmp_path: Path
) -> None:
    words = ("cut", small, "--out", tmp_path / "out", *JOB, *OPEN, "--json")
    everywhere = clipkit(*words)
    assert everywhere.code == 0, everywhere.err
    assert {used_by_x264(clip) for clip in everywhere.json["clips"]} == {min(ALLOWED, 16)}
    core = str(min(os.sched_getaffinity(0)))
    argv = [sys.executable, "-m", "clipkit", *map(str, words), "--overwrite"]
    ran = subprocess.run(["taskset", "-c", core, *argv], capture_output=True, check=True)
    assert {used_by_x264(clip) for clip in json.loads(ran.stdout)["clips"]} == {1}


def test_without_a_host_the_quota_of_a_group_around_counts_too(
    small: Path, real_ceiling: Callable[..., Ceiling], tmp_path: Path
) -> None:
    argv = [sys.executable, "-m", "clipkit", "cut", small, "--out", tmp_path / "out"]
    words = map(str, [*argv, *JOB, *OPEN, "--json"])
    ran = subprocess.run(
        real_ceiling(cpus=0.6).wrap([*words]), capture_output=True, check=True, timeout=120
    )
    assert {used_by_x264(clip) for clip in json.loads(ran.stdout)["clips"]} == {1}


def test_a_head_of_mode_smart_gets_no_more(
    small: Path, real_ceiling: Callable[..., Ceiling], tmp_path: Path
) -> None:
    clips = tmp_path / "clips.csv"
    clips.write_text("start_s,duration_s\n0.4,2\n")
    real_ceiling()
    words = ("--clips", clips, "--mode", "smart", *OPEN, "--cpus", 0.5, "--json")
    ran = clipkit("cut", small, "--out", tmp_path / "out", *words)
    assert ran.code == 0, ran.err
    (clip,) = ran.json["clips"]
    assert 0 < clip["encoded_frames"] < clip["frames"]
    before_output = clip["argv"][clip["argv"].index("libx264") :]
    assert before_output[before_output.index("-threads") + 1] == "1"
