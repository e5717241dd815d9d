"""How the backend cuts today, word for word, and the user's own command line."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from inventing_uploads import upload

from clipkit.errors import FfmpegError, TemplateError
from clipkit.ffmpeg_builds import FfmpegBuild
from clipkit.media.formats import GUARD
from clipkit.media.upload import Upload
from clipkit.plan import baselines
from clipkit.plan.clips import Clip, Job
from clipkit.plan.framing_words import framing_chain
from clipkit.plan.subjects import subject_named
from clipkit.plan.task import OUTPUT, Run, Task
from clipkit.settings import Settings

BUILD = FfmpegBuild("bundled", "/opt/ffmpeg", "9.0.2", frozenset(), frozenset())

GUARDED = " ".join(GUARD)
"""Of an upload that may be a playlist to this ffmpeg, nothing else may be opened."""
TWO_FILMS = upload(path=Path("/uploads/two.mp4"), films=2, video_stream=1)


def argv(task: Task) -> tuple[str, ...]:
    """Of its only step."""
    ((step,),) = (attempt.steps for attempt in task.attempts)
    assert isinstance(step, Run)
    return step.argv


def words(template: baselines.Template, name: str = "film.mp4") -> tuple[str, ...]:
    job = Job(upload(path=Path("/uploads", name)), (Clip(5.04, 12.0),))
    (task,) = baselines.template_tasks(job, template, BUILD)
    assert (task.judged, task.output) == (False, "clip-001.mp4")
    return argv(task)


class TestTheOriginal:
    def test_the_sketch_seeks_after_the_input(self) -> None:
        sketch, _ = baselines.original_templates(Settings())
        line = f"/opt/ffmpeg {GUARDED} -i file:/uploads/film.mp4 -ss 5.040000 -t 12.000000 -c:v libx264"
        line += " -preset ultrafast -c:a copy"
        assert words(sketch) == (*line.split(), OUTPUT)

    def test_fluent_seeks_before_it(self) -> None:
        _, fluent = baselines.original_templates(Settings(preset="fast", crf=30))
        line = f"/opt/ffmpeg -ss 5.040000 {GUARDED} -i file:/uploads/film.mp4 -y -t 12.000000"
        line += " -c:v libx264 -preset fast -crf 30 -threads 1 -c:a copy"
        assert words(fluent) == (*line.split(), OUTPUT)

    @pytest.mark.parametrize(("threads", "told"), [(0, ()), (1, ("1",)), (8, ("8",))])
    def test_fluents_threads_are_the_encoders_of_the_settings(
        self, threads: int, told: tuple[str, ...]
    ) -> None:
        sketch, fluent = baselines.original_templates(Settings(encoder_threads=threads))
        followed = [
            b for a, b in zip(fluent.argv, fluent.argv[1:], strict=False) if a == "-threads"
        ]
        assert tuple(followed) == told
        assert "-threads" not in sketch.argv

    def test_they_crop_and_scale_as_the_settings_say(self) -> None:
        asked = Settings(crop="1:1", scale_height=480)
        for template in baselines.original_templates(asked):
            place = template.argv.index("-vf")
            assert template.argv[place + 1] == framing_chain(asked)
            assert template.argv[place + 2] == "-c:v"
        for template in baselines.original_templates(Settings()):
            assert "-vf" not in template.argv

    def test_a_part_outside_the_picture_is_refused(self) -> None:
        """ffmpeg would move it inside."""
        job = Job(upload(), (Clip(1.0, 2.0),))
        asked = Settings(crop="100:100:1200:0")
        for name in ("sketch", "fluent"):
            with pytest.raises(FfmpegError, match="which is 1280x720 as shown"):
                subject_named(name, asked).tasks(job, asked, BUILD)  # type: ignore[union-attr]

    def test_of_several_films_the_originals_cut_the_one_that_clipkit_cuts(self) -> None:
        job = Job(TWO_FILMS, (Clip(1.0, 2.0),))
        users = baselines.parse_template("ffmpeg -i {input} -ss {start} {output}")
        for template in (*baselines.original_templates(Settings()), users):
            (task,) = baselines.template_tasks(job, template, BUILD)
            step = argv(task)
            maps = ("-map", "0:1", "-map", "0:a:0", OUTPUT)
            assert (step[-5:] == maps) is not template.theirs
            assert ("-map" in step) is not template.theirs

    @pytest.mark.parametrize(
        ("film", "maps"),
        [
            (upload(sound_track=2), ("-map", "0:0", "-map", "0:a:2")),
            (upload(sound_track=None, films=2), ("-map", "0:0")),
            (upload(sound_track=None), ()),
            (upload(sound_track=0), ()),
        ],
    )
    def test_the_originals_take_the_sound_that_clipkit_takes(
        self, film: Upload, maps: tuple[str, ...]
    ) -> None:
        """ffmpeg's own choice may be of another programme, or a track that it cannot decode."""
        for template in baselines.original_templates(Settings()):
            (task,) = baselines.template_tasks(Job(film, (Clip(1.0, 2.0),)), template, BUILD)
            step = argv(task)
            assert step[step.index("-map") : -1] == maps if maps else "-map" not in step


