"""A 4K upload at `veryfast` on the host that people pay for, where ffmpeg's own settings die."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import looking
import pytest
from running import clipkit

from clipkit.ceiling.base import Ceiling
from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.format import MIB
from clipkit.media.sample import sample

CLIP_S = 1.2


@pytest.fixture(scope="module")
def uhd() -> Path:
    return sample(4, height=2160)


def test_by_ffmpegs_own_settings_it_is_killed(
    uhd: Path, build: FfmpegBuild, real_ceiling: Callable[..., Ceiling], tmp_path: Path
) -> None:
    ceiling = real_ceiling(memory_bytes=512 * MIB)
    argv = [build.path, "-nostdin", "-v", "error", "-i", str(uhd), "-t", str(CLIP_S)]
    argv += ["-c:v", "libx264", "-preset", "veryfast", str(tmp_path / "clip.mp4")]
    assert subprocess.run(ceiling.wrap(argv), check=False).returncode == -9
    assert ceiling.usage().oom_kills == 1


def test_within_the_budget_every_clip_is_right_and_says_what_it_gave_up(
    uhd: Path, real_ceiling: Callable[..., Ceiling], tmp_path: Path
) -> None:
    real_ceiling()
    words = ("--count", 2, "--length", CLIP_S, "--preset", "veryfast", "--concurrency", 3)
    threads = ("--encoder-threads", 0, "--decoder-threads", 0)
    ran = clipkit(
        "cut", uhd, "--out", tmp_path / "out", *words, *threads, "--memory", "512M", "--json"
    )
    assert ran.code == 0, ran.err
    assert ran.json["oom_kills"] == 0
    assert ran.json["peak_anon_bytes"] < 512 * MIB
    for clip in ran.json["clips"]:
        assert (clip["status"], clip["frames"]) == ("ok", 30)
        (change,) = clip["changes"]
        assert change.startswith("B-frames 3 to 0, lookahead 10 to 0")
        assert ": 512 MB leave 502 MB, one clip needs " in change
        used = looking.x264_options(Path(clip["file"]))
        assert (used["mbtree"], used["bframes"]) == ("0", "0")  # without it nothing looks ahead


def test_where_the_least_does_not_fit_nothing_is_begun_and_it_says_what_is_needed(
    uhd: Path, tmp_path: Path
) -> None:
    words = ("--count", 1, "--length", CLIP_S, "--preset", "veryfast", "--memory", "128M")
    ran = clipkit("cut", uhd, "--out", tmp_path / "out", *words)
    assert ran.code == 1
    assert "128 MB leave 118 MB for clips, and one needs " in ran.complaint
    assert "take a host of " in ran.complaint
    assert not (tmp_path / "out").exists()
