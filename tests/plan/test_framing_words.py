"""Crop and height in ffmpeg's words: what we write for a picture not known yet, and what commands say."""

from __future__ import annotations

import subprocess
from fractions import Fraction
from pathlib import Path

import av
import pytest
from making import Make

from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.media.geometry import Shape, framed
from clipkit.plan.framing_words import FramingWords, enlarges, framing_chain, read_framing
from clipkit.settings import Settings

ASKED = [
    Settings(crop=crop, scale_height=height)
    for crop in (None, "9:16", "1:1", "239:100", "20:30:11:5")
    for height in (None, 480, 24, 33)
]


@pytest.mark.parametrize("asked", ASKED, ids=repr)
def test_what_we_write_is_read_back(asked: Settings) -> None:
    chain = framing_chain(asked)
    if chain is None:
        assert asked == Settings()
        return
    height = asked.scale_height and asked.scale_height // 2 * 2
    assert read_framing(chain) == FramingWords(asked.crop, height, complete=True)


def test_an_odd_part_is_written_even() -> None:
    assert framing_chain(Settings(crop="101:99:3:5")) == "crop=100:98:3:5:exact=1"


@pytest.mark.parametrize("shape", [(64, 36, "1"), (36, 64, "1"), (60, 48, "16/11")], ids=str)
def test_what_we_write_comes_to_the_numbers_of_a_known_picture(
    shape: tuple[int, int, str], make: Make, each_build: FfmpegBuild, tmp_path: Path
) -> None:
    """Every chain in one run, each with an output of its own."""
    width, height, aspect = shape
    picture = f"testsrc2=size={width}x{height}:rate=25:duration=0.2,setsar={aspect}"
    film = make("film.mp4", source=("-f", "lavfi", "-i", picture))
    argv = [each_build.path, "-nostdin", "-v", "error", "-i", str(film)]
    for number, asked in enumerate(ASKED):
        chain = framing_chain(asked)
        argv += [*(["-vf", chain] if chain else []), str(tmp_path / f"{number}.mp4")]
    subprocess.run(argv, check=True, timeout=60)
    of = Shape(width, height, Fraction(aspect))
    for number, asked in enumerate(ASKED):
        expected = framed(of, asked.crop, asked.scale_height, film)
        with av.open(str(tmp_path / f"{number}.mp4")) as made:
            stream = made.streams.video[0]
            assert (stream.width, stream.height) == (expected.width, expected.height), asked


@pytest.mark.parametrize(
    ("chain", "crop", "scale_height"),
    [
        ("scale=-2:480", None, 480),
        ("scale=-1:480", None, 480),
        ("scale=-2:'min(480,ih)'", None, 480),
        (r"scale=-2:min(720\,ih)", None, 720),
        ("crop=608:1080:656:0", "608:1080:656:0", None),
        ("crop=ih*9/16:ih,scale=-2:720", "9:16", 720),
        ("crop=ih*9/16:ih, scale=-2:720", "9:16", 720),
        ("scale=-2:480,format=yuv420p,setsar=1", None, 480),
        ("format=yuv420p", None, None),
    ],
)
def test_what_a_command_says_in_our_terms(
    chain: str, crop: str | None, scale_height: int | None
) -> None:
    assert read_framing(chain) == FramingWords(crop, scale_height, complete=True)


@pytest.mark.parametrize(
    ("chain", "larger"),
    [
        ("scale=-2:480", True),
        ("scale=-2:360", False),
        ("scale=-2:'min(480,ih)'", False),
        (framing_chain(Settings(scale_height=480)), False),
        ("crop=300:200:0:0,scale=-2:240", True),
    ],
)
def test_a_height_that_enlarges_is_told_from_ours_which_does_not(chain: str, larger: bool) -> None:
    crop = read_framing(chain).crop
    assert enlarges(chain, framed(Shape(640, 360), crop, None, "film")) is larger


@pytest.mark.parametrize(
    "chain",
    [
        "hflip",
        "transpose=1,scale=-2:480",
        "scale=-2:480,crop=270:480:100:0",
        "scale=-2:480,scale=-2:240",
        "scale=854:480",
        "scale=-2:480:flags=lanczos",
        "crop=100:100",
        "crop=iw/2:ih/2",
        "crop=2*min(trunc(iw/2),round(trunc(ih/2)*9/16/sar)):2*min(trunc(ih/2),round(trunc(iw/2)*9/16*sar))",
        "",
    ],
)
def test_of_what_says_anything_else_nothing_is_known(chain: str) -> None:
    assert read_framing(chain) == FramingWords()
