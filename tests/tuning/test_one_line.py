"""Settings as text: the shortest change to a backend, and whole programmes."""

from __future__ import annotations

import pytest

from clipkit.errors import UsageError
from clipkit.settings import PRESETS, Settings, knobs
from clipkit.tuning.export import FORMS, export_settings, one_line

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
    ],
    ids=["usual", "concurrency", "filters", "quality", "lean", "ffmpeg decides", "mute", "output"],
)
def test_the_line_names_only_what_the_backend_does_not_do_already(settings: Settings, line: str):
    assert one_line(settings) == line


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("audio", AUDIO)
def test_every_way_with_sound_can_be_exported(form: str, audio: str):
    assert "@" not in export_settings(Settings(audio=audio), form).replace("$@", "")


@pytest.mark.parametrize("form", FORMS)
def test_a_programme_repeats_every_setting_it_needs(form: str):
    settings = Settings(preset=PRESETS[3], crf=31, concurrency=7, encoder_threads=5, refs=4)
    text = export_settings(settings, form)
    words = text.replace('", "', " ")
    assert "7" in next(line for line in text.splitlines() if "concurrent" in line.lower())
    for option in ("-preset faster", "-crf 31", "-threads 5", "-refs 4"):
        assert option in words
    assert "filter_threads" not in text


def test_an_unknown_form_is_refused_with_the_known_ones():
    with pytest.raises(UsageError, match="fluent-ffmpeg, shell, python, rust"):
        export_settings(Settings(), "cobol")


@pytest.mark.parametrize("form", list(FORMS))
def test_a_mode_that_no_form_can_say_is_refused(form: str) -> None:
    with pytest.raises(UsageError, match=r"mode 'snap' cannot be exported.*set mode to encode"):
        export_settings(Settings(mode="snap"), form)
