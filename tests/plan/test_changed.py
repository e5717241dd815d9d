"""The user's own words with other settings put in: the smallest edit, and ffmpeg obeys it."""

from __future__ import annotations

import shlex
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from inventing_uploads import upload
from looking import pictures, sound, x264_options

from clipkit.errors import TemplateError
from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.plan.baselines import Template, original_templates, parse_template
from clipkit.plan.changed import Changed
from clipkit.plan.changed_words import changed_argv
from clipkit.plan.clips import Clip, Job
from clipkit.plan.command_words import Encoding, read_words
from clipkit.plan.subjects import TUNABLE, subject_named
from clipkit.plan.task import OUTPUT, Run
from clipkit.settings import Settings, UsedSettings

BUILD = FfmpegBuild("bundled", "/opt/ffmpeg", "9.0.2", frozenset(), frozenset())
LATE = "ffmpeg -y -i {input} -ss {start} -to {end} -c:v libx264 -preset veryfast -c:a aac {output}"


def edited(text: str, **settings: Any) -> str:
    """With these settings, and else as it is."""
    template = parse_template(text)
    asked = replace(read_words(template.argv).asked(), **settings)
    return Template("command", changed_argv(template, asked)).text


class TestSmallestEdit:
    @pytest.mark.parametrize(
        "text",
        [
            LATE,
            "ffmpeg   -ss {start} -i {input} -threads 0 -t {duration} -x264opts ref=1: {output} -an",
            "cut.sh {input} {start} {output}",
            "ffmpeg -i {input} -c copy {output}",
            "nice ffmpeg -i {input} -ss {start} -b:v 2M -tune film {output}",
            "ffmpeg -ss 0 -i {input} -ss {start} -c:v libx265 -crf 28 -preset fast {output}",
        ],
    )
    def test_what_is_stated_already_is_left_word_for_word(self, text: str) -> None:
        template = parse_template(text)
        assert changed_argv(template, read_words(template.argv).asked()) == template.argv

    @pytest.mark.parametrize(
        ("text", "settings", "told"),
        [
            (
                LATE,
                {"seek": "input"},
                "ffmpeg -y -ss {start} -i {input} -t {duration} -c:v libx264 -preset veryfast "
                "-c:a aac {output}",
            ),
            (
                "ffmpeg -ss 0 -threads 2 -i {input} -ss {start} -t 5 {output}",
                {"seek": "input"},
                "ffmpeg -ss {start} -threads 2 -i {input} -t 5 {output}",
            ),
            (
                "ffmpeg -ss {start} -i {input} -t {duration} {output}",
                {"seek": "output"},
                "ffmpeg -i {input} -ss {start} -t {duration} {output}",
            ),
            (
                "ffmpeg -i {input} -vf 'scale=-2:720,crop=iw/2' -ss {start} {output}",
                {"seek": "input", "decoder_threads": 1},
                "ffmpeg -ss {start} -threads 1 -i {input} -vf scale=-2:720,crop=iw/2 {output}",
            ),
            (
                "ffmpeg -i {input} {output} -threads 4",
                {"encoder_threads": 1, "decoder_threads": 2, "filter_threads": 3},
                "ffmpeg -filter_threads 3 -threads 2 -i {input} -threads 1 {output} -threads 4",
            ),
            (
                "ffmpeg -threads 2 -i {input} -threads 1 -threads:v 3 {output}",
                {"encoder_threads": 2, "decoder_threads": 0},
                "ffmpeg -i {input} -threads 1 -threads:v 2 {output}",
            ),
            (
                "ffmpeg -filter_threads 2 -i {input} -threads 1 -x264-params threads=2:ref=1 {output}",
                {"encoder_threads": 0, "filter_threads": 0},
                "ffmpeg -i {input} -x264-params ref=1 {output}",
            ),
            (
                "ffmpeg -i {input} -x264-params keyint=50:bframes=2 -crf 20 {output}",
                {"lookahead": 5, "mbtree": False, "bframes": 0, "refs": 1, "crf": 25},
                "ffmpeg -i {input} -x264-params keyint=50:bframes=0:rc-lookahead=5:mbtree=0 "
                "-crf 25 -refs 1 {output}",
            ),
            (
                "ffmpeg -i {input} -x264opts no-mbtree -- {output}",
                {"mbtree": True, "lookahead": 5, "preset": "fast"},
                "ffmpeg -i {input} -x264opts mbtree=1:rc-lookahead=5 -preset fast -- {output}",
            ),
            (
                "ffmpeg -i {input} -bf 2 -x264-params ref=1 -rc-lookahead 9 {output}",
                {"bframes": None, "refs": None, "lookahead": 3},
                "ffmpeg -i {input} -rc-lookahead 3 {output}",
            ),
            (
                "ffmpeg -i {input} {output}",
                {"mbtree": False, "lookahead": 0},
                "ffmpeg -i {input} -x264-params rc-lookahead=0:mbtree=0 {output}",
            ),
        ],
    )
    def test_only_what_differs_changes_and_where_it_is_stated(
        self, text: str, settings: dict[str, Any], told: str
    ) -> None:
        assert shlex.split(edited(text, **settings)) == shlex.split(told)

    @pytest.mark.parametrize(
        ("text", "settings"),
        [
            ("cut.sh {input} {start} {output}", {"seek": "output", "encoder_threads": 4}),
            ("ffmpeg -ss {start} -i {input} -c copy {output}", {"seek": "output", "crf": 30}),
            ("ffmpeg -i {input} -c:v libx265 {output}", {"preset": "fast", "bframes": 1}),
            ("ffmpeg -i {input} -b:v 2M {output}", {"crf": 30}),
            ("ffmpeg -i {input} -qp 20 {output}", {"crf": 30}),
            ("ffmpeg -ss {start} -i {input} -ss 5 {output}", {"seek": "output"}),
        ],
    )
    def test_what_its_words_leave_no_place_for_is_not_followed(
        self, text: str, settings: dict[str, Any]
    ) -> None:
        assert edited(text, **settings) == text
        subject = Changed(parse_template(text))
        used = subject.used(replace(read_words(subject.template.argv).asked(), **settings))
        assert {name: getattr(used, name) for name in settings} == {
            name: getattr(read_words(subject.template.argv).settings, name) for name in settings
        }

    @pytest.mark.parametrize(
        "option",
        [
            "-vf fade=in:st=2",
            "-vf 'drawbox=enable=gt(t,3)'",
            "-vf trim=start={start}",
            "-af afade",
            "-copyts",
            "-to 17",
        ],
    )
    def test_a_seek_that_would_change_what_else_is_said_stays_and_why_is_told(
        self, option: str
    ) -> None:
        with pytest.raises(TemplateError, match="-ss cannot be moved") as told:
            edited(f"ffmpeg -i {{input}} -ss {{start}} {option} {{output}}", seek="input")
        assert shlex.split(option)[0] in str(told.value)

    def test_so_does_one_for_several_inputs_or_beside_a_limit_on_the_input(self) -> None:
        for text in (
            "ffmpeg -i {input} -i logo.png -ss {start} {output}",
            "ffmpeg -t 90 -i {input} -ss {start} {output}",
        ):
            with pytest.raises(TemplateError, match="-ss cannot be moved"):
                edited(text, seek="input")
        with pytest.raises(TemplateError, match="-ss cannot be moved"):
            edited("ffmpeg -ss {start} -to {end} -i {input} {output}", seek="output")


