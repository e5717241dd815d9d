"""The contract of `clipkit cut`: exactly the frames with start <= PTS < start + duration, in step."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import looking
import pytest
from looking import Pictures, Sound
from running import Ran, clipkit

from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.media.probe import probe

# 0.8 levels of grey between two frames: at this quality the coding noise of a thumbnail is below 0.3.
_QUALITY = ("--crf", "8", "--preset", "ultrafast", "--concurrency", "2")
_SEEN = 0.8
# A minute of 1080p and more takes minutes to decode here.
_LONGEST_S = 100
# Frames are written in MP4 ticks; the coarsest here is that of 90 kHz.
_TICK_S = 2e-5

Asked = tuple[float, float]

X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac")
X265 = ("-c:v", "libx265", "-preset", "ultrafast", "-c:a", "aac")
LOOSE_GOPS = ("-g", "17", "-bf", "3", "-b_strategy", "0", "-sc_threshold", "0")

# Uploads made here, each hard in its own way: name -> options of the ffmpeg that makes it.
HARD: dict[str, tuple[str, ...]] = {
    "b-frames.mp4": (*X264, *LOOSE_GOPS),
    "open-gop-x264.mp4": (*X264, *LOOSE_GOPS, "-x264-params", "open-gop=1"),
    "open-gop-x265.mp4": (
        *X265,
        "-x265-params",
        "log-level=0:open-gop=1:keyint=20:min-keyint=20:bframes=4:b-adapt=0",
    ),
    "open-gop-x265.mkv": (
        *X265,
        "-x265-params",
        "log-level=0:open-gop=1:keyint=20:min-keyint=20:bframes=4:b-adapt=0",
    ),
    "vfr.mp4": (*X264, *LOOSE_GOPS, "-vf", "select='lt(mod(n*n,11),5)'", "-fps_mode", "vfr"),
    "vfr.mkv": (*X264, *LOOSE_GOPS, "-vf", "select='lt(mod(n*n,11),5)'", "-fps_mode", "vfr"),
    "stream.ts": (*X264, *LOOSE_GOPS),
    "late-stream.ts": (*X264, *LOOSE_GOPS, "-output_ts_offset", "95000"),
    "stream.mpg": ("-c:v", "mpeg2video", "-g", "12", "-bf", "2", "-c:a", "mp2"),
    "stream.flv": (*X264, *LOOSE_GOPS),
    "mpeg4.avi": ("-c:v", "mpeg4", "-q:v", "3", "-g", "20", "-c:a", "mp3"),
    "coarse-time-base.mp4": (*X264, *LOOSE_GOPS, "-r", "30", "-video_track_timescale", "30"),
    "ntsc.mp4": (*X264, *LOOSE_GOPS, "-r", "30000/1001"),
    "fragmented.mp4": (*X264, *LOOSE_GOPS, "-movflags", "frag_keyframe+empty_moov"),
    "odd-size.mp4": (*X264, *LOOSE_GOPS, "-vf", "scale=159:89,format=yuv444p"),
    "ten-bit.mp4": (*X264, *LOOSE_GOPS, "-pix_fmt", "yuv420p10le"),
    "422.mov": ("-c:v", "prores_ks", "-c:a", "pcm_s16le"),
    "intra.mov": ("-c:v", "mjpeg", "-q:v", "3", "-c:a", "pcm_s16le"),
    "pq.mp4": (
        *X265,
        "-x265-params",
        "log-level=0:keyint=20",
        "-vf",
        "hue=s=0,format=yuv420p10le,setparams=color_primaries=bt2020:color_trc=smpte2084:colorspace=bt2020nc",
    ),
    "one-key-frame.mp4": (*X264, "-g", "999", "-bf", "2"),
    "no-true-key-frame.mp4": (*X264, "-bf", "2", "-x264-params", "intra-refresh=1:keyint=10"),
    "vp9.webm": ("-c:v", "libvpx-vp9", "-cpu-used", "8", "-g", "20", "-c:a", "libopus"),
    "silent.mp4": (*X264, *LOOSE_GOPS, "-an"),
    "mp3.mkv": (*X264[:4], *LOOSE_GOPS, "-c:a", "mp3"),
}


@dataclass(frozen=True)
class Cut:
    """Clips asked for, and what came of them."""

    asked: list[Asked]
    ran: Ran
    manifest: dict[str, Any]


def cut(upload: Path, asked: list[Asked], out: Path, *words: str) -> Cut:
    listed = out.with_suffix(".csv")
    listed.write_text("start_s,duration_s\n" + "".join(f"{a!r},{b!r}\n" for a, b in asked))
    ran = clipkit("cut", upload, "--out", out, "--clips", listed, "--json", *_QUALITY, *words)
    assert ran.code == 0, ran.err
    return Cut(asked, ran, ran.json)


def end_s(asked: Asked) -> float:
    return float(Decimal(repr(asked[0])) + Decimal(repr(asked[1])))


def between(start_s: float, stop_s: float) -> Asked:
    start, stop = Decimal(repr(round(start_s, 6))), Decimal(repr(round(stop_s, 6)))
    return float(start), float(stop - start)


def hard_clips(source: Pictures, key_frame_times_s: tuple[float, ...]) -> list[Asked]:
    """Clips where a frame is easily lost or won: on frames, beside them, across key frames."""
    times_s, frame_s = source.times_s, source.frame_s
    third, last = source.count // 3, source.count - 1
    a_few = min(12, max(2, source.count // 4))
    asked = [
        between(0.0, times_s[a_few] - frame_s / 3),
        between(times_s[third] + 0.001, times_s[third + a_few] + 0.001),
        between(times_s[third] - 0.001, times_s[third + a_few] - 0.001),
        between(times_s[last - a_few] - frame_s / 2, times_s[last] + frame_s / 2),
    ]
    on_a_decimal = [t for t in times_s if round(t, 6) == t]
    if len(on_a_decimal) > a_few:  # the end is a frame's own time: that frame is out
        asked.append(between(on_a_decimal[-a_few], on_a_decimal[-2]))
    for key_s in [t for t in key_frame_times_s if a_few * frame_s < t < times_s[last - a_few]][:2]:
        asked.append(between(key_s - 1.5 * frame_s, key_s + 2.5 * frame_s))
        asked.append(between(key_s - 0.2 * frame_s, key_s + a_few / 2 * frame_s))
    return asked


def assert_exact(source: Pictures, made: Cut, tone_mapped: bool = False) -> None:
    for asked, entry in zip(made.asked, made.manifest["clips"], strict=True):
        span = looking.wanted(source, asked[0], end_s(asked))
        clip = looking.pictures(Path(entry["file"]))
        first_s = source.times_s[span.start]
        times_s = [source.times_s[index] - first_s for index in span]
        assert clip.count == len(span) == entry["frames"], asked
        assert clip.times_s == pytest.approx(times_s, abs=_TICK_S), asked
        assert entry["first_pts_s"] == pytest.approx(first_s, abs=1e-6)
        assert entry["last_pts_s"] == pytest.approx(source.times_s[span.stop - 1], abs=1e-6)
        assert looking.misplaced(source, span, clip, _SEEN, tone_mapped) == [], asked


def assert_in_step(source: Sound | None, pictures: Pictures, made: Cut) -> None:
    """Sound starts with the first picture and ends with the clip, to within one audio frame."""
    for asked, entry in zip(made.asked, made.manifest["clips"], strict=True):
        heard = looking.sound(Path(entry["file"]))
        span = looking.wanted(pictures, asked[0], end_s(asked))
        first_s = pictures.times_s[span.start]
        if source is None:
            assert heard is None
        elif source.start_s <= first_s and end_s(asked) <= source.end_s:
            assert heard is not None
            # MP3's frames are longer than AAC's, and its times in Matroska whole milliseconds
            tolerance_s = max(source.frame_s, heard.frame_s) + 1e-3
            assert abs(heard.start_s) <= tolerance_s, asked
            assert abs(heard.end_s - (end_s(asked) - first_s)) <= tolerance_s, asked


def assert_playable(upload_size: tuple[int, int], entry: dict[str, Any]) -> None:
    clip = looking.pictures(Path(entry["file"]))
    width, height = upload_size
    assert (clip.width, clip.height) == (width // 2 * 2, height // 2 * 2)
    assert clip.pixel_format in ("yuv420p", "yuvj420p")


class TestExactFrames:
    def test_of_real_uploads(
        self, real_video: tuple[Path, dict[str, Any]], each_build: FfmpegBuild, tmp_path: Path
    ) -> None:
        path, _ = real_video
        upload = probe(path)
        if upload.duration_s > _LONGEST_S:
            pytest.skip("too long to decode here")
        source = looking.pictures(path, upload.video_stream)
        asked = hard_clips(source, upload.key_frame_times_s)
        made = cut(path, asked, tmp_path / "out", "--ffmpeg", each_build.choice)
        assert_exact(source, made)
        assert_in_step(looking.sound(path), source, made)
        assert_playable((source.width, source.height), made.manifest["clips"][0])

    @pytest.mark.parametrize("name", HARD)
    def test_of_hard_uploads(
        self, name: str, make: Any, each_build: FfmpegBuild, tmp_path: Path
    ) -> None:
        picture = ("-f", "lavfi", "-i", "testsrc2=size=160x90:rate=25:duration=5")
        noise = ("-f", "lavfi", "-i", "sine=duration=5:sample_rate=48000")
        path = make(name, *HARD[name], source=(*picture, *noise))
        upload = probe(path)
        source = looking.pictures(path)
        asked = hard_clips(source, upload.key_frame_times_s)
        assert looking.moving(source, range(source.count), _SEEN) > source.count / 2
        made = cut(path, asked, tmp_path / "out", "--ffmpeg", each_build.choice)
        assert_exact(source, made, tone_mapped=upload.hdr)
        assert_in_step(looking.sound(path), source, made)
        assert_playable((source.width, source.height), made.manifest["clips"][0])
