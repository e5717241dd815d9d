"""Mode `auto`, cut for real: each clip in the cheapest mode that is right and allowed, and the manifest says which."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import pytest
from running import clipkit

from clipkit.engine.mp4 import read_video_track
from clipkit.ffmpeg_builds import FfmpegBuild

_SOURCE = ("-f", "lavfi", "-i", "testsrc2=size=192x108:rate=25:duration=6")
_X264 = ("-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-g", "25")
_CLIPS = "start_s,duration_s\n0.56,2\n2,1.5\n"


def cut(film: Path, out: Path, *words: str, clips: str = _CLIPS) -> dict[str, Any]:
    listed = out.with_suffix(".csv")
    listed.write_text(clips)
    ran = clipkit("cut", film, "--out", out, "--clips", listed, "--mode", "auto", "--json", *words)
    assert ran.code == 0, ran.err
    found: dict[str, Any] = ran.json
    for clip in found["clips"]:
        assert clip["status"] == "ok"
        assert read_video_track(Path(clip["file"])).frames_shown == clip["frames"]
    return found


def told(found: dict[str, Any]) -> list[str]:
    return [clip["mode"] for clip in found["clips"]]


@pytest.fixture
def film(make: Any) -> Path:
    made: Path = make("film.mp4", *_X264, source=_SOURCE)
    return made


def test_by_default_nothing_is_hidden_and_only_the_first_pictures_are_encoded(
    film: Path, tmp_path: Path
):
    found = cut(film, tmp_path / "out")
    assert told(found) == ["smart", "smart"]
    assert {clip["hidden_preroll_s"] for clip in found["clips"]} == {0.0}
    assert all(clip["encoded_frames"] < clip["frames"] for clip in found["clips"])
    assert found["settings"]["mode"] == "auto"


def test_where_hidden_pictures_are_allowed_clips_are_copied(film: Path, tmp_path: Path):
    found = cut(film, tmp_path / "out", "--hidden-preroll", "allow")
    assert told(found) == ["copy", "copy"]
    assert [clip["encoded_frames"] for clip in found["clips"]] == [0, 0]
    assert found["clips"][0]["hidden_preroll_s"] == pytest.approx(0.56, abs=0.001)


def test_a_clip_without_an_access_point_inside_is_encoded_beside_one_that_has_some(
    film: Path, tmp_path: Path
):
    clips = "start_s,duration_s\n0.2,0.5\n0.56,2\n"
    found = cut(film, tmp_path / "out", clips=clips)
    assert told(found) == ["encode", "smart"]
    assert found["clips"][0]["changes"]


def test_what_cannot_be_copied_is_encoded_and_the_reason_said(make: Any, tmp_path: Path):
    film = make("film.webm", "-c:v", "libvpx", "-g", "25", source=_SOURCE)
    found = cut(film, tmp_path / "out", "--hidden-preroll", "allow")
    assert told(found) == ["encode", "encode"]
    assert all("vp8" in " ".join(clip["changes"]) for clip in found["clips"])


@pytest.mark.parametrize("words", [("--scale-height", "54"), ("--crop", "1:1"), ("--poster",)])
def test_what_needs_all_pictures_decoded_encodes_all(
    film: Path, tmp_path: Path, words: tuple[str, ...]
):
    found = cut(film, tmp_path / "out", "--hidden-preroll", "allow", *words)
    assert told(found) == ["encode", "encode"]


def test_hdr_is_made_sdr_though_copying_is_allowed(make: Any, tmp_path: Path):
    tags = "colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc"
    film = make(
        "hdr.mp4",
        *("-c:v", "libx265", "-preset", "ultrafast", "-pix_fmt", "yuv420p10le", "-tag:v", "hvc1"),
        *("-x265-params", f"keyint=25:log-level=error:{tags}"),
        source=_SOURCE,
    )
    found = cut(film, tmp_path / "out", "--hidden-preroll", "allow")
    assert told(found) == ["encode", "encode"]


@pytest.mark.parametrize("mode", ["auto", "smart"])
def test_where_a_head_beside_a_copy_does_not_fit_all_is_encoded_which_needs_less(
    make: Any, tmp_path: Path, mode: str
):
    """B-frames of the upload bind the head, and cost memory that encoding all of it need not take."""
    source = ("-f", "lavfi", "-i", "testsrc2=size=3840x2160:rate=25:duration=2")
    film = make("large.mp4", *_X264, "-bf", "3", "-g", "12", source=source)
    found = cut(
        film,
        tmp_path / "out",
        *("--mode", mode, "--memory", "400M", "--cpus", "2", "--encoder-threads", "1"),
        clips="start_s,duration_s\n0.2,1\n",
    )
    assert told(found) == ["encode"]
    assert "needs less memory" in found["clips"][0]["changes"][0]


def test_a_turned_film_that_cannot_be_joined_is_copied(make: Any, tmp_path: Path):
    """The copy has the pictures as they are coded, an encoded clip as they are shown."""
    x265 = ("-c:v", "libx265", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-tag:v", "hvc1")
    lying = make("lying.mp4", *x265, "-x265-params", "keyint=25:log-level=error", source=_SOURCE)
    film = make("upright.mp4", "-c", "copy", source=("-display_rotation", "90", "-i", str(lying)))
    found = cut(film, tmp_path / "out", "--hidden-preroll", "allow")
    assert told(found) == ["copy", "copy"]


def test_with_sound_and_reordered_pictures_each_mode_makes_its_own(make: Any, tmp_path: Path):
    sound = ("-f", "lavfi", "-i", "sine=duration=6")
    film = make("film.mp4", *_X264, "-bf", "3", "-c:a", "aac", source=(*_SOURCE, *sound))
    told_by = {}
    for words in (("--hidden-preroll", "allow"), ()):
        found = cut(film, tmp_path / f"out{len(words)}", *words)
        told_by[len(words)] = told(found)
    assert told_by == {2: ["copy", "copy"], 0: ["smart", "smart"]}


def test_a_clip_whose_copy_is_found_wrong_is_made_by_the_next_mode_which_says_why(
    make: Any, tmp_path: Path, each_build: FfmpegBuild
):
    """Sound that cannot be decoded, in a film whose pictures are damaged behind the clip: nothing is known of the
    sound when the copy is planned."""
    noise = ("-f", "lavfi", "-i", "anoisesrc=duration=6:seed=1:amplitude=0.2")
    honest = make("noisy.mp4", *_X264, "-c:a", "aac", source=(*_SOURCE, *noise))
    content = bytearray(honest.read_bytes())
    for packet in packets(honest, "audio"):
        if packet.pts is not None and 2.4 < float(packet.pts * packet.time_base) < 2.5:
            content[packet.pos : packet.pos + packet.size] = b"\xff" * packet.size
    no_picture = packets(honest, "video")[140]
    content[no_picture.pos : no_picture.pos + 4] = b"\xff" * 4
    film = tmp_path / "damaged.mp4"
    film.write_bytes(content)

    words = ("--hidden-preroll", "allow", "--ffmpeg", each_build.choice)
    found = cut(film, tmp_path / "out", *words, clips="start_s,duration_s\n1,1\n2,1\n")
    assert told(found) == ["copy", "encode"]
    whole, (change,) = (clip["changes"] for clip in found["clips"])
    assert whole == []
    assert "mode smart instead of copy: its sound, copied, cannot be decoded: " in change
    assert found["clips"][1]["encoded_frames"] == found["clips"][1]["frames"]


def packets(film: Path, kind: str) -> list[Any]:
    with av.open(str(film)) as container:
        return [packet for packet in container.demux(**{kind: 0}) if packet.size]