class TestSubject:
    template = parse_template(LATE)
    asked = Settings(preset="veryfast", encoder_threads=2, decoder_threads=1, filter_threads=0)

    def test_is_named_by_the_command_that_it_changes_and_tunable(self) -> None:
        subject = subject_named("changed", Settings(), LATE)
        assert subject == Changed(self.template)
        assert (subject.name, subject.command, subject.line) == ("changed", LATE, LATE)
        assert subject.tunable
        assert subject.name in TUNABLE
        with pytest.raises(TemplateError, match="needs a command to change"):
            subject_named("changed", Settings())

    def test_its_tasks_are_those_of_the_changed_words(self) -> None:
        job = Job(upload(), (Clip(5.0, 2.0),))
        ((step,),) = (
            a.steps for a in Changed(self.template).tasks(job, self.asked, BUILD)[0].attempts
        )
        assert isinstance(step, Run)
        line = (
            "/opt/ffmpeg -y -ss 5.000000 -threads 1 -i /uploads/film.mp4 -t 2.000000 -c:v libx264"
        )
        line += " -preset veryfast -c:a aac -threads 2"
        assert step.argv == (*line.split(), OUTPUT)

    def test_its_record_holds_what_the_changed_words_state_and_what_was_asked(self) -> None:
        subject = Changed(self.template)
        used = subject.used(self.asked)
        assert used == UsedSettings.of(
            {
                "mode": "encode",
                "seek": "input",
                "preset": "veryfast",
                "crf": 23,
                "encoder_threads": 2,
                "decoder_threads": 1,
                "filter_threads": 0,
                "concurrency": 1,
                "ffmpeg": "bundled",
                "audio": "aac",
            }
        )
        assert subject.used(used.asked()) == used
        assert subject.encoding(self.asked) == Encoding("libx264")

    def test_it_decodes_from_where_the_changed_words_seek(self) -> None:
        job, clip = Job(upload(), (Clip(7.0, 2.0),)), Clip(7.0, 2.0)
        sketch, _ = original_templates(Settings())
        for template in (self.template, sketch):
            subject = Changed(template)
            assert subject.frames_decoded(job, clip, self.asked) == 225 - 150
            late = replace(self.asked, seek="output")
            assert subject.frames_decoded(job, clip, late) == 225


