"""Damaged uploads: a decoder conceals what it cannot read and ffmpeg ends well; such a clip is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import kinds
import looking
import pytest
from making import Make
from running import Ran, clipkit

from clipkit.ffmpeg_builds import FfmpegBuild

_CODINGS = {
    "h264.mp4": ("-c:v", "libx264", "-preset", "veryfast", "-g", "50", "-bf", "0", "-an"),
    "mpeg2.mkv": ("-c:v", "mpeg2video", "-g", "50", "-q:v", "4", "-an"),
    "mpeg4.mp4": ("-c:v", "mpeg4", "-g", "50", "-q:v", "4", "-an"),
    "prores.mov": ("-c:v", "prores_ks", "-an"),
}
_PICTURE = ("-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25:duration=6")


def damaged(make: Make, name: str, packet: int, path: Path) -> Path:
    """The second half of one packet's bytes is gone; at 2.4 s where it is the 60th."""
    honest = make(name, *_CODINGS[name], source=_PICTURE)
    content = bytearray(honest.read_bytes())
    with av.open(str(honest)) as container:
        found = [p for p in container.demux(video=0) if p.size][packet]
    assert found.pos is not None
    half = found.pos + found.size // 2
    content[half : found.pos + found.size] = bytes(found.pos + found.size - half)
    path.write_bytes(content)
    return path


def cut(upload: Path, build: FfmpegBuild, out: Path, *clips: tuple[float, float]) -> Ran:
    listed = out.with_suffix(".csv")
    listed.write_text("start_s,duration_s\n" + "".join(f"{a},{b}\n" for a, b in clips))
    told = ("--clips", listed, "--ffmpeg", build.choice, "--preset", "ultrafast", "--json")
    return clipkit("cut", upload, "--out", out, *told)


def status(ran: Ran) -> list[str]:
    return [clip["status"] for clip in ran.json["clips"]]


@pytest.mark.parametrize("name", _CODINGS)
def test_what_is_damaged_is_refused_with_the_decoders_reason_and_the_rest_is_cut(
    name: str, make: Make, each_build: FfmpegBuild, tmp_path: Path
) -> None:
    upload = damaged(make, name, 60, tmp_path / name)
    ran = cut(upload, each_build, tmp_path / "out", (0.4, 0.6), (2.2, 0.6), (4.2, 0.6))
    assert ran.code == 1
    assert status(ran) == ["ok", "failed", "ok"]
    error = ran.json["clips"][1]["error"]
    assert error.startswith("the upload is damaged in this clip or near it")
    assert len(ran.err.strip().splitlines()) == 1
    assert not (tmp_path / "out" / "clip-002.mp4").exists()
    assert looking.pictures(tmp_path / "out" / "clip-003.mp4").count == 15


def test_damage_between_the_key_frame_and_the_clip_is_in_the_clip_too(
    make: Make, each_build: FfmpegBuild, tmp_path: Path
) -> None:
    """The damaged picture, at 2.4 s, is not shown; all that follow up to the next key frame are made of it."""
    upload = damaged(make, "h264.mp4", 60, tmp_path / "film.mp4")
    ran = cut(upload, each_build, tmp_path / "out", (3.0, 0.4))
    assert ran.code == 1
    assert "error while decoding MB" in ran.err
    assert not list((tmp_path / "out").glob("*.mp4"))


def test_a_packet_that_gives_no_picture_is_damage_too(
    media: Path, each_build: FfmpegBuild, tmp_path: Path
) -> None:
    upload = media / "corrupted.mp4"
    ran = cut(upload, each_build, tmp_path / "out", (0.4, 0.6), (2.8, 0.6), (3.2, 0.4))
    assert status(ran) == ["ok", "failed", "failed"]
    assert "Invalid NAL unit size" in ran.json["clips"][1]["error"]


_X265 = ("-c:v", "libx265", "-preset", "veryfast", "-x265-params", "log-level=0:keyint=25")


def test_pictures_made_of_one_whose_packet_was_lost_are_damaged_and_the_rest_is_cut(
    make: Make, each_build: FfmpegBuild, tmp_path: Path
) -> None:
    """At about 1.4 s; the next key frame is at 2 s. ffmpeg 5.1 shows something instead, 9.0 nothing."""
    whole = make("hevc.mkv", *_X265, "-an", source=_PICTURE)
    upload = tmp_path / "lost.mkv"
    kinds.ffmpeg("-i", whole, "-c", "copy", "-bsf:v", "noise=drop='eq(n,36)'", upload)
    ran = cut(upload, each_build, tmp_path / "out", (0.2, 0.6), (1.5, 0.4), (3.2, 0.6))
    assert status(ran) == ["ok", "failed", "ok"]
    error = ran.json["clips"][1]["error"]
    assert error.startswith("the upload is damaged in this clip or near it: ")
    assert len(ran.err.strip().splitlines()) == 1


def test_what_a_decoder_of_hevc_misses_before_the_first_key_frame_is_no_damage(
    make: Make, each_build: FfmpegBuild, tmp_path: Path
) -> None:
    """A transport stream has no index: decoding starts where a seek lands."""
    upload = make("hevc.ts", *_X265, "-an", source=_PICTURE)
    ran = cut(upload, each_build, tmp_path / "out", (3.2, 0.6), (4.5, 0.6))
    assert status(ran) == ["ok", "ok"]
    assert [clip["changes"] for clip in ran.json["clips"]] == [[], []]


OPEN = ("-c:v", "libx264", "-g", "17", "-bf", "3", "-b_strategy", "0", "-sc_threshold", "0")


@pytest.mark.parametrize("name", ["open.ts", "open.mkv"])
def test_what_a_decoder_lacks_where_it_starts_is_no_damage(
    name: str, make: Make, each_build: FfmpegBuild, tmp_path: Path
) -> None:
    """Leading pictures, and those before the first key frame: it complains of them and shows none."""
    whole = make(name, *OPEN, "-x264-params", "open-gop=1", "-an", source=_PICTURE)
    upload: Any = whole
    if whole.suffix == ".ts":
        content = whole.read_bytes()
        upload = tmp_path / name
        upload.write_bytes(content[len(content) // 4 // 188 * 188 :])
    ran = cut(upload, each_build, tmp_path / "out", (0.9, 0.6), (2.1, 0.6))
    assert ran.code == 0, ran.err
    assert status(ran) == ["ok", "ok"]
    assert [clip["changes"] for clip in ran.json["clips"]] == [[], []]
