"""Uploads described by a process of its own: the same facts, a refusal for what takes too much, and no
upload that is one file to the probe and another to the ffmpeg that cuts it."""

from __future__ import annotations

import ast
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from hostile import BY_NAME
from making import Make

from clipkit.errors import UploadError
from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.format import MIB
from clipkit.media.probe import probe_upload
from clipkit.plan.baselines import parse_template
from clipkit.trial.describing import Describing, cutting_programs, describe_upload

H264 = ("-c:v", "libx264", "-g", "25", "-pix_fmt", "yuv420p")
PACKAGE = Path(__file__).resolve().parents[2] / "clipkit"
FORMATS = {
    "film.mp4": H264,
    "film.mov": ("-c:v", "mjpeg", "-c:a", "pcm_s16le"),
    "film.mkv": (*H264, "-c:a", "flac"),
    "film.webm": ("-c:v", "libvpx", "-c:a", "libopus"),
    "film.ts": H264,
    "film.mpg": ("-c:v", "mpeg2video", "-f", "vob"),
    "film.avi": ("-c:v", "mpeg4", "-c:a", "mp3"),
    "film.flv": H264,
    "film.ogv": ("-c:v", "libtheora", "-c:a", "libvorbis"),
    "film.wmv": ("-c:v", "wmv2", "-c:a", "wmav2"),
    "film.mxf": ("-c:v", "mpeg2video", "-c:a", "pcm_s16le", "-ar", "48000"),
    "parts.mp4": (*H264, "-movflags", "frag_keyframe+empty_moov"),
    "silent.mp4": (*H264, "-an"),
}


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def children() -> set[psutil.Process]:
    """Of this one: other tests in it may have some that stay."""
    return set(psutil.Process().children(recursive=True))


def refusal(path: Path, asked: Describing) -> str:
    with pytest.raises(UploadError) as told:
        describe_upload(path, asked)
    assert len(str(told.value).splitlines()) == 1
    assert str(path) in str(told.value)
    return str(told.value)


class TestTheSameFacts:
    @pytest.mark.parametrize("name", FORMATS)
    def test_of_every_format_and_both_builds_agree_on_it(
        self, make: Make, each_build: FfmpegBuild, name: str
    ) -> None:
        path = make(name, *FORMATS[name])
        assert describe_upload(path, Describing((each_build.path,))) == probe_upload(path)

    def test_of_real_uploads(
        self, real_video: tuple[Path, object], each_build: FfmpegBuild
    ) -> None:
        path, _ = real_video
        assert describe_upload(path, Describing((each_build.path,))) == probe_upload(path)

    def test_a_refusal_is_word_for_word_the_probes(self, tmp_path: Path) -> None:
        for path in (tmp_path / "none.mp4", tmp_path, written(tmp_path / "text.mp4", b"text" * 99)):
            with pytest.raises(UploadError) as ours:
                probe_upload(path)
            assert refusal(path, Describing(())) == str(ours.value)

    def test_whoever_asks_never_loads_the_demuxers(self, small: Path) -> None:
        script = (
            "import sys, pathlib, resource\n"
            "from clipkit.trial.describing import Describing, describe_upload\n"
            "describe_upload(pathlib.Path(sys.argv[1]), Describing(()))\n"
            "assert 'av' not in sys.modules"
        )
        argv = [sys.executable, "-P", "-c", script, str(small)]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def test_nobody_but_its_process_probes(self) -> None:
        """What hostile bytes do to a process is to be done to that one alone."""
        probing = {
            str(path.relative_to(PACKAGE))
            for path in PACKAGE.rglob("*.py")
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
            if isinstance(node, ast.ImportFrom)
            and node.module
            in ("clipkit.media.probe", "clipkit.media.opening", "clipkit.media.scan")
        }
        outside = {name for name in probing if not name.startswith("media/")}
        assert outside == set()
        # The sample is ours: made by us of a film that a package brings along.
        users = {
            name for name in probing if (PACKAGE / name).read_text("utf-8").count("probe_upload(")
        }
        assert users == {"media/probe.py", "media/describe.py", "media/sample.py"}