class TestByTheRealFfmpeg:
    def cut(self, argv: tuple[str, ...], film: Path, build: FfmpegBuild, clip: Path) -> Path:
        values = {"input": film, "output": clip, "start": 1.4, "duration": 1.2, "end": 2.6}
        words = [word.format(**values) if "{" in word else word for word in argv[1:]]
        argv = (build.path, "-v", "error", *words)
        subprocess.run(argv, check=True, stdin=subprocess.DEVNULL, timeout=60)
        return clip

    @pytest.mark.parametrize(
        "text",
        [
            LATE,
            "ffmpeg -y -i {input} -vf scale=80:46 -ss {start} -t {duration} -c:a aac {output}",
            "ffmpeg -y -i {input} -ss {start} -t {duration} -tune film -an {output}",
        ],
    )
    def test_with_the_seek_moved_the_clip_is_the_same(
        self, text: str, small: Path, each_build: FfmpegBuild, tmp_path: Path
    ) -> None:
        template = parse_template(text)
        before = self.cut(template.argv, small, each_build, tmp_path / "before.mp4")
        moved = shlex.split(edited(text, seek="input"))
        after = self.cut(tuple(moved), small, each_build, tmp_path / "after.mp4")
        one, other = pictures(before), pictures(after)
        assert other.count == one.count == pytest.approx(30, abs=1)
        assert other.times_s == pytest.approx(one.times_s, abs=0.001)
        assert (other.thumbnails == one.thumbnails).all()
        assert x264_options(after) == x264_options(before)
        assert (sound(before) is None) == (sound(after) is None)

    def test_x264_obeys_what_was_put_in(
        self, small: Path, each_build: FfmpegBuild, tmp_path: Path
    ) -> None:
        text = edited(
            "ffmpeg -i {input} -t 0.4 -preset fast -x264-params bframes=2 {output}",
            encoder_threads=2,
            lookahead=7,
            mbtree=True,
            bframes=1,
            refs=2,
            crf=30,
            decoder_threads=1,
            filter_threads=1,
        )
        clip = self.cut(tuple(shlex.split(text)), small, each_build, tmp_path / "clip.mp4")
        said = x264_options(clip)
        wanted = {"threads": "2", "rc_lookahead": "7", "mbtree": "1", "bframes": "1", "ref": "2"}
        assert said.items() >= (wanted | {"crf": "30.0"}).items()
