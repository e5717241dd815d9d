"""Uploads whose pictures change on the way: a clip's own first picture decides, not what is before it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from joining import CHANGES, X264, changing
from making import Make
from running import clipkit

from clipkit.ffmpeg_builds import FfmpegBuild

RED, BLUE, LIME, YELLOW = (255, 0, 0), (0, 0, 255), (0, 255, 0), (255, 255, 0)
# At this quality, after two conversions.
_TOLERANCE = 12


@dataclass(frozen=True)
class Made:
    """A clip, decoded."""

    entry: dict[str, Any]
    sizes: set[tuple[int, int]]
    aspect: Fraction
    matrix: int
    wide: bool
    pictures: list[np.ndarray[Any, Any]]


def cut(
    upload: Path, starts_s: tuple[float, ...], build: FfmpegBuild, out: Path, *words: str
) -> list[Made]:
    """A second from each of these starts."""
    listed = out.with_suffix(".csv")
    listed.write_text("start_s,duration_s\n" + "".join(f"{start_s},1\n" for start_s in starts_s))
    told = ("--clips", listed, "--ffmpeg", build.choice, "--crf", "5", "--json", *words)
    ran = clipkit("cut", upload, "--out", out, *told)
    assert ran.code == 0, ran.err
    return [made_of(entry) for entry in ran.json["clips"]]


def made_of(entry: dict[str, Any]) -> Made:
    with av.open(entry["file"]) as container:
        film = container.streams.video[0]
        frames = list(container.decode(film))
        return Made(
            entry,
            {(frame.width, frame.height) for frame in frames},
            film.sample_aspect_ratio or Fraction(1),
            frames[0].colorspace,
            frames[0].color_range == 2,
            [frame.to_ndarray(format="rgb24") for frame in frames],
        )


def assert_colours(made: Made) -> None:
    """The four flat colours are the same in every picture, whatever the upload's are coded by."""
    for picture in made.pictures:
        height, width = picture.shape[:2]
        places = [(1, 1, RED), (3, 1, BLUE), (1, 3, LIME), (3, 3, YELLOW)]
        for x, y, colour in places:
            seen = picture[height * y // 4, width * x // 4].astype(int)
            assert np.abs(seen - colour).max() <= _TOLERANCE, (x, y, seen)


@pytest.mark.parametrize("container", ["ts", "mp4", "mkv"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_clip_is_like_its_own_first_picture(
    change: str, container: str, make: Make, each_build: FfmpegBuild, tmp_path: Path
) -> None:
    """Across the change, and behind it, where decoding starts a second before the key frame in a transport
    stream, in the other part."""
    upload = changing(make, f"{change}.{container}", change)
    across, behind = cut(upload, (1.5, 2.2), each_build, tmp_path / "out")
    assert len(across.pictures) == 25
    assert across.sizes == {(160, 90)}
    assert across.aspect == 1
    assert not across.wide
    assert_colours(across)
    told = "; ".join(across.entry["changes"])
    assert ("made like the first" in told) == (
        change != "shape" or container == "ts"
    )  # of others the header says one shape for all
    assert behind.sizes == {(240, 136) if change == "size" else (160, 90)}
    assert behind.aspect == (Fraction(4, 3) if change == "shape" and container == "ts" else 1)
    assert behind.wide == (change == "range")
    if change == "matrix":
        assert behind.matrix == 5
    assert_colours(behind)
    assert behind.entry["changes"] == []


class TestTurnedAndScaled:
    def test_size_and_shape_are_those_of_the_picture_as_shown(
        self, make: Make, each_build: FfmpegBuild, tmp_path: Path
    ) -> None:
        flat = changing(make, "flat.mp4", "size")
        turned = make("turned.mp4", "-c", "copy", source=("-display_rotation", "90", "-i", flat))
        behind, across = cut(turned, (2.2, 1.5), each_build, tmp_path / "out")
        assert behind.sizes == {(136, 240)}
        assert across.sizes == {(90, 160)}

    def test_crop_and_scale_height_take_the_clips_own_picture(
        self, make: Make, each_build: FfmpegBuild, tmp_path: Path
    ) -> None:
        upload = changing(make, "size.ts", "size")
        words = ("--crop", "1:1", "--scale-height", "120")
        behind, across = cut(upload, (2.2, 1.5), each_build, tmp_path / "out", *words)
        assert behind.sizes == {(120, 120)}
        assert across.sizes == {(90, 90)}


def test_a_poster_is_one_picture(make: Make, each_build: FfmpegBuild, tmp_path: Path) -> None:
    upload = changing(make, "size.ts", "size")
    [made] = cut(upload, (1.5,), each_build, tmp_path / "out", "--poster")
    poster = Path(made.entry["file"]).with_suffix(".jpg").read_bytes()
    assert poster.count(b"\xff\xd8\xff") == 1


def test_a_clip_from_sdr_to_hdr_is_refused_in_one_line(make: Make, tmp_path: Path) -> None:
    pq = "colorspace=bt2020nc:color_primaries=bt2020:color_trc=smpte2084:range=tv"
    CHANGES["curve"] = ("format=yuv420p", f"format=yuv420p,setparams={pq}")
    try:
        upload = changing(make, "curve.mkv", "curve", X264)
    finally:
        del CHANGES["curve"]
    listed = tmp_path / "clips.csv"
    listed.write_text("start_s,duration_s\n1.5,1\n")
    ran = clipkit("cut", upload, "--out", tmp_path / "out", "--clips", listed)
    assert ran.code == 1
    assert "goes from SDR to PQ at 2.0" in ran.err
    assert len(ran.err.strip().splitlines()) == 1
    listed.write_text("start_s,duration_s\n0.5,1\n2.2,1\n")
    assert clipkit("cut", upload, "--out", tmp_path / "out", "--clips", listed).code == 0
