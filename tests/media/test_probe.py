"""`probe`: what it says about real uploads, about awkward ones, and about what is none."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import imageio_ffmpeg
import pytest

from clipkit.errors import UploadError
from clipkit.media.probe import probe_upload
from clipkit.media.upload import AudioTrack, Upload

Entry = tuple[Path, dict[str, Any]]

# Short groups of pictures, with B-frames.
H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-g", "10", "-c:a", "aac")


def decoded_times_s(upload: Upload) -> list[float]:
    """When frames are shown, by decoding them all: slow, and independent of the packets' flags."""
    with av.open(f"file:{upload.path}") as container:
        stream = container.streams[upload.video_stream]
        start_s = (container.start_time or 0) / 1_000_000
        times_s = []
        for packet in container.demux(stream):
            try:
                times_s += [frame.time - start_s for frame in packet.decode()]
            except av.InvalidDataError:
                continue
    return times_s


def command_times_s(upload: Upload) -> list[float]:
    """When ffmpeg's command shows them, by the container's own clock."""
    argv = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-copyts"]
    argv += ["-i", f"file:{upload.path}", "-map", f"0:{upload.video_stream}", "-f", "framemd5", "-"]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60)
    told = [line.split(",")[2] for line in done.stdout.splitlines() if not line.startswith("#")]
    return [float(int(ticks) * upload.time_base) for ticks in told]


def ffmpeg_frame(*options: str) -> str:
    """The checksum of the first frame that ffmpeg hands out."""
    argv = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "quiet", *options]
    argv += ["-map", "0:v:0", "-frames:v", "1", "-f", "framemd5", "-"]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60)
    lines = [line for line in done.stdout.splitlines() if not line.startswith("#")]
    return lines[0].split(",")[-1].strip() if lines else "no frame"


class TestRealUploads:
    def test_the_facts_agree_with_the_manifest(self, real_video: Entry) -> None:
        path, noted = real_video
        upload = probe_upload(path)
        damaged = 1 if path.name == "corrupted.mp4" else 0  # the manifest counts packets
        assert upload.container == noted["format"]
        assert upload.codec == noted["codec"]
        assert upload.pixel_format == noted["pix"]
        assert (upload.coded_width, upload.coded_height) == (noted["w"], noted["h"])
        assert upload.rotation_deg == noted["rotation"]
        assert len(upload.frame_times_s) == noted["frames"] - damaged
        assert len(upload.key_frame_times_s) == noted["keyframes"]
        assert upload.vfr == noted["vfr"]
        assert upload.size_bytes == noted["bytes"]
        tracks = [f"{a.codec}/{a.sample_rate}/{a.channels}ch" for a in upload.audio]
        assert tracks == noted["audio"]
        transfer = noted["color"].split("/")[2]
        assert upload.color_transfer == (None if transfer == "None" else transfer) or not transfer
        if not upload.vfr:
            assert upload.fps == pytest.approx(noted["fps_mean"], rel=0.04)

    def test_the_duration_is_the_manifests_to_within_a_frame(self, real_video: Entry) -> None:
        path, noted = real_video
        upload = probe_upload(path)
        if noted["duration"] is None:
            assert upload.duration_s >= upload.frame_times_s[-1]
            return
        # Some readers count an MP4's duration from 0 and not from its start.
        noted_s = {noted["duration"], noted["duration"] - upload.container_start_s}
        assert min(abs(upload.duration_s - s) for s in noted_s) <= 1 / upload.fps + 0.001

    def test_frames_are_shown_when_the_decoder_says(self, real_video: Entry) -> None:
        path, noted = real_video
        if noted["w"] * noted["h"] * noted["frames"] > 300_000_000:
            pytest.skip("too long to decode here")
        upload = probe_upload(path)
        assert upload.frame_times_s == pytest.approx(decoded_times_s(upload), abs=1e-5)

    def test_a_dud_is_refused_in_one_line(self, real_dud: Entry) -> None:
        path, _ = real_dud
        with pytest.raises(UploadError) as refused:
            probe_upload(path)
        assert str(path) in str(refused.value)
        assert "\n" not in str(refused.value)

    def test_phone_video_is_upright(self, media: Path) -> None:
        upload = probe_upload(media / "iphone4s_portrait.MOV")
        assert (upload.width, upload.height) == (320, 568)
        assert upload.video_stream == 1  # its sound comes first

    def test_hlg_is_hdr(self, media: Path) -> None:
        upload = probe_upload(media / "iphone14pro_rotated_hdr.mov")
        assert (upload.hdr, upload.bit_depth, upload.color_transfer) == (True, 10, "arib-std-b67")
        assert any("HDR" in warning for warning in upload.warnings)

    def test_a_damaged_packet_shows_no_frame_and_warns(self, media: Path) -> None:
        upload = probe_upload(media / "corrupted.mp4")
        assert 3.0 not in upload.frame_times_s
        assert "1 of 50 video packets are damaged" in upload.warnings

    def test_an_upload_longer_than_its_pictures_warns(self, media: Path) -> None:
        upload = probe_upload(media / "nasa_13013.mp4")
        assert upload.video_end_s == pytest.approx(13.0)
        assert any("before the upload does" in warning for warning in upload.warnings)
        assert any("2 video streams" in warning for warning in upload.warnings)

    def test_an_mp4_of_idr_frames_only_may_declare_all_of_them_keys(self, media: Path) -> None:
        assert probe_upload(media / "sample_without_stss.mp4").seek == "exact"


