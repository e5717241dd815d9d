"""Who cuts: by name, with the settings that it really uses, and from where it decodes."""

from __future__ import annotations

import importlib.util
from dataclasses import replace

import pytest
from inventing_uploads import upload

from clipkit.errors import TemplateError, UsageError
from clipkit.plan import baselines, subjects
from clipkit.plan.clips import Clip, Job
from clipkit.plan.subjects import Subject, from_template, told
from clipkit.settings import Settings

# Every setting as nobody has it by default.
ASKED = Settings(
    seek="output",
    preset="fast",
    crf=30,
    concurrency=3,
    encoder_threads=4,
    decoder_threads=2,
    filter_threads=2,
    lookahead=5,
    mbtree=False,
    bframes=1,
    refs=2,
    audio="none",
    hdr="keep",
    ffmpeg="system",
)
TEXT = "cut.sh {input} {start} {duration} {output}"
COMMAND = baselines.parse(TEXT)
MOVIEPY = from_template(baselines.moviepy(ASKED))


def named(name: str, settings: Settings = ASKED) -> Subject:
    return MOVIEPY if name == "moviepy" else subjects.named(name, settings, TEXT)


class TestNames:
    def test_each_name_gives_its_subject(self) -> None:
        found = [subjects.named(name, ASKED, TEXT) for name in ("clipkit", "sketch", "fluent")]
        assert found == [Subject(), *map(from_template, baselines.original(ASKED))]
        assert subjects.named("command", ASKED, TEXT) == from_template(COMMAND)

    def test_an_unknown_one_is_told_with_those_that_are_legal(self) -> None:
        with pytest.raises(TemplateError) as raised:
            subjects.named("sketchy", ASKED, TEXT)
        assert "'sketchy'" in str(raised.value)
        assert all(name in str(raised.value) for name in subjects.NAMES)

    def test_the_users_command_has_to_be_given(self) -> None:
        with pytest.raises(TemplateError, match="needs a command"):
            subjects.named("command", ASKED)
        with pytest.raises(TemplateError, match=r"'cut.sh \{input\}' lacks \{output\}"):
            subjects.named("command", ASKED, "cut.sh {input}")

    def test_moviepy_is_there_or_what_to_install_is_told(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(importlib.util, "find_spec", lambda _name: object())
        assert subjects.named("moviepy", ASKED) == MOVIEPY
        monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
        with pytest.raises(UsageError, match=r"pip install 'clipkit\[compare\]'"):
            subjects.named("moviepy", ASKED)


class TestSettingsUsed:
    """A record tells what was run, not what was asked of somebody who does not listen."""

    left = Settings(
        concurrency=3, ffmpeg="system", encoder_threads=0, decoder_threads=0, filter_threads=0
    )

    def test_the_engine_uses_them_all(self) -> None:
        assert told(Subject(), ASKED) == ASKED

    @pytest.mark.parametrize(
        ("name", "own"),
        [
            ("sketch", {"seek": "output", "audio": "copy", "preset": "fast", "crf": 30}),
            ("fluent", {"audio": "copy", "preset": "fast", "crf": 30, "encoder_threads": 4}),
            ("moviepy", {"audio": "aac", "preset": "fast", "crf": 30, "encoder_threads": 4}),
            ("command", {}),
        ],
    )
    def test_the_others_what_they_follow_and_their_own(
        self, name: str, own: dict[str, object]
    ) -> None:
        assert told(named(name), ASKED) == replace(self.left, **own)  # type: ignore[arg-type]

    @pytest.mark.parametrize("name", ["sketch", "fluent", "moviepy", "command"])
    def test_they_say_the_same_of_themselves_again(self, name: str) -> None:
        once = told(named(name), ASKED)
        assert told(named(name), once) == once

    def test_what_a_subject_is_told_is_what_its_command_says(self) -> None:
        other = replace(ASKED, encoder_threads=8)
        assert subjects.named("sketch", ASKED) == subjects.named("sketch", other)
        assert told(named("sketch"), ASKED) == told(named("sketch"), other)
        assert subjects.named("fluent", ASKED) != subjects.named("fluent", other)
        assert told(named("fluent"), ASKED) != told(named("fluent"), other)

    def test_of_the_users_command_the_side_of_its_seek_is_known(self) -> None:
        late = baselines.parse("ffmpeg -i {input} -ss {start} -t {duration} {output}")
        early = baselines.parse("ffmpeg -ss {start} -i {input} -t {duration} {output}")
        assert told(from_template(late), ASKED).seek == "output"
        assert told(from_template(early), ASKED).seek == "input"
        assert told(from_template(COMMAND), ASKED) == told(
            from_template(COMMAND), Settings(concurrency=3, ffmpeg="system")
        )


class TestFramesDecoded:
    """From where decoding starts up to the clip's last frame; a key frame each 50 frames."""

    clip = Clip(7.0, 2.0)

    def decoded(self, subject: Subject, settings: Settings | None = None) -> int | None:
        job = Job(upload(), (self.clip,))
        return subject.frames_decoded(job, self.clip, settings or Settings())

    def test_of_the_engine_from_the_key_frame(self) -> None:
        assert self.decoded(Subject()) == 225 - 150
        assert self.decoded(Subject(), Settings(seek="output")) == 225

    def test_of_the_original_by_the_side_of_its_seek(self) -> None:
        sketch, fluent = map(from_template, baselines.original(Settings()))
        assert self.decoded(sketch) == 225
        assert self.decoded(fluent) == 225 - 150

    def test_of_who_does_not_tell_it_is_unknown(self) -> None:
        assert self.decoded(from_template(COMMAND)) is None
        assert self.decoded(MOVIEPY) is None
