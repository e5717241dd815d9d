"""`crop` and `scale_height`: the right part of the picture as it is seen, in the right number of pixels."""

from __future__ import annotations

import json
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.video.frame import VideoFrame
from joining import changing
from making import Make
from numpy.typing import NDArray
from PIL import Image
from running import Ran, clipkit

from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.media.probe import probe_upload

Grey = NDArray[np.float32]
Box = tuple[int, int, int, int]
X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "5")
PQ = "format=yuv420p10le,setparams=color_primaries=bt2020:color_trc=smpte2084:colorspace=bt2020nc"
MADE: dict[str, tuple[str, ...]] = {
    "plain.mp4": X264,
    "odd.mp4": (*X264, "-vf", "scale=159:89,format=yuv444p"),
    "pal.mpg": ("-c:v", "mpeg2video", "-q:v", "2", "-vf", "scale=180:144,setdar=16/9"),
    "422.mov": ("-c:v", "prores_ks"),
    "pq.mp4": ("-c:v", "libx265", "-x265-params", "log-level=0:crf=10", "-vf", f"hue=s=0,{PQ}"),
}
SOURCE = ("-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25:duration=1")


@dataclass(frozen=True)
class Seen:
    """The first picture of a file, upright."""

    grey: Grey
    pixel_aspect: Fraction

    @property
    def size(self) -> tuple[int, int]:
        height, width = self.grey.shape
        return width, height


def first_picture(path: Path, at: int = 0) -> Seen:
    with av.open(f"file:{path}") as container:
        stream = container.streams.video[0]
        for number, frame in enumerate(container.decode(stream)):
            if number == at:
                grey = frame.reformat(format="gray").to_ndarray().astype(np.float32)
                turns = round(frame.rotation / 90)
                return Seen(np.rot90(grey, turns), stream.sample_aspect_ratio or Fraction(1))
    raise AssertionError(f"{path} has no picture {at}")


def part(source: Grey, box: Box, size: tuple[int, int]) -> Grey:
    """The box x, y, width, height of the picture, in that size: each pixel the mean of its area."""
    x, y, width, height = box
    cut = np.ascontiguousarray(source[y : y + height, x : x + width]).astype(np.uint8)
    frame = VideoFrame.from_ndarray(cut, "gray")
    return frame.reformat(*size, interpolation="AREA").to_ndarray().astype(np.float32)


def likeness(one: Grey, other: Grey) -> float:
    """1: the same picture, whatever became of its brightness."""
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


def assert_shows(clip: Seen, source: Seen, box: Box, size: tuple[int, int]) -> None:
    """Those pixels, and not those beside them."""
    assert clip.size == size
    x, y, width, height = box
    right = likeness(clip.grey, part(source.grey, box, size))
    assert right > 0.97
    whole_width, whole_height = source.size
    for dx, dy in ((-3, 0), (3, 0), (0, -3), (0, 3)):
        inside = 0 <= x + dx <= whole_width - width and 0 <= y + dy <= whole_height - height
        if inside:
            beside = part(source.grey, (x + dx, y + dy, width, height), size)
            assert likeness(clip.grey, beside) < right


def cut(upload: Path, out: Path, *words: str, code: int = 0) -> Ran:
    listed = out.with_suffix(".csv")
    listed.write_text("start_s,duration_s\n0.2,0.4\n")
    asked = ("--clips", listed, "--crf", "5", "--audio", "none", "--json")
    ran = clipkit("cut", upload, "--out", out, *asked, *words)
    assert ran.code == code, ran.err
    return ran


@pytest.fixture
def film(make: Make, request: pytest.FixtureRequest) -> Path:
    name: str = request.param
    if name == "turned.mp4":
        upright = make("plain.mp4", *X264, source=SOURCE)
        return make(name, "-c", "copy", source=("-display_rotation", "90", "-i", str(upright)))
    return make(name, *MADE[name], source=SOURCE)


