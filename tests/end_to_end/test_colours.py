"""Colours of a clip: HDR whose tags say little, RGB, pictures in unusual formats."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from making import Make
from running import Ran, clipkit

from clipkit.ffmpeg_builds import FfmpegBuild

Picture = np.ndarray[Any, Any]
Shown = Callable[[str, str, FfmpegBuild], tuple[av.VideoFrame, Picture]]

_FLAT = (
    "color=red:s=80x90:d=1:r=25,pad=160:90:0:0:blue,"
    "drawbox=0:45:80:45:lime:fill,drawbox=80:45:80:45:yellow:fill"
)
_SAID = "scale=out_color_matrix=bt709:out_range=limited,format=yuv444p"
_BT709 = "setparams=colorspace=bt709:color_primaries=bt709:color_trc=bt709:range=limited"
_HDR = {"pq": "smpte2084", "hlg": "arib-std-b67"}
_COLOURS = [(255, 0, 0), (0, 0, 255), (0, 255, 0), (255, 255, 0)]
_TOLERANCE = 12


def flat(make: Make, name: str, filters: str, *coding: str) -> Path:
    return make(name, "-vf", filters, *coding, source=("-f", "lavfi", "-i", _FLAT))


def hdr(make: Make, name: str, transfer: str, tags: str = "") -> Path:
    """Pictures of BT.2100, of which `tags` then say less, or another thing."""
    made = f"{_SAID},{_BT709},zscale=t={transfer}:p=2020:m=2020_ncl:npl=200,format=yuv420p10le"
    coding = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "5")
    return flat(make, name, f"{made},setparams={tags}" if tags else made, *coding)


def cut(upload: Path, build: FfmpegBuild, out: Path, *words: str) -> Ran:
    listed = out.with_suffix(".csv")
    listed.write_text("start_s,duration_s\n0.2,0.4\n")
    told = ("--clips", listed, "--ffmpeg", build.choice, "--crf", "5", "--json", *words)
    return clipkit("cut", upload, "--out", out, *told)


def first(ran: Ran) -> tuple[av.VideoFrame, Picture]:
    assert ran.code == 0, ran.err
    with av.open(ran.json["clips"][0]["file"]) as container:
        frame = next(container.decode(video=0))
        return frame, frame.to_ndarray(format="rgb24").astype(int)


def flat_colours(picture: Picture) -> Picture:
    height, width = picture.shape[:2]
    places = [(1, 1), (3, 1), (1, 3), (3, 3)]
    return np.array([picture[height * y // 4, width * x // 4] for x, y in places])


@pytest.fixture(scope="module")
def shown(make: Make, tmp_path_factory: pytest.TempPathFactory) -> Shown:
    """The first picture of a clip of an upload in that curve whose tags say that, or all; cut once."""

    @cache
    def picture(curve: str, tags: str, build: FfmpegBuild) -> tuple[av.VideoFrame, Picture]:
        upload = hdr(make, f"{curve}-{len(tags)}.mp4", _HDR[curve], tags)
        return first(cut(upload, build, tmp_path_factory.mktemp("shown") / "out"))

    return picture


class TestHdr:
    @pytest.mark.parametrize(
        "tags",
        [
            "color_primaries=unknown:colorspace=unknown",
            "color_primaries=unknown",
            "colorspace=unknown",
            "color_primaries=unknown:colorspace=unknown:range=unknown",
        ],
    )
    @pytest.mark.parametrize("curve", _HDR)
    def test_what_is_not_said_is_the_standards(
        self, curve: str, tags: str, each_build: FfmpegBuild, shown: Shown
    ) -> None:
        _, wanted = shown(curve, "", each_build)
        frame, found = shown(curve, tags, each_build)
        assert (frame.color_trc, frame.colorspace, frame.format.name) == (1, 1, "yuv420p")
        assert np.abs(flat_colours(found) - flat_colours(wanted)).max() <= 2

    @pytest.mark.parametrize("tags", ["", "color_primaries=unknown:colorspace=unknown"])
    @pytest.mark.parametrize("curve", _HDR)
    def test_kept_it_says_all_of_it(
        self, curve: str, tags: str, make: Make, each_build: FfmpegBuild, tmp_path: Path
    ) -> None:
        upload = hdr(make, f"kept-{curve}-{len(tags)}.mp4", _HDR[curve], tags)
        frame, _ = first(cut(upload, each_build, tmp_path / "out", "--hdr", "keep"))
        transfer = {"pq": 16, "hlg": 18}[curve]
        assert (frame.color_primaries, frame.color_trc, frame.colorspace) == (9, transfer, 9)
        assert frame.format.name == "yuv420p10le"

    def test_in_rgb_it_is_what_it_is_in_yuv(
        self, make: Make, each_build: FfmpegBuild, tmp_path: Path
    ) -> None:
        made = f"{_SAID},{_BT709},zscale=t=smpte2084:p=2020:m=gbr:r=full:npl=200,format=gbrp10le"
        in_rgb = flat(
            make, "rgb-pq.mkv", made, "-c:v", "libx265", "-x265-params", "log-level=0:crf=2"
        )
        whole = hdr(make, "pq.mp4", "smpte2084")
        for words in ((), ("--hdr", "keep")):
            out = tmp_path / "-".join(("out", *words))
            _, wanted = first(cut(whole, each_build, out.with_name(out.name + "1"), *words))
            frame, found = first(cut(in_rgb, each_build, out, *words))
            # Green of BT.709 lies at the edge of what is left where colours have half the pixels.
            assert np.abs(flat_colours(found) - flat_colours(wanted)).max() <= 2 * _TOLERANCE
            assert frame.colorspace == (9 if words else 1)

    def test_of_colours_that_nothing_here_reads_it_is_refused_in_one_line(
        self, make: Make, each_build: FfmpegBuild, tmp_path: Path
    ) -> None:
        upload = hdr(make, "constant.mp4", "smpte2084", "colorspace=bt2020c")
        ran = cut(upload, each_build, tmp_path / "out")
        assert ran.code == 1
        assert "matrix 10" in ran.err
        assert "--hdr keep" in ran.err
        assert len(ran.err.strip().splitlines()) == 1
        assert cut(upload, each_build, tmp_path / "kept", "--hdr", "keep").code == 0


@pytest.mark.parametrize(
    "made",
    [
        ("rgb.mp4", "format=rgb24", ("-c:v", "libx264rgb", "-preset", "ultrafast")),
        ("rgb.mkv", "format=gbrp", ("-c:v", "ffv1")),
        ("alpha.mov", "format=rgba", ("-c:v", "png")),
        ("palette.mov", "format=pal8", ("-c:v", "png")),
        ("rgb.avi", "format=bgr24", ("-c:v", "rawvideo")),
        ("444.mp4", f"{_SAID},{_BT709}", ("-c:v", "libx264")),
        ("422-10.mov", f"{_SAID},{_BT709},format=yuv422p10le", ("-c:v", "prores_ks")),
        ("alpha-yuv.mov", f"{_SAID},{_BT709},format=yuva444p10le", ("-c:v", "prores_ks")),
        ("full.mov", "format=yuvj444p", ("-c:v", "mjpeg", "-q:v", "2")),
    ],
    ids=lambda made: made[0],
)
def test_unusual_formats_keep_their_colours(
    made: tuple[str, str, tuple[str, ...]], make: Make, each_build: FfmpegBuild, tmp_path: Path
) -> None:
    name, filters, coding = made
    upload = flat(make, name, filters, *coding)
    frame, picture = first(cut(upload, each_build, tmp_path / "out"))
    assert frame.format.name in ("yuv420p", "yuvj420p")
    assert np.abs(flat_colours(picture) - np.array(_COLOURS)).max() <= _TOLERANCE
    if "rgb" in name or name in ("alpha.mov", "palette.mov"):  # as players take large ones to be
        assert (frame.color_primaries, frame.color_trc, frame.colorspace) == (1, 1, 1)
