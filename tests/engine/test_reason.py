"""The reason of a failure: of all that ffmpeg said, the line that explains."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from clipkit.engine.reason import reason
from clipkit.ffmpeg_builds import FfmpegBuild

ODD = ("-vf", "scale=159:89", "-pix_fmt", "yuv420p")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("-c:v", "none-such"), "Unknown encoder 'none-such'"),
        (ODD, "width not divisible by 2 (159x89)"),
        (("-vf", "setparams=color_trc=smpte2084,zscale=t=linear"), "no path between colorspaces"),
        (("-vf", "crop=999:3"), "Invalid too big or non positive size"),
        (("-vf", "none-such"), "No such filter: 'none-such'"),
        (("-map", "0:7"), "matches no streams"),
    ],
)
def test_of_a_real_ffmpeg_it_is_the_line_that_explains(
    options: tuple[str, ...], words: str, small: Path, each_build: FfmpegBuild, tmp_path: Path
) -> None:
    argv = [each_build.path, "-nostdin", "-v", "error", "-y", "-i", str(small), *options]
    done = subprocess.run(
        [*argv, str(tmp_path / "o.mp4")], capture_output=True, check=False, timeout=60
    )
    assert done.returncode != 0
    found = reason(done.stderr)
    assert found is not None
    assert words in found
    assert "@ 0x" not in found


def test_what_ffmpeg_bore_before_is_no_reason() -> None:
    said = (
        b"[h264 @ 0x55d0c0ffee00] error while decoding MB 3 4, bytestream -5\n"
        b"[h264 @ 0x55d0c0ffee00] Invalid NAL unit size (-1 > 551).\n"
        b"[Parsed_zscale_3 @ 0x55d0c0ffee11] code 3074: no path between colorspaces\n"
        b"    Last message repeated 1 times\n"
        b"[vf#0:0 @ 0x55d0c0ffee22] Error while filtering: Generic error in an external library\n"
        b"[out#0/mp4 @ 0x55d0c0ffee33] Nothing was written into output file, because at least\n"
        b"Conversion failed!\n"
    )
    assert reason(said) == "code 3074: no path between colorspaces"


def test_what_only_follows_from_a_reason_is_told_where_there_is_none() -> None:
    said = b"Error opening output files: Invalid argument\nConversion failed!\n"
    assert reason(said) == "Error opening output files: Invalid argument"


def test_where_nothing_was_said_there_is_no_reason() -> None:
    assert reason(b"") is None
    assert reason(b"\n  \nConversion failed!\n") is None


def test_it_is_one_line_of_printable_characters() -> None:
    assert reason(b"\x1b[31mbad\tname\xff\rnext\n") == "[31mbad name\N{REPLACEMENT CHARACTER}"
