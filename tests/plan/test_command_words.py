"""A command's words are read as ffmpeg and x264 read them; what they leave open is unknown."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest
from looking import x264_options

from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.plan.baselines import parse_template
from clipkit.plan.command_words import NOTHING, CommandWords, read_words
from clipkit.plan.ffmpeg_words import take_apart

OURS = "ffmpeg -ss {start} -i {input} -t {duration} -c:v libx264"


def read(text: str) -> CommandWords:
    return read_words(parse_template(text).argv)


def stated(text: str) -> dict[str, object]:
    return {name: value for name, value in read(text).settings.items() if value is not None}


class TestPlaces:
    @pytest.mark.parametrize(
        ("text", "known"),
        [
            ("-ss {start} -i {input} -t {duration} {output}", {"seek": "input"}),
            ("-i {input} -ss {start} -to {end} {output}", {"seek": "output"}),
            ("-y -i {input} -nostdin -ss {start} {output}", {"seek": "output"}),
            ("-ss 0 -i {input} -ss {start} {output}", {"seek": "output"}),
            ("-ss {start} -i {input} -ss 2 {output}", {}),
            ("-i {input} {output}", {}),
            ("-threads 2 -i {input} {output}", {"decoder_threads": 2}),
            ("-i {input} -threads 2 {output}", {"encoder_threads": 2}),
            (
                "-threads 1 -i {input} -threads auto {output}",
                {"decoder_threads": 1, "encoder_threads": 0},
            ),
            ("-i {input} {output} -threads 2 -preset fast -an", {}),
            ("-i {input} {output} -filter_threads 3", {"filter_threads": 3}),
            ("-crf 20 -i {input} {output}", {}),
            ("-i music.mp3 -threads 2 -i {input} {output}", {"decoder_threads": 2}),
            ("-threads 2 -i music.mp3 -i {input} {output}", {}),
            ("-i {input} -crf 30 other.mp4 -crf 20 {output}", {"crf": 20}),
            ("-i {input} -crf 20 -- {output}", {"crf": 20}),
            ("-noautorotate -i {input} -crf 20 {output}", {"crf": 20}),
            ("-autorotate 0 -i {input} -crf 20 {output}", {"crf": 20}),
        ],
    )
    def test_an_option_is_for_the_file_after_it(self, text: str, known: dict[str, object]) -> None:
        assert stated(f"ffmpeg {text}") == {"mode": "encode"} | known

    @pytest.mark.parametrize(
        "text",
        [
            *(f"{flag} -i {{input}}" for flag in ("-y", "-n", "-nostdin", "-hide_banner", "-re")),
            *(f"{flag} -i {{input}}" for flag in ("-noautorotate", "-copyts", "-stats", "-an")),
            *(f"-i {{input}} {flag}" for flag in ("-an", "-sn", "-dn", "-shortest", "-bitexact")),
        ],
    )
    def test_a_flag_takes_no_word(
        self, text: str, small: Path, each_build: FfmpegBuild, tmp_path: Path
    ) -> None:
        assert read(f"ffmpeg {text} -crf 20 {{output}}").settings.crf == 20
        clip = tmp_path / "clip.mp4"
        words = f"{text} -t 0.2 -crf 20 {{output}}".format(input=small, output=clip).split()
        argv = [each_build.path, *words]
        subprocess.run(argv, check=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
        assert clip.stat().st_size > 0


class TestFraming:
    @pytest.mark.parametrize(
        ("filters", "known"),
        [
            ("scale=-2:480", {"scale_height": 480}),
            ("'scale=-2:min(480,ih)'", {}),
            (r"'scale=-2:min(480\,ih)'", {"scale_height": 480}),
            ("crop=ih*9/16:ih,scale=-2:720", {"crop": "9:16", "scale_height": 720}),
            ("crop=600:700:10:20", {"crop": "600:700:10:20"}),
            ("hflip,scale=-2:480", {}),
            ("scale=-2:8", {}),
        ],
    )
    def test_what_crops_and_scales_is_read(self, filters: str, known: dict[str, object]) -> None:
        text = f"{OURS} -vf {filters} {{output}}"
        assert stated(text) == {"mode": "encode", "seek": "input"} | known
        words = read(text)
        assert words.filters == filters.strip("'")
        assert bool(words.picture_options) is not bool(known)

    def test_two_graphs_are_not_understood(self) -> None:
        text = f"{OURS} -vf scale=-2:480 -filter_complex hflip {{output}}"
        assert "scale_height" not in stated(text)


def test_whether_an_option_takes_a_word_is_known_of_every_one(
    small: Path, build: FfmpegBuild, tmp_path: Path
) -> None:
    """ffmpeg tells: of a flag the word after it is read as an option, which there is none of."""
    argv = [build.path, "-hide_banner", "-h", "long"]
    told = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    names = set(re.findall(r"^-([a-z_0-9]+)", told[told.index("Global options") :], re.MULTILINE))
    assert len(names) > 150
    for name in names - {"report", "vstats"}:  # these write files
        words = ("ffmpeg", f"-{name}", "-no_such_option", "7", "-i", str(small))
        done = subprocess.run(
            [build.path, *words[1:]],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        is_flag = "Unrecognized option 'no_such_option'" in done.stderr
        taken = take_apart(words)
        assert taken is not None
        assert bool(taken.inputs and not taken.outputs) is is_flag, name


class TestPrograms:
    @pytest.mark.parametrize(
        "program",
        [
            "ffmpeg",
            "/opt/bin/ffmpeg",
            "nice -n 5 ffmpeg",
            "nice -5 ffmpeg",
            "timeout 60 ffmpeg",
            "timeout -k 5 60 nice ffmpeg",
            "env A=1 B=2 ffmpeg",
            "nohup ffmpeg",
            "taskset -c 0 {ffmpeg}",
        ],
    )
    def test_ffmpeg_is_read_also_behind_a_simple_wrapper(self, program: str) -> None:
        assert read(f"{program} -i {{input}} -crf 20 {{output}}").settings.crf == 20

    @pytest.mark.parametrize(
        "text",
        [
            "cut.sh {ffmpeg} -ss {start} -i {input} -crf 20 {output}",
            "sh -c 'ffmpeg -ss {start} -i {input} -crf 20 {output}'",
            "HandBrakeCLI -i {input} -o {output} -q 20",
            "timeout 60 cut.sh {input} {output}",
            "nice -n 5 cut {input} {output}",
        ],
    )
    def test_of_any_other_nothing_is_known(self, text: str) -> None:
        assert read(text) == NOTHING

    def test_of_a_film_that_is_read_twice_nothing_is_known(self) -> None:
        assert read("ffmpeg -i {input} -ss 1 -i {input} -crf 20 {output}") == NOTHING


class TestEncoding:
    @pytest.mark.parametrize(
        ("text", "encoder", "bitrate_bps"),
        [
            ("-c:v libx264 -b:v 2M", "libx264", 2_000_000),
            ("-vcodec libx264 -b 1.5M", "libx264", 1_500_000),
            ("-codec:v libx264 -x264-params bitrate=300", "libx264", 300_000),
            ("-c:v libx264 -b:v 2M -crf 20", "libx264", None),
            ("-c:v libx265 -b:v 800k", "libx265", 800_000),
            ("-c:v:0 h264_nvenc -preset p4", "h264_nvenc", None),
            ("-b:a 64k", None, None),
            ("-c copy", None, None),
            ("-c copy -c:v libx264", "libx264", None),
            ("-c:v libx264 -c copy", None, None),
            ("-c:v libx264 -vn", None, None),
        ],
    )
    def test_encoder_and_bit_rate_are_those_stated(
        self, text: str, encoder: str | None, bitrate_bps: int | None
    ) -> None:
        words = read(f"ffmpeg -i {{input}} {text} {{output}}")
        assert (words.video_encoder, words.bitrate_bps) == (encoder, bitrate_bps)

    def test_filters_are_told_as_they_stand_there(self) -> None:
        assert read(f"{OURS} -vf 'scale=-2:720, x' {{output}}").filters == "scale=-2:720, x"
        assert read(f"{OURS} -filter:v hflip {{output}}").filters == "hflip"
        assert read(f"{OURS} -filter_complex '[0]hflip[v]' {{output}}").filters == "[0]hflip[v]"
        assert read(f"{OURS} -af volume=2 {{output}}").filters is None

    @pytest.mark.parametrize(
        ("text", "audio"),
        [
            ("-c:a copy", "copy"),
            ("-acodec aac", "aac"),
            ("-an", "none"),
            ("-c:a copy -an", "none"),
            ("-map 0:v:0", "none"),
            ("-c:a libmp3lame", None),
            ("-c:v libx264", None),
            ("-c copy -c:v libx264", "copy"),
        ],
    )
    def test_sound_is_known_where_it_is_clearly_that(self, text: str, audio: str | None) -> None:
        assert read(f"ffmpeg -i {{input}} {text} {{output}}").settings.audio == audio

    def test_a_copy_of_the_pictures_encodes_nothing(self) -> None:
        copied = read("ffmpeg -ss {start} -i {input} -preset fast -crf 20 -c copy {output}")
        assert copied.copies_video
        assert copied.settings.mode == "snap"
        assert (copied.settings.preset, copied.settings.crf) == (None, None)
        assert read("ffmpeg -i {input} -ss {start} -c copy {output}").settings.mode is None


class TestPictureOptions:
    @pytest.mark.parametrize(
        "text",
        [
            "-preset veryfast -crf 20 -threads 2 -bf 0 -refs 1 -c:a copy",
            "-y -nostdin -movflags +faststart -f mp4 -pix_fmt yuv420p -map_metadata -1 -sn",
            "-x264-params rc-lookahead=5:mbtree=0 -c:a aac -b:a 128k -map 0:v:0 -map 0:a:0?",
            "-an",
        ],
    )
    def test_what_the_engine_says_or_what_leaves_the_picture_alone_is_none(self, text: str) -> None:
        assert read(f"{OURS} {text} {{output}}").picture_options == ()

    @pytest.mark.parametrize(
        "text",
        [
            "-tune film",
            "-profile:v baseline",
            "-b:v 2M",
            "-maxrate 3M",
            "-crf 23.5",
            "-qp 20",
            "-g 50",
            "-r 30",
            "-s 640x360",
            "-vf hflip",
            "-af volume=2",
            "-pix_fmt yuv420p10le",
            "-b:a 64k",
            "-c:a libmp3lame",
            "-x264-params keyint=50",
            "-map 0:1",
            "-shortest",
            "-unheard_of 3",
        ],
    )
    def test_any_other_is_one(self, text: str) -> None:
        assert read(f"{OURS} {text} {{output}}").picture_options == (text,)

    def test_so_is_another_encoder_input_or_output(self) -> None:
        found = read(
            "ffmpeg -noaccurate_seek -ss {start} -i {input} -i logo.png -filter_complex overlay "
            "-c:v libx265 {output} poster.jpg"
        ).picture_options
        assert found == (
            "-filter_complex overlay",
            "-noaccurate_seek",
            "-i logo.png",
            "another output, poster.jpg",
            "-c:v libx265",
        )


class TestAsked:
    def test_what_is_left_to_ffmpeg_is_asked_as_ffmpeg_does_it(self) -> None:
        asked = read("ffmpeg -i {input} -ss {start} -c:a copy {output}").asked()
        assert (asked.seek, asked.audio) == ("output", "copy")
        assert (asked.preset, asked.crf) == ("medium", 23)
        assert (asked.encoder_threads, asked.decoder_threads, asked.filter_threads) == (0, 0, 0)

    def test_it_states_the_same_again(self) -> None:
        words = read(f"{OURS} -preset veryfast -crf 20 -threads 2 -bf 1 {{output}}")
        assert (
            words.asked().used.changed_to(
                **{name: None for name, value in words.settings.items() if value is None}
            )
            == words.settings
        )


_SAID = {
    "crf": "crf",
    "bframes": "bframes",
    "refs": "ref",
    "encoder_threads": "threads",
    "lookahead": "rc_lookahead",
    "mbtree": "mbtree",
}
_SUBME = {"ultrafast": "0", "veryfast": "2", "faster": "4", "fast": "6", "medium": "7"}


class TestAsX264SaysItself:
    """Whatever the reader says, x264 says of itself in the stream that the command wrote."""

    @pytest.mark.parametrize(
        ("text", "known"),
        [
            ("-preset veryfast -threads 1", {"preset", "encoder_threads"}),
            ("-preset:v veryfast -threads:v 1 -crf:v 30", {"preset", "crf", "encoder_threads"}),
            ("-preset fast -preset:v veryfast -preset faster", {"preset"}),
            ("-preset 2 -crf 30.0", {"preset", "crf"}),
            ("-preset:a ultrafast -crf:a 30", set()),
            ("-preset:0 veryfast -crf:0 30", {"preset", "crf"}),
            (
                "-crf 20 -x264-params crf=30:ref=1 -x264opts crf=28:bframes=0",
                {"crf", "refs", "bframes"},
            ),
            ("-x264opts ref=1 -x264-params crf=30 -x264-params bframes=0", {"refs", "bframes"}),
            ("-b:v 500k -crf 20", {"crf"}),
            ("-crf 20 -b 500k", {"crf"}),
            ("-b:v 500k", set()),
            ("-x264-params bitrate=300:crf=30", {"crf"}),
            ("-x264-params crf=30:bitrate=300", set()),
            ("-qp 20 -crf 30", {"crf"}),
            ("-bf 0 -refs 1 -x264-params ref=3", {"bframes", "refs"}),
            ("-x264-params nombtree=1:threads=2 -threads 1", {"mbtree", "encoder_threads"}),
            ("-x264-params rc_lookahead=5:mbtree=1:frameref=2", {"lookahead", "mbtree", "refs"}),
            ("-rc-lookahead 9 -threads 1", {"lookahead", "encoder_threads"}),
            ("-mbtree 0", {"mbtree"}),
            ("-c copy -c:v libx264 -an -crf 30 -shortest -sn", {"crf"}),
            ("-vcodec h264 -crf 30", {"crf"}),
        ],
    )
    def test_of_this_command(
        self, text: str, known: set[str], small: Path, each_build: FfmpegBuild, tmp_path: Path
    ) -> None:
        template = parse_template(f"ffmpeg -v error -i {{input}} -t 0.4 {text} {{output}}")
        words = read_words(template.argv)
        read_of_it = {name: value for name, value in words.settings.items() if value is not None}
        assert set(read_of_it) - {"mode", "audio"} == known
        clip = tmp_path / "clip.mp4"
        line = shlex.join(template.argv[1:]).replace("'{", "{").replace("}'", "}")
        argv = [each_build.path, *shlex.split(line.format(input=small, output=clip))]
        subprocess.run(argv, check=True, stdin=subprocess.DEVNULL, timeout=60)
        said = x264_options(clip)
        for name, theirs in _SAID.items():
            if name in known:
                assert float(said[theirs]) == read_of_it[name], name
        if words.bitrate_bps is not None:
            assert (said["rc"], int(said["bitrate"]) * 1000) == ("abr", words.bitrate_bps)
        else:
            assert float(said["crf"]) == words.asked().crf
        assert said["subme"] == _SUBME[words.asked().preset]