class TestMoviepy:
    line = "-P -m clipkit.plan.moviepy_clip /opt/ffmpeg /uploads/film.mp4 5.040000 17.040000"

    def test_runs_with_our_python_on_the_ffmpeg_of_all(self) -> None:
        start = (sys.executable, *self.line.split(), OUTPUT)
        template = baselines.moviepy_template(Settings())
        assert words(template) == (*start, "-preset", "ultrafast", "-threads", "1")
        changed = baselines.moviepy_template(Settings(preset="fast", crf=30, encoder_threads=0))
        assert words(changed) == (*start, "-preset", "fast", "-crf", "30")

    def test_is_the_same_template_on_every_machine(self) -> None:
        assert not any(word.startswith("/") for word in baselines.moviepy_template(Settings()).argv)

    def test_of_several_films_it_takes_its_own_choice(self) -> None:
        job = Job(TWO_FILMS, (Clip(1.0, 2.0),))
        (task,) = baselines.template_tasks(job, baselines.moviepy_template(Settings()), BUILD)
        assert "-map" not in argv(task)


class TestTemplates:
    def test_the_words_are_a_shells_and_no_shell_gets_them(self) -> None:
        template = baselines.parse_template("cut 'a b' \"$HOME;ls\" {input} --to={end} {output}")
        assert words(template, "x y; rm *.mp4") == (
            "cut",
            "a b",
            "$HOME;ls",
            "/uploads/x y; rm *.mp4",
            "--to=17.040000",
            OUTPUT,
        )

    def test_a_placeholder_in_an_uploads_name_is_a_name(self) -> None:
        template = baselines.parse_template("cut {input} {start} {output}")
        assert words(template, "{start}{output}.mp4")[1:3] == (
            "/uploads/{start}{output}.mp4",
            "5.040000",
        )

    def test_plain_ffmpeg_is_the_build_of_the_settings(self) -> None:
        assert words(baselines.parse_template("ffmpeg -i {input} {output}"))[0] == "/opt/ffmpeg"
        named = baselines.parse_template("/usr/local/bin/ffmpeg -i {input} {output}")
        assert words(named)[0] == "/usr/local/bin/ffmpeg"
        assert "-format_whitelist" not in words(named)
        wrapper = baselines.parse_template("cut.sh {ffmpeg} {input} {output}")
        assert words(wrapper)[:2] == ("cut.sh", "/opt/ffmpeg")

    def test_a_python_of_the_users_is_theirs(self) -> None:
        assert words(baselines.parse_template("python cut.py {input} {output}"))[0] == "python"

    def test_its_text_is_what_was_typed(self) -> None:
        text = "ffmpeg -ss {start} -i {input} -vf 'scale=1:2, x' {output}"
        assert baselines.parse_template(text).text == text
        assert (
            baselines.parse_template(baselines.parse_template(text).text).argv
            == baselines.parse_template(text).argv
        )

    @pytest.mark.parametrize(
        ("text", "complaint"),
        [
            ("ffmpeg -i {input} out.mp4", "lacks {output}"),
            ("ffmpeg {output}", "lacks {input}"),
            ("ffmpeg -i {input} {outptu} {output}", "unknown placeholder {outptu}"),
            ("ffmpeg -i '{input} {output}", "cannot be split into words"),
            ("{input} {output}", "must start with a program"),
            ("", "lacks {input}"),
        ],
    )
    def test_what_is_wrong_with_one_is_told(self, text: str, complaint: str) -> None:
        with pytest.raises(TemplateError) as told:
            baselines.parse_template(text)
        assert complaint in str(told.value)
        assert told.value.exit_code == 2


@pytest.mark.parametrize(
    "text",
    [
        "ffmpeg -ss {start} -i {input} {output}",
        "ffmpeg -i file:{input} {output}.mp4",
        "ffmpeg -i {input} -metadata 'title=at {start}' {output}",
        "sh -c 'ffmpeg -i {input} {output} 2>/dev/null'",
        "ffmpeg -i '{input}' {output}",
    ],
)
def test_a_template_s_text_is_what_it_was_read_from(text: str):
    template = baselines.parse_template(text)
    assert baselines.parse_template(template.text).argv == template.argv
    assert "'{input}'" not in template.text