class TestTooMuch:
    @pytest.fixture(params=["", "watchdog", "none"])
    def asked(self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Describing:
        """By the best that there is here, and by what is left where the kernel helps little."""
        monkeypatch.setenv("CLIPKIT_CEILING", request.param)
        return Describing(())

    @pytest.mark.parametrize(
        "name",
        [
            "sixty_million_samples",
            "huge_picture",
            "empty_fragments",
            "dense_fragments",
            "five_thousand_tracks",
        ],
    )
    def test_what_takes_gigabytes_is_refused_in_words(
        self, name: str, tmp_path: Path, build: FfmpegBuild
    ) -> None:
        path, before = BY_NAME[name].make(tmp_path), children()
        began_s = time.monotonic()
        told = refusal(path, Describing((build.path,)))
        assert "describing this file takes more than 256 MB" in told
        assert time.monotonic() - began_s < 20
        assert children() <= before

    @pytest.mark.parametrize("name", ["sixty_million_samples", "huge_picture", "late_edit"])
    def test_and_in_one_line_where_no_kernel_holds_it(
        self, name: str, asked: Describing, tmp_path: Path
    ) -> None:
        refusal(BY_NAME[name].make(tmp_path), asked)

    def test_four_million_samples_take_too_long(self, tmp_path: Path) -> None:
        path = BY_NAME["one_byte_samples"].make(tmp_path)
        told = refusal(path, Describing((), timeout_s=2.0))
        assert "describing this file takes more than 2 s" in told

    def test_a_smaller_host_gives_less(self, tmp_path: Path) -> None:
        path = BY_NAME["huge_picture"].make(tmp_path)
        assert "more than 200 MB" in refusal(path, Describing((), memory_bytes=200 * MIB))

    @pytest.mark.parametrize("name", ["/proc/kmsg", "/proc/self/mem", "/proc/kcore", "/dev/zero"])
    def test_what_may_never_end_is_not_read(self, name: str, build: FfmpegBuild) -> None:
        if not Path(name).exists():
            pytest.skip(f"no {name} here")
        began_s = time.monotonic()
        refusal(Path(name), Describing((build.path,)))
        assert time.monotonic() - began_s < 10


def test_a_film_of_8k_at_10_bit_is_described_within_what_it_may_take(
    make: Make, build: FfmpegBuild
) -> None:
    """Its decoder would hold four pictures of 118 MB before it gives the first one out."""
    coding = ("-c:v", "libx265", "-preset", "ultrafast", "-pix_fmt", "yuv420p10le", "-an")
    reordered = "log-level=0:bframes=3:b-adapt=0:frame-threads=1"
    source = ("-f", "lavfi", "-i", "color=gray:size=7680x4320:rate=25:duration=0.2")
    film = make("8k.mp4", *coding, "-x265-params", reordered, source=source)
    upload = describe_upload(film, Describing((build.path,)))
    assert (upload.width, upload.height, upload.bit_depth) == (7680, 4320, 10)
    assert upload.frame_times_s == pytest.approx((0, 0.04, 0.08, 0.12, 0.16))


def test_a_long_film_needs_a_fraction_of_what_it_may_take(make: Make) -> None:
    """Two hours at 60 a second: as many packets as a real one, of next to no size."""
    source = ("-f", "lavfi", "-i", "color=black:size=16x16:rate=60:duration=60")
    minute = make("minute.mp4", "-c:v", "libx264", "-preset", "ultrafast", source=source)
    film = make("long.mp4", "-c", "copy", source=("-stream_loop", "119", "-i", minute))
    described = describe_upload(film, Describing((), memory_bytes=160 * MIB))
    assert len(described.frame_times_s) == 432_000


class TestOneFile:
    @pytest.fixture
    def padded(self, tmp_path: Path) -> Path:
        return BY_NAME["playlist_before_packets"].make(tmp_path)

    def test_what_a_build_takes_for_a_playlist_is_refused(
        self, padded: Path, each_build: FfmpegBuild
    ) -> None:
        """Versions differ in which one that is: none may open what the playlist names."""
        if each_build.version.startswith("5."):
            told = refusal(padded, Describing((each_build.path,)))
            assert "mpegts" in told
            assert each_build.path in told
            assert "not on whitelist" in told
        else:
            described = describe_upload(padded, Describing((each_build.path,)))
            assert described.streams[0].words == "video h264 160x90"

    def test_another_name_of_it_makes_it_a_playlist_to_every_build(
        self, padded: Path, each_build: FfmpegBuild
    ) -> None:
        refusal(padded.rename(padded.with_suffix(".m3u8")), Describing((each_build.path,)))

    def test_a_command_s_own_ffmpeg_is_asked_too(self, build: FfmpegBuild) -> None:
        def programs(text: str) -> tuple[str, ...]:
            return cutting_programs(["bundled"], parse_template(f"{text} -i {{input}} {{output}}"))

        assert programs("ffmpeg") == programs("nice {ffmpeg}") == (build.path,)
        assert programs(build.path) == (build.path,)
        assert programs("cut.sh") == (build.path,)
        assert programs("/bin/../bin/true/ffmpeg") == (build.path,)