SHOWN = [
    ("plain.mp4", "--crop 9:16", ((108, 0, 102, 180), (102, 180))),
    ("plain.mp4", "--crop 1:1 --scale-height 90", ((70, 0, 180, 180), (90, 90))),
    ("plain.mp4", "--scale-height 90", ((0, 0, 320, 180), (160, 90))),
    ("plain.mp4", "--scale-height 1080", ((0, 0, 320, 180), (320, 180))),
    ("plain.mp4", "--crop 101:61:31:17", ((31, 17, 100, 60), (100, 60))),
    ("plain.mp4", "--crop 200:160:120:20 --scale-height 81", ((120, 20, 200, 160), (100, 80))),
    ("turned.mp4", "--crop 1:1", ((0, 70, 180, 180), (180, 180))),
    ("turned.mp4", "--crop 180:100:0:220 --scale-height 50", ((0, 220, 180, 100), (90, 50))),
    ("turned.mp4", "--scale-height 160", ((0, 0, 180, 320), (90, 160))),
    ("odd.mp4", "--crop 1:1", ((34, 0, 88, 88), (88, 88))),
    ("odd.mp4", "--scale-height 44", ((0, 0, 158, 88), (80, 44))),
    ("pal.mpg", "--crop 1:1", ((38, 0, 102, 144), (102, 144))),
    ("pal.mpg", "--scale-height 72", ((0, 0, 180, 144), (90, 72))),
    ("422.mov", "--crop 9:16 --scale-height 90", ((108, 0, 102, 180), (52, 90))),
    ("pq.mp4", "--crop 1:1 --scale-height 90", ((70, 0, 180, 180), (90, 90))),
    ("pq.mp4", "--crop 1:1 --hdr keep", ((70, 0, 180, 180), (180, 180))),
]
BY_ZIMG = [
    (film, f"{words} --scaler zimg", shown) for film, words, shown in SHOWN if "height" in words
]


@pytest.mark.parametrize(("film", "words", "shown"), [*SHOWN, *BY_ZIMG], indirect=["film"])
def test_the_part_that_was_asked_for_is_shown(
    film: Path,
    words: str,
    shown: tuple[Box, tuple[int, int]],
    each_build: FfmpegBuild,
    tmp_path: Path,
) -> None:
    ran = cut(film, tmp_path / "out", *words.split(), "--ffmpeg", each_build.choice)
    (entry,) = ran.json["clips"]
    source, clip = first_picture(film, at=5), first_picture(Path(entry["file"]))
    assert_shows(clip, source, *shown)
    assert clip.pixel_aspect == source.pixel_aspect
    assert entry["frames"] == 10
    assert entry["status"] == "ok"


