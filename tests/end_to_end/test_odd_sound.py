"""Sound of uploads that players cope with: another programme's, none that can be decoded, many channels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import looking
import numpy as np
import pytest
from making import Make
from running import clipkit

from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.media.probe import probe_upload

_PICTURE = ("-f", "lavfi", "-i", "testsrc2=size=160x90:rate=25:duration=3")
_LOW = ("-f", "lavfi", "-i", "sine=frequency=440:duration=3:sample_rate=48000")
_HIGH = ("-f", "lavfi", "-i", "sine=frequency=1000:duration=3:sample_rate=48000")
_BOTH = (*_PICTURE, *_HIGH, *_LOW)


def a_clip(upload: Path, build: FfmpegBuild, out: Path, *words: str) -> dict[str, Any]:
    listed = out.with_suffix(".csv")
    listed.write_text("start_s,duration_s\n1,1\n")
    told = ("--clips", listed, "--ffmpeg", build.choice, "--preset", "ultrafast", "--json", *words)
    ran = clipkit("cut", upload, "--out", out, *told)
    assert ran.code == 0, ran.err
    clip: dict[str, Any] = ran.json["clips"][0]
    return clip


def pitch_hz(clip: dict[str, Any]) -> float:
    heard = looking.sound(Path(clip["file"]))
    assert heard is not None
    loudness = np.abs(np.fft.rfft(heard.samples))
    return float(np.argmax(loudness)) * heard.sample_rate / len(heard.samples)


_OF_MATROSKA = {
    "aac.mkv": ("-c:v", "libx264", "-preset", "ultrafast", "-bf", "0", "-c:a", "aac"),
    "opus.webm": ("-c:v", "libvpx-vp9", "-cpu-used", "8", "-c:a", "libopus", "-b:a", "64k"),
}


@pytest.mark.parametrize("name", list(_OF_MATROSKA))
@pytest.mark.parametrize("mode", ["encode", "copy"])
def test_a_matroska_without_b_frames_sounds_from_its_key_frames_on(
    name: str, mode: str, make: Make, each_build: FfmpegBuild, tmp_path: Path
) -> None:
    """ffmpeg moves its seek to earlier only where pictures are reordered, and the demuxer drops all before it lands."""
    sweep = (
        "-f",
        "lavfi",
        "-i",
        "aevalsrc=0.5*sin(2*PI*(300+200*t)*t):duration=3:sample_rate=48000",
    )
    film = make(name, *_OF_MATROSKA[name], "-g", "25", source=(*_PICTURE, *sweep))
    clip = Path(a_clip(film, each_build, tmp_path / mode, "--mode", mode)["file"])
    heard = looking.sound(clip)
    assert heard is not None
    first = heard.samples[: heard.sample_rate // 50]
    loudness = float(np.sqrt(np.mean(np.square(first))))
    later = float(np.sqrt(np.mean(np.square(heard.samples[heard.sample_rate // 4 :]))))
    assert loudness > 0.8 * later


@pytest.fixture
def two_programmes(make: Make) -> Path:
    """A radio station first, then a film with its own sound."""
    mapped = ("-map", "1:a", "-map", "0:v", "-map", "2:a", "-c:v", "mpeg2video", "-c:a", "mp2")
    parts = ("-program", "title=radio:st=0", "-program", "title=film:st=1:st=2")
    return make("two.ts", *mapped, *parts, source=_BOTH)


@pytest.fixture
def radio_alone_sounds(make: Make) -> Path:
    mapped = ("-map", "1:a", "-map", "0:v", "-c:v", "mpeg2video", "-c:a", "mp2")
    parts = ("-program", "title=radio:st=0", "-program", "title=film:st=1")
    return make("radio.ts", *mapped, *parts, source=_BOTH)


def undecodable(film: bytes) -> bytes:
    """An MP4 whose first sound track is of a codec that nobody knows."""
    assert b"mp4a\0\0\0\0\0\0" in film
    unknown = film.replace(b"mp4a\0\0\0\0\0\0", b"zzzz\0\0\0\0\0\0", 1)
    return unknown.replace(b"esds", b"free", 1)


class TestTheTrack:
    def test_it_is_of_the_films_own_programme(
        self, two_programmes: Path, each_build: FfmpegBuild, tmp_path: Path
    ) -> None:
        assert probe_upload(two_programmes).sound_track == 1
        clip = a_clip(two_programmes, each_build, tmp_path / "out")
        assert pitch_hz(clip) == pytest.approx(440, abs=5)
        assert "track 2 of 2" in clip["changes"][0]

    def test_another_programmes_sound_is_no_sound_of_the_film(
        self, radio_alone_sounds: Path, each_build: FfmpegBuild, tmp_path: Path
    ) -> None:
        upload = probe_upload(radio_alone_sounds)
        assert upload.sound is None
        assert any("without sound" in warning for warning in upload.warnings)
        clip = a_clip(radio_alone_sounds, each_build, tmp_path / "out")
        assert looking.sound(Path(clip["file"])) is None
        assert "without sound" in clip["changes"][0]

    @pytest.mark.parametrize("mode", ["encode", "snap"])
    def test_it_is_the_first_that_can_be_decoded(
        self, mode: str, make: Make, each_build: FfmpegBuild, tmp_path: Path
    ) -> None:
        options = ("-map", "0:v", "-map", "1:a", "-map", "2:a", "-g", "25", "-c:a", "aac")
        upload = tmp_path / "film.mp4"
        upload.write_bytes(undecodable(make("both.mp4", *options, source=_BOTH).read_bytes()))
        clip = a_clip(upload, each_build, tmp_path / "out", "--mode", mode)
        assert pitch_hz(clip) == pytest.approx(440, abs=5)
        assert "track 2 of 2 (aac)" in "; ".join(clip["changes"])

    def test_where_none_can_be_decoded_the_clip_has_none_and_says_so(
        self, make: Make, each_build: FfmpegBuild, tmp_path: Path
    ) -> None:
        upload = tmp_path / "film.mp4"
        upload.write_bytes(undecodable(make("one.mp4", "-c:a", "aac").read_bytes()))
        clip = a_clip(upload, each_build, tmp_path / "out")
        assert looking.sound(Path(clip["file"])) is None
        assert "without sound" in clip["changes"][0]


class TestChannels:
    @pytest.mark.parametrize(
        ("channels", "kept"), [(1, 1), (3, 3), (6, 6), (7, 6), (8, 6), (16, 2)]
    )
    def test_as_many_as_aac_has_a_layout_for_are_kept(
        self, channels: int, kept: int, make: Make, each_build: FfmpegBuild, tmp_path: Path
    ) -> None:
        """No place is said of any of them, as of the tracks of a camera."""
        same = "|".join(f"c{n}=c0" for n in range(channels))
        sound = (
            "-map",
            "0:v",
            "-map",
            "2:a",
            "-af",
            f"pan={channels}c|{same}",
            "-c:a",
            "pcm_s16le",
        )
        upload = make(f"channels-{channels}.mov", *sound, "-c:v", "mpeg4", source=_BOTH)
        clip = a_clip(upload, each_build, tmp_path / "out")
        with looking.av.open(clip["file"]) as opened:
            assert opened.streams.audio[0].codec_context.channels == kept
        assert pitch_hz(clip) == pytest.approx(440, abs=5)
        assert (f"mixed down to {kept}" in "; ".join(clip["changes"])) == (kept < channels)
