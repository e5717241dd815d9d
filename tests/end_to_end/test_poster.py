"""`--poster`: a JPEG of each clip's first picture beside it, made while the clip is cut."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from making import Make
from numpy.typing import NDArray
from PIL import Image
from running import clipkit
from talk import encoding, engine, task

from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.plan.task import OUTPUT, POSTER

Pixels = NDArray[np.int32]
HD = "scale=out_color_matrix=bt709,format=yuv420p,setparams=colorspace=bt709:color_primaries=bt709:color_trc=bt709:range=tv"
PQ = "format=yuv420p10le,setparams=color_primaries=bt2020:color_trc=smpte2084:colorspace=bt2020nc"
SOURCE = ("-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25:duration=2")
SOUND = ("-f", "lavfi", "-i", "sine=duration=2")
X264 = ("-c:v", "libx264", "-g", "10", "-crf", "10")
FILMS: dict[str, tuple[str, ...]] = {
    "hd.mp4": (*X264, "-vf", HD),
    "full-range.mp4": (*X264, "-pix_fmt", "yuvj420p"),
    "sd.mp4": (*X264, "-pix_fmt", "yuv420p", "-colorspace", "smpte170m"),
}


@pytest.fixture
def film(make: Make, request: pytest.FixtureRequest) -> Path:
    return make(request.param, *FILMS[request.param], "-c:a", "aac", source=(*SOURCE, *SOUND))


def cut(upload: Path, out: Path, *words: str) -> list[dict[str, Any]]:
    listed = out.parent / "clips.csv"
    listed.write_text("start_s,duration_s\n0.2,0.4\n1.24,0.5\n")
    asked = ("--out", out, "--clips", listed, "--crf", "10", "--poster", "--json", *words)
    ran = clipkit("cut", upload, *asked)
    assert ran.code == 0, ran.err
    clips: list[dict[str, Any]] = ran.json["clips"]
    return clips


def jpeg(path: str | Path) -> Pixels:
    """As a browser shows it: by JFIF's own matrix."""
    with Image.open(path) as picture:
        assert picture.format == "JPEG"
        return np.asarray(picture.convert("RGB")).astype(np.int32)


def pictures(clip: str) -> list[Pixels]:
    """As a player shows them: by the matrix and range that they are tagged with."""
    with av.open(f"file:{clip}") as container:
        stream = container.streams.video[0]
        return [
            frame.reformat(format="rgb24", src_colorspace="DEFAULT").to_ndarray().astype(np.int32)
            if frame.colorspace != 1
            else frame.reformat(format="rgb24", src_colorspace="ITU709", dst_colorspace="ITU709")
            .to_ndarray()
            .astype(np.int32)
            for frame in container.decode(stream)
        ]


def apart(one: Pixels, other: Pixels) -> float:
    return float(np.abs(one - other).mean())


class TestThePicture:
    @pytest.mark.parametrize("film", FILMS, indirect=True)
    def test_is_the_clips_first_with_its_colours(
        self, film: Path, each_build: FfmpegBuild, tmp_path: Path
    ) -> None:
        for entry in cut(film, tmp_path / "out", "--ffmpeg", each_build.choice):
            poster, (first, *later) = jpeg(entry["poster"]), pictures(entry["file"])
            assert poster.shape == first.shape
            assert apart(poster, first) < 4
            assert abs(float((poster - first).mean())) < 0.7  # neither darker nor paler
            assert all(apart(poster, other) > apart(poster, first) for other in later[1:])
            assert Path(entry["poster"]) == Path(entry["file"]).with_suffix(".jpg")

    def test_is_cropped_scaled_and_turned_as_the_clip(
        self, make: Make, each_build: FfmpegBuild, tmp_path: Path
    ) -> None:
        upright = make("hd.mp4", *FILMS["hd.mp4"], "-c:a", "aac", source=(*SOURCE, *SOUND))
        turned = ("-display_rotation", "90", "-i", str(upright))
        film = make("turned.mp4", "-c", "copy", source=turned)
        words = ("--crop", "1:1", "--scale-height", "90", "--ffmpeg", each_build.choice)
        for entry in cut(film, tmp_path / "out", *words):
            poster, first = jpeg(entry["poster"]), pictures(entry["file"])[0]
            assert poster.shape == (90, 90, 3)
            assert apart(poster, first) < 8

    @pytest.mark.parametrize("kept", [(), ("--hdr", "keep")], ids=["mapped", "kept"])
    def test_of_hdr_is_tone_mapped_also_where_the_clip_is_not(
        self, kept: tuple[str, ...], make: Make, each_build: FfmpegBuild, tmp_path: Path
    ) -> None:
        coding = ("-c:v", "libx265", "-x265-params", "log-level=0:crf=10", "-vf", PQ)
        film = make("pq.mp4", *coding, source=SOURCE)
        chosen = ("--ffmpeg", each_build.choice)
        mapped = cut(film, tmp_path / "mapped", *chosen)
        for entry, beside in zip(cut(film, tmp_path / "out", *kept, *chosen), mapped, strict=True):
            assert apart(jpeg(entry["poster"]), pictures(beside["file"])[0]) < 5


