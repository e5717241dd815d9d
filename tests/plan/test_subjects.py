"""Who cuts: by name, with the settings that it really uses, and from where it decodes."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from types import MappingProxyType

import pytest
from inventing_uploads import upload

from clipkit.errors import TemplateError, UsageError
from clipkit.plan import baselines
from clipkit.plan.clips import Clip, Job
from clipkit.plan.command_words import Encoding
from clipkit.plan.services import BackendService, Which
from clipkit.plan.subject import Cuts, Serves, Subject
from clipkit.plan.subjects import KINDS, TUNABLE, CommandLine, Engine, subject_named
from clipkit.settings import Settings, UsedSettings

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
    crop="9:16",
    scale_height=480,
    ffmpeg="system",
)
TEXT = "cut.sh {input} {start} {duration} {output}"
COMMAND = baselines.parse_template(TEXT)
MOVIEPY = CommandLine(baselines.moviepy_template(ASKED))
OURS: dict[str, Subject] = {
    "moviepy": MOVIEPY,
    "service": BackendService(Which("node"), ("node", "server.js")),
}
"""What is made without asking the machine whether it is installed or built."""


def named(name: str, settings: Settings = ASKED) -> Subject:
    return OURS.get(name) or subject_named(name, settings, TEXT)


class TestNames:
    def test_each_name_gives_its_subject(self) -> None:
        found = [subject_named(name, ASKED, TEXT) for name in ("clipkit", "sketch", "fluent")]
        assert found == [Engine(), *map(CommandLine, baselines.original_templates(ASKED))]
        assert subject_named("command", ASKED, TEXT) == CommandLine(COMMAND)

    def test_an_unknown_one_is_told_with_those_that_are_legal(self) -> None:
        with pytest.raises(TemplateError) as raised:
            subject_named("sketchy", ASKED, TEXT)
        assert "'sketchy'" in str(raised.value)
        assert all(name in str(raised.value) for name in KINDS)

    def test_the_users_command_has_to_be_given(self) -> None:
        with pytest.raises(TemplateError, match="needs a command"):
            subject_named("command", ASKED)
        with pytest.raises(TemplateError, match=r"'cut.sh \{input\}' lacks \{output\}"):
            subject_named("command", ASKED, "cut.sh {input}")

    def test_moviepy_is_there_or_what_to_install_is_told(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(importlib.util, "find_spec", lambda _name: object())
        assert subject_named("moviepy", ASKED) == MOVIEPY
        monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
        with pytest.raises(UsageError, match=r"pip install 'clipkit\[compare\]'"):
            subject_named("moviepy", ASKED)


class TestSettingsUsed:
    """A record tells what was run, not what was asked of somebody who does not listen."""

    ours = MappingProxyType(
        {"mode": "encode", "encoder_threads": 0, "decoder_threads": 0, "filter_threads": 0}
    )

    def test_the_engine_uses_them_all(self) -> None:
        assert Engine().used(ASKED) == ASKED.used
        assert Engine().used(ASKED).asked() == ASKED

    @pytest.mark.parametrize(
        ("name", "own"),
        [
            ("sketch", {"seek": "output", "audio": "copy"}),
            ("fluent", {"seek": "input", "audio": "copy", "encoder_threads": 4}),
            ("moviepy", {"seek": "input", "audio": "aac", "encoder_threads": 4}),
        ],
    )
    def test_ours_what_they_follow_and_their_own(self, name: str, own: dict[str, object]) -> None:
        """The rest is not followed: unknown, not at our default."""
        picture = {"preset": "fast", "crf": 30, "crop": "9:16", "scale_height": 480}
        followed = {**picture, "concurrency": 3, "ffmpeg": "system"}
        assert named(name).used(ASKED) == UsedSettings.of({**self.ours, **followed, **own})

    def test_of_the_users_command_only_what_the_engine_decides_is_known(self) -> None:
        known = {"concurrency": 3, "ffmpeg": "system"}
        assert named("command").used(ASKED) == UsedSettings.of(known)

    @pytest.mark.parametrize("name", ["sketch", "fluent", "moviepy", "command"])
    def test_they_say_the_same_of_themselves_again(self, name: str) -> None:
        once = named(name).used(ASKED)
        assert named(name).used(once.asked()) == once

    def test_what_a_subject_is_told_is_what_its_command_says(self) -> None:
        other = replace(ASKED, encoder_threads=8)
        assert subject_named("sketch", ASKED) == subject_named("sketch", other)
        assert named("sketch").used(ASKED) == named("sketch").used(other)
        assert subject_named("fluent", ASKED) != subject_named("fluent", other)
        assert named("fluent").used(ASKED) != named("fluent").used(other)

    def test_of_the_users_ffmpeg_what_its_words_state_is_known(self) -> None:
        text = "ffmpeg -i {input} -ss {start} -t {duration} -preset veryfast -vf hflip {output}"
        late = CommandLine(baselines.parse_template(text))
        stated = {"mode": "encode", "seek": "output", "preset": "veryfast"}
        decided = {"concurrency": 3, "ffmpeg": "system"}
        assert late.used(ASKED) == UsedSettings.of(stated | decided)
        assert late.encoding(ASKED) == Encoding(filters="hflip")

    @pytest.mark.parametrize("name", ["clipkit", "sketch", "fluent", "moviepy"])
    def test_ours_encode_by_x264_unless_they_copy(self, name: str) -> None:
        assert named(name).encoding(ASKED) == Encoding(video_encoder="libx264")
        assert Engine().encoding(replace(ASKED, mode="snap")) == Encoding()


class TestSockets:
    """What a subject is decides how a trial runs it."""

    @pytest.mark.parametrize("name", sorted(KINDS))
    def test_each_kind_is_tasks_for_the_engine_or_a_process_that_serves(self, name: str) -> None:
        subject = named(name)
        assert isinstance(subject, Serves) == (name == "service")
        assert isinstance(subject, Cuts) == (name != "service")
        assert subject.name == name
        assert bool(subject.which) == (name == "service")
        assert subject.tunable == (name in TUNABLE)

    @pytest.mark.parametrize("name", sorted(KINDS))
    def test_a_record_of_it_holds_what_its_kind_says(self, name: str) -> None:
        asked = replace(ASKED, lookahead=5, mbtree=True, bframes=1, refs=2)
        told = (
            "ffmpeg -threads 1 -ss {start} -i {input} -filter_threads 1 -preset fast -crf 20 -bf 1 "
            "-refs 2 -threads 1 -vf crop=ih*9/16:ih,scale=-2:480 -x264-params rc-lookahead=5:mbtree=1 -c:a copy {output}"
        )
        subject = OURS.get(name) or subject_named(name, asked, told)
        held = {key for key, value in subject.used(asked).items() if value is not None}
        assert held == set(KINDS[name].known)


class TestFramesDecoded:
    """From where decoding starts up to the clip's last frame; a key frame each 50 frames."""

    clip = Clip(7.0, 2.0)

    def decoded(self, subject: Subject, settings: Settings | None = None) -> int | None:
        job = Job(upload(), (self.clip,))
        return subject.frames_decoded(job, self.clip, settings or Settings())

    def test_of_the_engine_from_the_key_frame(self) -> None:
        assert self.decoded(Engine()) == 225 - 150
        assert self.decoded(Engine(), Settings(seek="output")) == 225

    def test_of_the_engine_none_where_it_copies(self) -> None:
        assert self.decoded(Engine(), Settings(mode="snap")) == 0

    def test_of_the_original_by_the_side_of_its_seek(self) -> None:
        sketch, fluent = map(CommandLine, baselines.original_templates(Settings()))
        assert self.decoded(sketch) == 225
        assert self.decoded(fluent) == 225 - 150

    def test_of_the_users_by_its_words(self) -> None:
        text = "ffmpeg -ss {{start}} -i {{input}} -t {{duration}} -c:v {} {{output}}"
        encodes, copies = (
            CommandLine(baselines.parse_template(text.format(codec)))
            for codec in ("libx264", "copy")
        )
        assert self.decoded(encodes) == 225 - 150
        assert self.decoded(copies) == 0

    def test_of_who_does_not_tell_it_is_unknown(self) -> None:
        assert self.decoded(CommandLine(COMMAND)) is None
        assert self.decoded(MOVIEPY) is None
