"""How many pictures a decoder has to keep, by the stream's own word."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.media.probe import probe_upload
from clipkit.media.references import pictures_kept


@pytest.mark.parametrize(
    ("words", "ending", "kept"),
    [
        (("libx264", "-refs", "7", "-bf", "0"), "mp4", 7),
        (("libx264", "-refs", "1", "-bf", "0", "-profile:v", "baseline"), "mkv", 1),
        (("libx264", "-refs", "3", "-bf", "3", "-pix_fmt", "yuv444p10le"), "ts", 4),
        (("libx264", "-refs", "2", "-bf", "0", "-x264-params", "cqm=jvt"), "mov", 2),
        (("libx265", "-x265-params", "log-level=error:ref=2:bframes=0"), "mp4", 3),
        (("mpeg4",), "mp4", None),
    ],
)
def test_as_the_encoder_was_told(
    tmp_path: Path, build: FfmpegBuild, words: tuple[str, ...], ending: str, kept: int | None
) -> None:
    film = tmp_path / f"film.{ending}"
    source = ["-f", "lavfi", "-i", "testsrc2=size=192x108:rate=25:duration=1"]
    argv = [build.path, "-nostdin", "-v", "error", *source, "-c:v", *words, str(film)]
    subprocess.run(argv, check=True)
    found = probe_upload(film).pictures_kept
    assert found is None if kept is None else found in (kept, kept + 1)


@pytest.mark.parametrize(
    "unit", [b"", b"\x67", b"\x67\x64\x00", b"\x67" + b"\xff" * 3, b"\x42\x01\x01"]
)
def test_what_cannot_be_read_says_nothing(unit: bytes) -> None:
    assert pictures_kept("h264", [unit]) is None
    assert pictures_kept("hevc", [unit]) is None
