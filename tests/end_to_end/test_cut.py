"""The contract of `clipkit cut`: what the upload showed from start to start + duration, in step."""

from __future__ import annotations

import json
import os
import shutil
import struct
import threading
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import av
import looking
import numpy as np
import pytest
from looking import Pictures, Sound
from running import Ran, clipkit

from clipkit.ceiling.base import Mechanism
from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.format import MIB
from clipkit.media.probe import probe_upload

# 0.8 levels of grey between two frames: at this quality the coding noise of a thumbnail is below 0.3.
_QUALITY = ("--crf", "10", "--preset", "ultrafast", "--concurrency", "2")
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
    large = source.width * source.height > 1_000_000
    a_few = min(6 if large else 12, max(2, source.count // 4))
    asked = [
        between(0.0, times_s[a_few] - frame_s / 3),
        between(times_s[third] + 0.001, times_s[third + a_few] + 0.001),
        between(times_s[third] - 0.001, times_s[third + a_few] - 0.001),
        between(times_s[last - a_few] - frame_s / 2, times_s[last] + frame_s / 2),
    ]
    on_a_decimal = [t for t in times_s if round(t, 6) == t]
    if len(on_a_decimal) > a_few:  # the end is a frame's own time: that frame is out
        asked.append(between(on_a_decimal[-a_few], on_a_decimal[-2]))
    inner = [t for t in key_frame_times_s if a_few * frame_s < t < times_s[last - a_few]]
    for key_s in inner[: 1 if large else 2]:
        asked.append(between(key_s - 1.5 * frame_s, key_s + 2.5 * frame_s))
        asked.append(between(key_s - 0.2 * frame_s, key_s + a_few / 2 * frame_s))
    return asked


def assert_exact(source: Pictures, made: Cut, tone_mapped: bool = False) -> None:
    for asked, entry in zip(made.asked, made.manifest["clips"], strict=True):
        span = looking.wanted(source, asked[0], end_s(asked))
        clip = looking.pictures(Path(entry["file"]))
        zero_s = looking.zero_s(source, span, asked[0])
        times_s = [max(source.times_s[index] - zero_s, 0) for index in span]
        assert clip.count == len(span) == entry["frames"], asked
        assert clip.times_s == pytest.approx(times_s, abs=_TICK_S), asked
        assert entry["first_pts_s"] == pytest.approx(source.times_s[span.start], abs=1e-6)
        assert entry["last_pts_s"] == pytest.approx(source.times_s[span.stop - 1], abs=1e-6)
        assert looking.misplaced(source, span, clip, _SEEN, tone_mapped) == [], asked


def assert_in_step(source: Sound | None, pictures: Pictures, made: Cut) -> None:
    """Sound starts with the first picture and ends with the clip, to within one audio frame."""
    for asked, entry in zip(made.asked, made.manifest["clips"], strict=True):
        heard = looking.sound(Path(entry["file"]))
        span = looking.wanted(pictures, asked[0], end_s(asked))
        zero_s = looking.zero_s(pictures, span, asked[0])
        if source is None:
            assert heard is None
        elif source.start_s <= zero_s and end_s(asked) <= source.end_s:
            assert heard is not None
            # MP3's frames are longer than AAC's, and its times in Matroska whole milliseconds
            tolerance_s = max(source.frame_s, heard.frame_s) + 1e-3
            assert abs(heard.start_s) <= tolerance_s, asked
            assert abs(heard.end_s - (end_s(asked) - zero_s)) <= tolerance_s, asked


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
        upload = probe_upload(path)
        if upload.duration_s > _LONGEST_S:
            pytest.skip("too long to decode here")
        if any("damaged" in warning for warning in upload.warnings):
            pytest.skip("its clips are refused, as tests/end_to_end/test_damage.py shows")
        source = looking.of_upload(path, upload.video_stream)
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
        upload = probe_upload(path)
        source = looking.of_upload(path)
        asked = hard_clips(source, upload.key_frame_times_s)
        assert looking.moving(source, range(source.count), _SEEN) > source.count / 2
        made = cut(path, asked, tmp_path / "out", "--ffmpeg", each_build.choice)
        assert_exact(source, made, tone_mapped=upload.hdr)
        assert_in_step(looking.sound(path), source, made)
        assert_playable((source.width, source.height), made.manifest["clips"][0])


def listed(folder: Path, *asked: Asked) -> Path:
    file = folder / "clips.csv"
    file.write_text("start_s,duration_s\n" + "".join(f"{a!r},{b!r}\n" for a, b in asked))
    return file


class TestSound:
    @pytest.mark.parametrize("name", ["beeps.mp4", "beeps.mkv", "beeps.ts", "beeps-mp3.mp4"])
    def test_a_beep_is_heard_when_it_is_seen(
        self, name: str, make: Any, each_build: FfmpegBuild, tmp_path: Path
    ) -> None:
        """A white flash and a beep each second: in every clip they come at the same time."""
        flash = "color=black:size=64x64:rate=25:duration=5,geq=lum='if(lt(mod(T,1),0.1),235,16)'"
        beep = "aevalsrc=if(lt(mod(t\\,1)\\,0.1)\\,sin(2*PI*1000*t)\\,0):s=48000:d=5"
        coding = ("-c:v", "libx264", "-g", "10", "-bf", "2")
        coding += ("-c:a", "mp3" if "mp3" in name else "aac")
        upload = make(name, *coding, source=("-f", "lavfi", "-i", flash, "-f", "lavfi", "-i", beep))
        asked = [(0.0, 1.7), (0.48, 1.2), (1.71, 1.5), (2.5, 2.0)]
        made = cut(upload, asked, tmp_path / "out", "--ffmpeg", each_build.choice)
        for entry in made.manifest["clips"]:
            seen, heard = looking.pictures(Path(entry["file"])), looking.sound(Path(entry["file"]))
            assert heard is not None
            white = [
                t
                for t, picture in zip(seen.times_s, seen.thumbnails, strict=True)
                if picture.mean() > 128
            ]
            flash_s = next(t for t in white if t - 0.04 not in white and t > 0.1)
            loud = np.flatnonzero(np.abs(heard.samples) > 0.3 * np.abs(heard.samples).max())
            loud_s = heard.start_s + loud / heard.sample_rate
            beep_s = loud_s[np.searchsorted(loud_s, flash_s - 0.5)]
            # a frame is shown for 40 ms: the beep starts with it, give or take one audio frame
            assert abs(beep_s - flash_s) <= heard.frame_s + 0.005, entry["start_s"]

    def test_no_sound_is_asked_for_and_none_is_there(self, small: Path, tmp_path: Path) -> None:
        made = cut(small, [(0.5, 1.0)], tmp_path / "out", "--audio", "none")
        assert looking.sound(Path(made.manifest["clips"][0]["file"])) is None


class TestHostileNames:
    @pytest.mark.parametrize(
        "name",
        [
            b"a;b $(touch pwned).mp4",
            b"-y.mp4",
            b"concat:x.mp4",
            b"http:x.mp4",
            b"a|b&c.mp4",
            b"new\nline.mp4",
            b"%03d.mp4",
            b"'\"\\.mp4",
            "影片 🎬 ü.mp4".encode(),
            b"\xff\xfe.mp4",
            b"\x1b[31mred\x07.mp4",
            "\u202e4pm.rtl.mp4".encode(),
            b"x" * 251 + b".mp4",
            b"{start}.mp4",
            b"sample",
        ],
        ids=repr,
    )
    def test_an_upload_may_be_called_anything(
        self, name: bytes, small: Path, tmp_path: Path
    ) -> None:
        upload = tmp_path / os.fsdecode(name)
        shutil.copy(small, upload)
        out = tmp_path / f"out {os.fsdecode(name)}"[:250]
        words = ("--out", out, "--count", 1, "--length", 0.4)
        ran = clipkit("cut", *words, "--json", "--", f"./{upload.name}", cwd=tmp_path)
        assert ran.code == 0, ran.err
        assert ran.json["clips"][0]["frames"] == 10
        assert Path(ran.json["upload"]) == upload
        assert sorted(entry.name for entry in out.iterdir()) == ["clip-001.mp4", "manifest.json"]
        assert {entry.name for entry in tmp_path.iterdir()} == {upload.name, out.name}
        for command in (("cut", "--overwrite", *words), ("probe",)):
            strict = {"PYTHONIOENCODING": "utf-8:strict"}  # as in a terminal
            told = clipkit(*command, "--", f"./{upload.name}", cwd=tmp_path, **strict)
            assert (told.code, told.err) == (0, "")
            assert told.out.replace("\n", "").isprintable()
        refused = clipkit("cut", *words[:-1], 99, "--", f"./{upload.name}", cwd=tmp_path)
        assert refused.code == 1
        assert refused.complaint.isprintable()

    def test_a_name_that_looks_like_an_option_is_taken_behind_two_dashes(
        self, small: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "-y.mp4").symlink_to(small)
        words = ("--out", "out", "--count", 1, "--length", 0.4, "--", "-y.mp4")
        assert clipkit("cut", *words, cwd=tmp_path).code == 0
        assert (tmp_path / "out" / "clip-001.mp4").exists()


class TestFallback:
    def test_where_seeking_loses_frames_the_upload_is_decoded_from_its_start(
        self, make: Any, tmp_path: Path, each_build: FfmpegBuild
    ) -> None:
        """An index that calls a frame a key frame which is none: VP9 shows nothing until the next."""
        honest = make("vp9.mp4", "-c:v", "libvpx-vp9", "-cpu-used", "8", "-g", "25", "-an")
        content = bytearray(honest.read_bytes())
        at = content.index(b"stss") + 8  # the number of key frames, then each one's sample number
        assert struct.unpack_from(">3I", content, at) == (2, 1, 26)
        struct.pack_into(">I", content, at + 8, 35)
        upload = tmp_path / "lying.mp4"
        upload.write_bytes(content)
        made = cut(
            upload, [(1.48, 0.4), (0.2, 0.4)], tmp_path / "out", "--ffmpeg", each_build.choice
        )
        source = looking.pictures(honest)
        assert_exact(source, made)
        (change,), unchanged = (entry["changes"] for entry in made.manifest["clips"])
        why = "Not all references are available (ffmpeg ended with exit code 69)"
        assert change == f"decoded from the upload's start: {why}"
        assert unchanged == []
        assert "-ss" not in made.manifest["clips"][0]["argv"]


@pytest.fixture
def damaged(make: Any, tmp_path: Path) -> Path:
    """VP9 with a frame in the second of its two seconds that no decoder can read."""
    honest = make("vp9.mp4", "-c:v", "libvpx-vp9", "-cpu-used", "8", "-g", "25", "-an")
    content = bytearray(honest.read_bytes())
    with av.open(str(honest)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    broken = packets[37]
    content[broken.pos : broken.pos + broken.size] = bytes(broken.size)
    path = tmp_path / "damaged.mp4"
    path.write_bytes(content)
    return path


class TestPartlyRight:
    def test_the_right_clips_are_kept_and_the_manifest_tells_of_the_others(
        self, damaged: Path, tmp_path: Path
    ) -> None:
        clips = listed(tmp_path, (0.2, 0.4), (1.32, 0.4), (0.0, 0.2))
        ran = clipkit("cut", damaged, "--out", tmp_path / "out", "--clips", clips, "--json")
        assert ran.code == 1
        assert "1 of 3 clips" in ran.complaint
        assert "clip 2 at 1.32 s: failed: " in ran.complaint
        assert [clip["status"] for clip in ran.json["clips"]] == ["ok", "failed", "ok"]
        assert ran.json["status"] == "failed"
        names = sorted(entry.name for entry in (tmp_path / "out").iterdir())
        assert names == ["clip-001.mp4", "clip-003.mp4", "manifest.json"]
        assert json.loads((tmp_path / "out" / "manifest.json").read_text()) == ran.json
        wrong = ran.json["clips"][1]
        assert (wrong["file"], wrong["frames"], wrong["bytes"]) == (None, None, None)
        assert wrong["first_pts_s"] is None
        (change,) = wrong["changes"]
        assert change.startswith("decoded from the upload's start: ")

    def test_where_none_is_right_there_is_no_file_at_all(
        self, damaged: Path, tmp_path: Path
    ) -> None:
        clips = listed(tmp_path, (1.32, 0.4))
        out = tmp_path / "some" / "where" / "out"
        ran = clipkit("cut", damaged, "--out", out, "--clips", clips, "--json")
        assert (ran.code, ran.out) == (1, "")
        assert "1 of 1 clips" in ran.complaint
        assert not (tmp_path / "some").exists()

    def test_a_folder_that_was_there_is_left_as_it_was(
        self, damaged: Path, small: Path, tmp_path: Path
    ) -> None:
        out = tmp_path / "out"
        cut(small, [(0.0, 0.4)], out)
        (out / "mine.txt").write_text("mine")
        before = {entry: entry.read_bytes() for entry in out.iterdir()}
        words = ("--out", out, "--clips", listed(tmp_path, (1.32, 0.4)))
        for more in ((), ("--overwrite",)):
            assert clipkit("cut", damaged, *words, *more).code == 1
        assert {entry: entry.read_bytes() for entry in out.iterdir()} == before

    def test_an_upload_in_the_output_folder_is_not_overwritten(
        self, small: Path, tmp_path: Path
    ) -> None:
        upload = tmp_path / "clip-001.mp4"
        upload.write_bytes(small.read_bytes())
        ran = clipkit("cut", upload, "--out", tmp_path, "--count", 1, "--length", 1)
        assert ran.code == 1
        assert "is the upload itself" in ran.complaint
        assert upload.read_bytes() == small.read_bytes()


class TestManifest:
    def test_it_says_what_was_asked_and_what_came_of_it(self, small: Path, tmp_path: Path) -> None:
        clips = listed(tmp_path, (1.015, 1.0))
        words = ("--out", tmp_path / "out", "--clips", clips, "--json", "--crf", "30")
        ran = clipkit("cut", small, *words, "--memory", "512M", "--concurrency", "2")
        assert (ran.code, ran.err) == (0, "")
        manifest = ran.json
        assert json.loads((tmp_path / "out" / "manifest.json").read_text()) == manifest
        assert manifest["upload"] == str(small)
        assert manifest["settings"]["crf"] == 30
        assert manifest["settings"]["concurrency"] == 2
        assert (manifest["host"], manifest["status"]) == ("512M-anycpu", "ok")
        assert manifest["ceiling"] in list(Mechanism)
        assert manifest["wall_s"] > 0 and manifest["cpu_s"] > 0
        assert manifest["peak_anon_bytes"] > MIB
        assert 0 < manifest["orchestrator_peak_rss_bytes"] < 25 * MIB
        (clip,) = manifest["clips"]
        file = Path(clip["file"])
        assert (clip["start_s"], clip["duration_s"]) == (1.015, 1.0)
        assert file.is_absolute() and file.stat().st_size == clip["bytes"]
        assert clip["argv"][-1] == str(file)
        assert (clip["first_pts_s"], clip["last_pts_s"]) == pytest.approx((1.04, 2.0))
        assert (clip["mode"], clip["changes"], clip["hidden_preroll_s"]) == ("encode", [], 0.0)
        assert (clip["status"], clip["error"], clip["frames"]) == ("ok", None, 25)
        assert clip["wall_s"] > 0 and clip["cpu_s"] > 0 and clip["peak_rss_bytes"] > MIB

    def test_flags_beat_the_configuration(self, small: Path, tmp_path: Path) -> None:
        config = tmp_path / "clipkit.toml"
        config.write_text('[settings]\ncrf = 35\npreset = "veryfast"\nencoder_threads = 2\n')
        words = ("--out", tmp_path / "out", "--count", 1, "--length", 1, "--json")
        ran = clipkit("cut", small, *words, "--config", config, "--crf", "31")
        assert ran.code == 0, ran.err
        used = looking.x264_options(Path(ran.json["clips"][0]["file"]))
        assert (used["crf"], used["threads"], used["subme"]) == ("31.0", "2", "2")

    def test_a_pipe_may_list_the_clips(self, small: Path, tmp_path: Path) -> None:
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)
        writer = threading.Thread(target=pipe.write_text, args=("start_s,duration_s\n1,0.4\n",))
        writer.start()
        ran = clipkit("cut", small, "--out", tmp_path / "out", "--clips", pipe, "--json")
        writer.join()
        assert [clip["start_s"] for clip in ran.json["clips"]] == [1.0]

    def test_twelve_clips_leave_the_engine_small(self, small: Path, tmp_path: Path) -> None:
        words = ("--count", 12, "--length", 1, "--concurrency", 3, "--json")
        ran = clipkit("cut", small, "--out", tmp_path / "out", *words)
        assert len(list((tmp_path / "out").glob("clip-*.mp4"))) == 12
        assert 4 * MIB < ran.json["orchestrator_peak_rss_bytes"] < 25 * MIB

    def test_without_json_people_get_a_line(self, small: Path, tmp_path: Path) -> None:
        ran = clipkit("cut", small, "--out", tmp_path / "out", "--count", 3, "--length", 0.4)
        assert (ran.code, ran.err) == (0, "")
        assert ran.out.startswith("3 of 3 clips in ")
        assert len(ran.out.splitlines()) == 1