@pytest.mark.parametrize(
    ("start_s", "sizes"),
    [(1.5, (90, 90)), (2.2, (136, 136))],
    ids=["across the change", "behind it"],
)
def test_where_pictures_change_the_clips_own_first_one_is_cropped(
    start_s: float, sizes: tuple[int, int], make: Make, each_build: FfmpegBuild, tmp_path: Path
) -> None:
    """160x90, then 240x136: red and green to the left of blue and yellow."""
    film = changing(make, "size.mkv", "size")
    listed = tmp_path / "clips.csv"
    listed.write_text(f"start_s,duration_s\n{start_s},1\n")
    words = (
        "--clips",
        listed,
        "--crop",
        "1:1",
        "--poster",
        "--json",
        "--ffmpeg",
        each_build.choice,
    )
    ran = clipkit("cut", film, "--out", tmp_path / "out", *words)
    assert ran.code == 0, ran.err
    (entry,) = ran.json["clips"]
    with av.open(entry["file"]) as container:
        frames = [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]
    assert {frame.shape[::-1] for frame in frames} == {sizes}
    assert Image.open(entry["poster"]).size == sizes
    for frame in (frames[0], frames[-1]):  # the middle of the picture is the middle of the clip
        upper = frame[sizes[1] // 4].astype(int)
        assert np.argmax(np.abs(np.diff(upper))) == pytest.approx(sizes[0] / 2, abs=3)


@pytest.mark.parametrize("scaler", ["swscale", "zimg"])
def test_of_real_uploads(
    scaler: str,
    real_video: tuple[Path, dict[str, Any]],
    each_build: FfmpegBuild,
    tmp_path: Path,
) -> None:
    """The largest square in the middle, in 96 lines, whatever the upload is."""
    path, _ = real_video
    upload = probe_upload(path)
    listed = tmp_path / "clips.csv"
    listed.write_text("start_s,duration_s\n0.0,0.3\n")
    words = ("--crop", "1:1", "--scale-height", "96", "--audio", "none", "--crf", "10", "--json")
    words += ("--scaler", scaler)
    out = tmp_path / "out"
    ran = clipkit(
        "cut", path, "--out", out, "--clips", listed, *words, "--ffmpeg", each_build.choice
    )
    assert ran.code == 0, ran.err
    clip = first_picture(Path(ran.json["clips"][0]["file"]))
    width, height = clip.size
    lines = min(96, upload.height // 2 * 2, round(upload.width * upload.pixel_aspect))
    assert abs(height - lines) <= 2
    assert float(width * clip.pixel_aspect / height) == pytest.approx(1, abs=0.03)
    with av.open(f"file:{path}") as container:
        frame = next(container.decode(container.streams.video[0]))
        grey = frame.reformat(format="gray").to_ndarray().astype(np.float32)
        source = np.rot90(grey, round(frame.rotation / 90))
    if float(source.std()) < 8:
        return  # black: its size is all that it shows
    side = min(source.shape[1] * float(upload.pixel_aspect), source.shape[0])
    wide, high = round(side / float(upload.pixel_aspect)), round(side)
    box = ((source.shape[1] - wide) // 2, (source.shape[0] - high) // 2, wide, high)
    assert likeness(clip.grey, part(source, box, clip.size)) > 0.95


class TestRefusals:
    def test_a_part_outside_the_picture_is_told_with_the_size_of_that(
        self, small: Path, tmp_path: Path
    ) -> None:
        ran = cut(small, tmp_path / "out", "--crop", "100:90:61:0", code=1)
        assert "crop = '100:90:61:0' reaches outside the picture of" in ran.complaint
        assert f"{small}, which is 160x90 as shown" in ran.complaint
        assert not (tmp_path / "out").exists()

    @pytest.mark.parametrize("words", [("--crop", "1:1"), ("--scale-height", "48")])
    def test_what_is_copied_cannot_be_cropped_or_scaled(
        self, words: tuple[str, str], small: Path, tmp_path: Path
    ) -> None:
        ran = cut(small, tmp_path / "out", "--mode", "snap", *words, code=1)
        assert (
            "so crop needs mode encode" in ran.complaint or "so scale_height needs" in ran.complaint
        )
        assert not (tmp_path / "out").exists()

    def test_a_crop_that_is_none_is_told_with_what_is_one(
        self, small: Path, tmp_path: Path
    ) -> None:
        ran = cut(small, tmp_path / "out", "--crop", "wide", code=2)
        assert ran.complaint.startswith(
            "clipkit: crop = 'wide' is not legal; legal are: a shape such as"
        )


def test_the_settings_of_a_config_crop_too(small: Path, tmp_path: Path) -> None:
    config = tmp_path / "clipkit.toml"
    config.write_text('[settings]\ncrop = "1:1"\nscale_height = 48\n')
    ran = cut(small, tmp_path / "out", "--config", str(config))
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text("utf-8"))
    assert manifest["settings"]["crop"] == "1:1"
    assert manifest["settings"]["scale_height"] == 48
    assert first_picture(Path(ran.json["clips"][0]["file"])).size == (48, 48)