class TestFrameTimes:
    @pytest.mark.parametrize(
        ("name", "options"),
        [
            ("plain.mp4", H264),
            ("plain.mkv", H264),
            ("plain.ts", H264),
            ("plain.flv", H264),
            ("fragmented.mp4", (*H264, "-movflags", "frag_keyframe+empty_moov")),
            ("plain.mpg", ("-c:v", "mpeg2video", "-bf", "2", "-c:a", "mp2")),
            ("plain.avi", ("-c:v", "mpeg4", "-bf", "2", "-c:a", "mp3")),
            ("plain.webm", ("-c:v", "libvpx-vp9", "-cpu-used", "8", "-c:a", "libopus")),
            ("hevc.mp4", ("-c:v", "libx265", "-x265-params", "log-level=0:keyint=10")),
        ],
    )
    def test_frames_are_shown_when_the_decoder_says(
        self, make: Any, name: str, options: Any
    ) -> None:
        upload = probe_upload(make(name, *options))
        assert len(upload.frame_times_s) == 50
        assert upload.frame_times_s == pytest.approx(decoded_times_s(upload), abs=1e-5)
        assert (upload.fps, upload.vfr) == (25.0, False)

    def test_times_count_from_the_containers_start(self, make: Any) -> None:
        late = make("late.ts", *H264, "-an", "-output_ts_offset", "100")
        upload = probe_upload(late)
        assert upload.container_start_s > 100
        assert upload.frame_times_s[0] == 0.0

    def test_frames_before_the_first_key_frame_are_never_shown(
        self, make: Any, tmp_path: Path
    ) -> None:
        whole = make("whole.ts", *H264, "-an").read_bytes()
        upload = probe_upload(_written(tmp_path / "tail.ts", whole[len(whole) // 3 // 188 * 188 :]))
        assert upload.frame_times_s[0] == upload.key_frame_times_s[0]
        assert upload.frame_times_s == pytest.approx(decoded_times_s(upload), abs=1e-5)

    def test_frames_that_an_edit_list_hides_are_not_shown(self, make: Any) -> None:
        source = make("plain.mp4", *H264)
        cut = make("cut.mp4", "-c", "copy", source=("-ss", "1.0", "-i", source))
        upload = probe_upload(cut)
        assert upload.frame_times_s == pytest.approx(decoded_times_s(upload), abs=1e-5)
        assert upload.frame_times_s[0] == 0.0

    def test_a_duration_that_the_header_lacks_is_measured(self, make: Any) -> None:
        options = ("-c:v", "libvpx", "-c:a", "libopus", "-live", "1", "-f", "webm")
        upload = probe_upload(make("live.webm", *options))
        assert upload.duration_s == pytest.approx(2.0, abs=0.05)

    def test_a_variable_rate_is_told_from_a_lost_frame(self, make: Any) -> None:
        vfr = ("-vf", "select='gt(mod(n,4),0)'", "-fps_mode", "passthrough")
        lossy = ("-vf", "select='not(eq(n,20))'", "-fps_mode", "passthrough")
        varies = probe_upload(make("vfr.mp4", *H264, *vfr))
        assert varies.vfr
        assert any("variable frame rate" in warning for warning in varies.warnings)
        assert not probe_upload(make("lossy.mp4", *H264, *lossy)).vfr

    def test_frames_without_a_time_follow_the_one_before(self, make: Any) -> None:
        """H.264 in a program stream: ffmpeg's muxer writes a time for every other packet or so."""
        options = ("-c:v", "libx264", "-c:a", "mp2", "-f", "vob")
        upload = probe_upload(make("untimed.vob", *options))
        first_s = upload.frame_times_s[0]
        even_s = [first_s + number * 0.04 for number in range(50)]
        assert upload.frame_times_s == pytest.approx(even_s)
        assert (upload.fps, upload.vfr) == (25.0, False)
        assert any("have no time" in warning for warning in upload.warnings)

    @pytest.mark.parametrize("options", [H264, (*H264[:-6], "-bf", "0", *H264[-4:])])
    def test_where_only_times_of_decoding_are_stored_it_is_as_ffmpegs_command_has_it(
        self, make: Any, options: Any
    ) -> None:
        """Others make times up, of packets that follow: an AVI whose pictures are not reordered came one late."""
        upload = probe_upload(make("dts.avi", *options))
        assert upload.frame_times_s == pytest.approx(command_times_s(upload))
        assert len(upload.frame_times_s) == 50

    def test_reordered_pictures_without_times_of_showing_are_told(self, make: Any) -> None:
        upload = probe_upload(make("dts.avi", *H264))
        assert upload.seek == "none"
        assert any("50 packets have no time" in warning for warning in upload.warnings)


class TestKeyFrames:
    def test_an_index_makes_seeking_exact(self, make: Any) -> None:
        upload = probe_upload(make("plain.mp4", *H264))
        assert upload.seek == "exact"
        assert upload.key_frame_times_s == pytest.approx([0.0, 0.4, 0.8, 1.2, 1.6])
        assert probe_upload(make("plain.mkv", *H264)).seek == "exact"

    def test_without_an_index_seeking_is_loose(self, make: Any) -> None:
        upload = probe_upload(make("plain.ts", *H264))
        assert upload.seek == "loose"
        assert len(upload.key_frame_times_s) == 5

    def test_an_mp4_that_declares_every_sample_a_key_is_not_believed(
        self, make: Any, tmp_path: Path
    ) -> None:
        honest = make("plain.mp4", *H264)
        lying = _written(tmp_path / "lying.mp4", honest.read_bytes().replace(b"stss", b"free"))
        upload = probe_upload(lying)
        assert upload.seek == "none"
        assert upload.key_frame_times_s == probe_upload(honest).key_frame_times_s
        assert any("cannot be trusted" in warning for warning in upload.warnings)

    def test_nor_is_it_where_a_parser_flags_the_packets_rightly(
        self, make: Any, tmp_path: Path
    ) -> None:
        honest = make("vp9.mp4", "-c:v", "libvpx-vp9", "-cpu-used", "8", "-g", "10", "-an")
        lying = _written(tmp_path / "lying.mp4", honest.read_bytes().replace(b"stss", b"free"))
        assert probe_upload(honest).seek == "exact"
        assert probe_upload(lying).seek == "none"
        assert probe_upload(lying).key_frame_times_s == probe_upload(honest).key_frame_times_s

    @pytest.mark.parametrize("codec", ["mpeg2video", "svq1"])
    def test_an_inter_codec_of_key_frames_only_is_not_believed(
        self, make: Any, tmp_path: Path, codec: str
    ) -> None:
        honest = make(f"{codec}.mov", "-c:v", codec, "-g", "10", "-an")
        lying = _written(tmp_path / "lying.mov", honest.read_bytes().replace(b"stss", b"free"))
        assert probe_upload(honest).seek == "exact"
        assert (probe_upload(lying).seek, probe_upload(lying).key_frame_times_s) == ("none", (0.0,))

    def test_a_periodic_intra_refresh_is_no_key_frame(self, make: Any) -> None:
        refresh = ("-x264-params", "intra-refresh=1:keyint=10")
        upload = probe_upload(make("refresh.mp4", *H264, *refresh))
        assert (upload.seek, upload.key_frame_times_s) == ("none", (0.0,))

    def test_an_intra_codec_has_key_frames_only(self, make: Any) -> None:
        upload = probe_upload(make("intra.mov", "-c:v", "mjpeg", "-c:a", "pcm_s16le"))
        assert upload.seek == "exact"
        assert upload.key_frame_times_s == upload.frame_times_s


class TestStreams:
    def test_rotation_swaps_width_and_height(self, make: Any) -> None:
        source = make("plain.mp4", *H264)
        upright = make(
            "upright.mp4", "-c", "copy", source=("-display_rotation", "90", "-i", source)
        )
        upload = probe_upload(upright)
        assert abs(upload.rotation_deg) == 90
        assert (upload.width, upload.height) == (90, 160)
        assert (upload.coded_width, upload.coded_height) == (160, 90)

    @pytest.mark.parametrize(
        ("degrees", "size"), [(60, (160, 90)), (91, (90, 160)), (200, (160, 90))]
    )
    def test_another_rotation_than_a_quarter_turn_keeps_the_size(
        self, make: Any, degrees: int, size: tuple[int, int]
    ) -> None:
        """As ffmpeg has it, which turns pictures inside it."""
        source = make("plain.mp4", *H264)
        told = ("-display_rotation", str(degrees), "-i", source)
        upload = probe_upload(make(f"turned-{degrees}.mp4", "-c", "copy", source=told))
        assert (upload.width, upload.height) == size

    def test_cover_art_is_not_the_video(self, make: Any) -> None:
        cover = ("-map", "0:v", "-frames:v:0", "1", "-c:v:0", "png", "-disposition:v:0")
        film = ("attached_pic", "-map", "0:v", "-map", "1:a", "-c:v:1", "libx264", "-c:a", "aac")
        upload = probe_upload(make("cover.mp4", *cover, *film))
        assert upload.codec == "h264"
        assert upload.other_streams == ("picture:png",)
        with av.open(str(upload.path)) as container:
            assert container.streams[upload.video_stream].codec_context.name == "h264"

    def test_the_video_may_come_after_the_sound(self, make: Any) -> None:
        upload = probe_upload(make("second.mkv", "-map", "1:a", "-map", "0:v", *H264))
        assert upload.video_stream == 1

    def test_sound_is_told_track_by_track(self, make: Any) -> None:
        two = ("-map", "0:v", "-map", "1:a", "-map", "1:a", "-c:v", "libx264")
        upload = probe_upload(
            make("two.mkv", *two, "-c:a:0", "ac3", "-c:a:1", "aac", "-ac:a:1", "2")
        )
        told = [replace(track, heard_s=None, frame_s=0.0, usual_s=0.0) for track in upload.audio]
        assert told == [AudioTrack("ac3", 44100, 1), AudioTrack("aac", 44100, 2)]
        assert "its sound is ac3: it has to be re-encoded to AAC" in upload.warnings

    def test_without_sound_nothing_is_said_about_it(self, make: Any) -> None:
        upload = probe_upload(make("silent.mp4", *H264, "-an"))
        assert (upload.audio, upload.warnings) == ((), ())

    def test_ten_bit_pq_is_hdr(self, make: Any) -> None:
        ten_bit = ("-pix_fmt", "yuv420p10le", "-vf", "setparams=color_trc=smpte2084")
        upload = probe_upload(
            make("pq.mp4", "-c:v", "libx265", "-x265-params", "log-level=0", *ten_bit)
        )
        assert (upload.hdr, upload.bit_depth, upload.color_transfer) == (True, 10, "smpte2084")

    def test_an_odd_size_warns(self, make: Any) -> None:
        odd = ("-vf", "scale=159:89", "-c:v", "libvpx-vp9", "-cpu-used", "8", "-an")
        upload = probe_upload(make("odd.webm", *odd))
        assert (upload.width, upload.height) == (159, 89)
        assert any("odd size 159x89" in warning for warning in upload.warnings)


class TestDamage:
    def test_a_packet_whose_lengths_do_not_add_up_shows_no_frame(
        self, make: Any, tmp_path: Path
    ) -> None:
        whole = make("plain.mp4", *H264, "-an")
        content = bytearray(whole.read_bytes())
        with av.open(str(whole)) as container:
            packets = [p for p in container.demux(video=0) if p.size]
            # One that no other refers to: the decoder itself would show all the rest.
            position = next(p.pos for p in packets[5:] if p.is_disposable or not p.is_keyframe)
        content[position : position + 8] = b"\xff" * 8
        upload = probe_upload(_written(tmp_path / "damaged.mp4", bytes(content)))
        assert len(upload.frame_times_s) == 49
        assert upload.frame_times_s == pytest.approx(decoded_times_s(upload), abs=1e-5)
        assert "1 of 50 video packets are damaged" in upload.warnings

    def test_a_file_cut_short_behind_its_index_keeps_what_is_there(
        self, make: Any, tmp_path: Path
    ) -> None:
        whole = make("faststart.mp4", *H264, "-movflags", "+faststart").read_bytes()
        upload = probe_upload(_written(tmp_path / "short.mp4", whole[: len(whole) // 2]))
        assert 0 < len(upload.frame_times_s) < 50
        assert any("cut short" in warning for warning in upload.warnings)

    def test_damage_leaves_no_chatter_on_stderr(self, make: Any, tmp_path: Path) -> None:
        whole = make("faststart.mp4", *H264, "-movflags", "+faststart").read_bytes()
        short = _written(tmp_path / "short.mp4", whole[: len(whole) // 2])
        script = "import pathlib, sys, clipkit.media.probe as p; p.probe_upload(pathlib.Path(sys.argv[1]))"
        done = subprocess.run(
            [sys.executable, "-c", script, str(short)], capture_output=True, check=True, timeout=60
        )
        assert (done.stdout, done.stderr) == (b"", b"")


class TestRefusals:
    def refusal(self, path: Path) -> str:
        with pytest.raises(UploadError) as refused:
            probe_upload(path)
        assert "\n" not in str(refused.value)
        return str(refused.value)

    def test_a_missing_file(self, tmp_path: Path) -> None:
        assert "does not exist" in self.refusal(tmp_path / "none.mp4")

    def test_a_folder(self, tmp_path: Path) -> None:
        assert "is a folder" in self.refusal(tmp_path)

    def test_an_empty_file(self, tmp_path: Path) -> None:
        assert "is empty" in self.refusal(_written(tmp_path / "empty.mp4", b""))

    def test_a_fifo_which_would_hang(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "fifo")
        assert "not a regular file" in self.refusal(tmp_path / "fifo")

    def test_a_device(self) -> None:
        assert "not a regular file" in self.refusal(Path("/dev/zero"))

    def test_a_loop_of_links(self, tmp_path: Path) -> None:
        (tmp_path / "a").symlink_to(tmp_path / "b")
        (tmp_path / "b").symlink_to(tmp_path / "a")
        assert "cannot open" in self.refusal(tmp_path / "a")

    def test_a_name_that_no_file_can_have(self) -> None:
        assert "cannot open" in self.refusal(Path("a\0b"))

    def test_a_file_that_may_not_be_read(self, tmp_path: Path) -> None:
        secret = _written(tmp_path / "secret.mp4", b"x")
        secret.chmod(0)
        with _without_privileges():
            assert "permission denied" in self.refusal(secret)

    def test_an_mp4_without_its_index(self, make: Any, tmp_path: Path) -> None:
        whole = make("plain.mp4", *H264).read_bytes()
        message = self.refusal(_written(tmp_path / "short.mp4", whole[: len(whole) // 2]))
        assert "cut short" in message
        assert "moov" in message

    def test_sound_alone(self, make: Any) -> None:
        assert "no video stream" in self.refusal(make("sound.mp4", "-vn", "-c:a", "aac"))

    def test_sound_with_a_cover_picture(self, make: Any) -> None:
        cover = ("-frames:v", "1", "-c:v", "png", "-disposition:v", "attached_pic")
        assert "no video stream" in self.refusal(make("song.m4a", *cover, "-f", "mp4"))

    def test_a_codec_that_nobody_knows(self, make: Any, tmp_path: Path) -> None:
        known = make("plain.mp4", *H264).read_bytes()
        message = self.refusal(_written(tmp_path / "unknown.mp4", known.replace(b"avc1", b"zzzz")))
        assert "codec that is not known" in message

    @pytest.mark.parametrize(
        "content", [b"hello world\n" * 100, bytes(10_000), b"\x89PNG\r\n\x1a\n"]
    )
    def test_what_is_no_video(self, tmp_path: Path, content: bytes) -> None:
        message = self.refusal(_written(tmp_path / "film.mp4", content))
        assert "not a video that clipkit can read" in message

    def test_playlists_that_would_open_other_files(self, make: Any, tmp_path: Path) -> None:
        target = make("plain.ts", *H264)
        hls = f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{target}\n#EXT-X-ENDLIST\n"
        self.refusal(_written(tmp_path / "list.m3u8", hls.encode()))
        self.refusal(
            _written(tmp_path / "list.mp4", f"ffconcat version 1.0\nfile {target}\n".encode())
        )

    def test_pictures_of_which_none_decodes(self, make: Any, tmp_path: Path) -> None:
        options = ("-c:v", "libx264", "-g", "250", "-an")
        whole = make("one-key.ts", *options).read_bytes()
        tail = whole[len(whole) // 2 // 188 * 188 :]
        assert "not one frame" in self.refusal(_written(tmp_path / "tail.ts", tail))


class TestNames:
    @pytest.mark.parametrize(
        "name", ["concat:a|b.mp4", "-y.mp4", "http:example", "%03d.mp4", "with space é.mp4", "a\nb"]
    )
    def test_odd_names_are_plain_files(
        self, make: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        content = make("plain.mp4", *H264).read_bytes()
        _written(tmp_path / name, content)
        monkeypatch.chdir(tmp_path)
        upload = probe_upload(Path(name))
        assert upload.path == (tmp_path / name).resolve()
        assert len(upload.frame_times_s) == 50

    def test_a_name_that_is_not_utf8_is_a_plain_file(self, make: Any, tmp_path: Path) -> None:
        name = os.fsdecode(b"film-\xff.mp4")
        upload = probe_upload(_written(tmp_path / name, make("plain.mp4", *H264).read_bytes()))
        assert len(upload.frame_times_s) == 50


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("plain.mp4", H264),
        ("plain.mkv", H264),
        ("fragmented.mp4", (*H264, "-movflags", "frag_keyframe+empty_moov")),
    ],
)
def test_an_exact_seek_loses_no_frame(make: Any, name: str, options: tuple[str, ...]) -> None:
    upload = probe_upload(make(name, *options))
    assert upload.seek == "exact"
    just_before = f"{upload.frame_times_s[33] - 0.005:.6f}"
    file = str(upload.path)
    sought = ffmpeg_frame("-ss", just_before, "-i", file)
    assert sought == ffmpeg_frame("-i", file, "-ss", just_before)


def test_a_facts_sheet_is_json_without_nan(make: Any) -> None:
    facts = probe_upload(make("plain.mp4", *H264)).facts()
    assert facts["frames"] == 50
    assert all(math.isfinite(v) for v in facts.values() if isinstance(v, float))


@contextmanager
def _without_privileges() -> Iterator[None]:
    """Root may read everything: be nobody for a moment."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path
