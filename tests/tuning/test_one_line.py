"""Settings as text: the shortest change to a backend, and whole programmes."""

from __future__ import annotations

import re

import pytest

from clipkit.errors import TemplateError, UsageError
from clipkit.plan.baselines import parse_template
from clipkit.settings import PRESETS, Settings, knobs
from clipkit.tuning.config import Measured
from clipkit.tuning.export import export_settings, one_line
from clipkit.tuning.programmes import FORMS

AUDIO = next(knob for knob in knobs() if knob.name == "audio").choices


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        (Settings(), ".seekInput(start).inputOptions('-threads 1').outputOptions('-threads 1')"),
        (Settings(concurrency=3), one_line(Settings())),
        (Settings(filter_threads=0), one_line(Settings())),
        (
            Settings(preset="veryfast", crf=28),
            ".seekInput(start).inputOptions('-threads 1')"
            ".outputOptions(['-preset veryfast', '-crf 28', '-threads 1'])",
        ),
        (
            Settings(lookahead=0, mbtree=False, bframes=0, refs=1),
            ".seekInput(start).inputOptions('-threads 1').outputOptions(['-threads 1', '-bf 0', "
            "'-refs 1', '-x264-params rc-lookahead=0:mbtree=0'])",
        ),
        (
            Settings(encoder_threads=0, decoder_threads=0),
            ".seekInput(start).outputOptions('-threads 0')",
        ),
        (
            Settings(audio="none"),
            ".seekInput(start).inputOptions('-threads 1').outputOptions(['-threads 1', '-an'])",
        ),
        (
            Settings(seek="output", decoder_threads=2),
            ".seek(start).inputOptions('-threads 2').outputOptions('-threads 1')",
        ),
        (
            Settings(scale_height=480),
            ".seekInput(start).inputOptions('-threads 1')"
            r".outputOptions(['-vf scale=-2:2*min(240\\,trunc(ih/2))', '-threads 1'])",
        ),
    ],
    ids=[
        "usual",
        "concurrency",
        "filters",
        "quality",
        "lean",
        "ffmpeg decides",
        "mute",
        "output",
        "scaled",
    ],
)
def test_the_line_names_only_what_the_backend_does_not_do_already(settings: Settings, line: str):
    assert one_line(settings) == line


@pytest.mark.parametrize("form", FORMS)
def test_a_scaler_that_was_not_measured_is_said_to_be_one(form: str):
    told = "swscale, which every ffmpeg has and which was not measured here"
    assert told in export_settings(Settings(scaler="zimg", scale_height=480), form)
    assert told not in export_settings(Settings(scaler="zimg"), form)
    assert told not in export_settings(Settings(scale_height=480), form)


@pytest.mark.parametrize("form", FORMS)
def test_that_each_clip_is_cut_alone_is_said_where_several_were_cut_by_one(form: str):
    told = "Each clip is cut by an ffmpeg of its own"
    assert told in export_settings(Settings(together="gop"), form)
    assert told not in export_settings(Settings(), form)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("audio", AUDIO)
def test_every_way_with_sound_can_be_exported(form: str, audio: str):
    assert not re.search(r"@\w+@", export_settings(Settings(audio=audio), form))


@pytest.mark.parametrize("form", FORMS)
def test_a_programme_repeats_every_setting_it_needs(form: str):
    settings = Settings(preset=PRESETS[3], crf=31, concurrency=7, encoder_threads=5, refs=4)
    text = export_settings(settings, form)
    words = re.sub(r"[\s,'\"]+", " ", text)
    assert "7" in next(line for line in text.splitlines() if "concurrent" in line.lower())
    for option in ("-preset faster", "-crf 31", "-threads 5", "-refs 4"):
        assert option in words
    assert "filter_threads" not in text


def test_an_unknown_form_is_refused_with_the_known_ones():
    with pytest.raises(UsageError, match="shell, node, fluent-ffmpeg, python, rust"):
        export_settings(Settings(), "cobol")


@pytest.mark.parametrize("form", list(FORMS))
def test_a_mode_that_no_form_can_say_is_refused(form: str) -> None:
    with pytest.raises(UsageError, match=r"mode 'snap' cannot be exported.*set mode to encode"):
        export_settings(Settings(mode="snap"), form)


OWN = "ffmpeg -i {input} -ss {start} -to {end} -preset veryfast {output}"
MEASURED = Measured("render-starter", "a\nfilm.mp4", "ffmpeg 9.0.2", "2026-11-25")


@pytest.mark.parametrize("form", FORMS)
def test_the_head_says_what_was_changed_and_where_that_was_measured(form: str) -> None:
    settings = Settings(preset="veryfast", encoder_threads=0, filter_threads=0, concurrency=2)
    text = export_settings(settings, form, parse_template(OWN), MEASURED)
    head = [line for line in text.splitlines() if line.startswith(("# ", "// "))]
    assert "write -t DURATION for -to END; add -threads 1 before -i; run 2 at once." in head[1]
    assert "whitelists" in head[2]
    assert head[3].endswith("Measured: a film.mp4 on render-starter, ffmpeg 9.0.2, 2026-11-25.")
    assert "Measured:" not in export_settings(settings, form, parse_template(OWN))


@pytest.mark.parametrize("form", FORMS)
def test_the_mode_of_a_command_of_ones_own_is_its_own(form: str) -> None:
    command = parse_template("ffmpeg -ss {start} -i {input} -c copy {output}")
    assert "copy" in export_settings(Settings(mode="snap"), form, command)


@pytest.mark.parametrize("form", FORMS)
def test_a_change_that_cannot_be_made_is_refused(form: str) -> None:
    command = parse_template("ffmpeg -copyts -i {input} -ss {start} {output}")
    with pytest.raises(TemplateError, match="-ss cannot be moved"):
        export_settings(Settings(), form, command)


@pytest.mark.parametrize(
    "text",
    [
        "nice ffmpeg -i {input} -ss {start} {output}",
        "/opt/ffmpeg -i {input} -ss {start} {output}",
        "cut.sh {input} {start} {output}",
        "ffmpeg -i {input} -ss {start} {output} poster.jpg",
        "ffmpeg -i {input} -ss {start} {output} -hide_banner",
    ],
)
def test_what_fluent_ffmpeg_cannot_be_told_the_form_for_node_can(text: str) -> None:
    usual = Settings(seek="output")
    with pytest.raises(UsageError, match="take --as node"):
        export_settings(usual, "fluent-ffmpeg", parse_template(text))
    assert "const commands" in export_settings(usual, "node", parse_template(text))