class TestTheFile:
    def test_lies_beside_its_clip_and_nothing_else_does(self, small: Path, tmp_path: Path) -> None:
        out = tmp_path / "100%03d %d"
        entries = cut(small, out)
        names = sorted(path.name for path in out.iterdir())
        assert names == [
            "clip-001.jpg",
            "clip-001.mp4",
            "clip-002.jpg",
            "clip-002.mp4",
            "manifest.json",
        ]
        assert [Path(entry["poster"]).name for entry in entries] == names[:3:2]
        assert all(entry["poster"] in entry["argv"] for entry in entries)

    def test_goes_with_the_cut_that_replaces_its_own(self, small: Path, tmp_path: Path) -> None:
        cut(small, tmp_path / "out")
        ran = clipkit(
            "cut",
            small,
            "--out",
            tmp_path / "out",
            "--count",
            1,
            "--length",
            1,
            "--overwrite",
            "--json",
        )
        assert ran.code == 0, ran.err
        assert ran.json["clips"][0]["poster"] is None
        assert not list((tmp_path / "out").glob("*.jpg"))

    def test_what_is_copied_has_none(self, small: Path, tmp_path: Path) -> None:
        asked = ("--out", tmp_path / "out", "--count", 1, "--length", 1)
        ran = clipkit("cut", small, *asked, "--poster", "--mode", "snap")
        assert ran.code == 2
        assert (
            "--poster needs pictures that are decoded, and mode snap copies them" in ran.complaint
        )
        assert not (tmp_path / "out").exists()


class TestTheEngine:
    @pytest.mark.parametrize("frames", [5, 4], ids=["right", "wrong"])
    def test_a_poster_stays_with_a_right_clip_alone(
        self, frames: int, small: Path, build: FfmpegBuild, tmp_path: Path
    ) -> None:
        argv = encoding(build.path, small, "-frames:v", "5")
        asked = replace(
            task(1, [*argv, "-frames:v", "1", "-f", "mjpeg", POSTER], frames=frames),
            poster="clip-001.jpg",
        )
        with engine(tmp_path) as started:
            (clip,) = started.run([asked])
        there = sorted(path.name for path in (tmp_path / "out").iterdir())
        assert there == (["clip-001.jpg", "clip-001.mp4"] if frames == 5 else [])
        assert (clip["status"] == "ok") == (frames == 5)

    def test_a_clip_whose_poster_is_no_picture_is_not_right(
        self, small: Path, build: FfmpegBuild, tmp_path: Path
    ) -> None:
        script = (
            "import shutil,sys; shutil.copy(*sys.argv[1:3]); open(sys.argv[3],'wb').write(b'no')"
        )
        ready = tmp_path / "ready.mp4"
        made = [word.replace(OUTPUT, str(ready)) for word in encoding(build.path, small)]
        with engine(tmp_path) as started:
            copying = [sys.executable, "-c", script, str(ready), OUTPUT, POSTER]
            asked = replace(task(2, copying, frames=100), poster="clip-002.jpg")
            (_, clip) = started.run([task(1, made), asked])
        assert (clip["status"], clip["error"]) == ("failed", "it made no poster")
        assert not list((tmp_path / "out").iterdir())
