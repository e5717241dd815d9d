"""Each setting is declared once; what is not legal is refused by name, with what would be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tomli_w

from clipkit import settings as station
from clipkit.errors import SettingsError
from clipkit.knob import Knob
from clipkit.settings import PRESETS, Settings, knobs


def test_the_defaults_are_legal_and_changed_names_what_differs() -> None:
    assert Settings().changed() == {}
    assert Settings(crf=30, mbtree=False).changed() == {"crf": 30, "mbtree": False}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("mode", "fast"),
        ("seek", ""),
        ("preset", "Ultrafast"),
        ("preset", None),
        ("crf", 52),
        ("crf", -1),
        ("crf", 23.0),
        ("crf", "23"),
        ("crf", True),
        ("concurrency", 0),
        ("encoder_threads", 65),
        ("refs", 0),
        ("mbtree", 1),
        ("mbtree", "true"),
        ("ffmpeg", ""),
        ("ffmpeg", None),
        ("crop", ""),
        ("crop", "16"),
        ("crop", "16/9"),
        ("crop", "0:9"),
        ("crop", "16:9:0"),
        ("crop", "100:100:-2:0"),
        ("crop", "100:100:0:0,hflip"),
        ("crop", "100000:1"),
        ("crop", " 16:9"),
        ("crop", "16:9\n"),
        ("crop", "१६:९"),
        ("crop", 16),
        ("scale_height", 15),
        ("scale_height", 8193),
        ("scale_height", "480"),
    ],
)
def test_an_illegal_value_is_refused_with_the_legal_ones(name: str, value: Any) -> None:
    (knob,) = (knob for knob in knobs() if knob.name == name)
    with pytest.raises(SettingsError) as told:
        Settings(**{name: value})
    assert str(told.value).startswith(f"{name} = ")
    assert knob.legal in str(told.value)
    assert told.value.exit_code == 2


@pytest.mark.parametrize("knob", knobs(), ids=lambda knob: knob.name)
def test_every_legal_value_can_be_typed_and_read_back(knob: Knob, tmp_path: Path) -> None:
    values: list[Any] = (
        list(knob.choices)
        or {
            bool: [True, False],
            int: [knob.low, knob.high],
            str: ["9:16", "608:1080:656:0"] if knob.pattern else ["/opt/ffmpeg"],
        }[knob.kind]
    )
    for value in values:
        word = str(value).lower() if knob.kind is bool else str(value)
        settings = Settings(**{knob.name: knob.parse(word)})
        assert getattr(settings, knob.name) == value
        file = tmp_path / "clipkit.toml"
        file.write_text(tomli_w.dumps({"settings": station.to_table(settings)}))
        assert station.load_settings(file) == settings


@pytest.mark.parametrize("word", ["", "x", "1.5", "0x10", "1e1", "²"])
def test_a_word_that_is_no_whole_number_is_refused(word: str) -> None:
    (crf,) = (knob for knob in knobs() if knob.name == "crf")
    with pytest.raises(SettingsError, match="whole numbers from 0 to 51"):
        crf.parse(word)


def test_every_setting_is_explained() -> None:
    for knob in knobs():
        assert len(knob.help) > 10 or knob.name == "preset"
        assert knob.flag == "--" + knob.name.replace("_", "-")
        assert knob.default is not None or knob.absent
    assert PRESETS[0] == "ultrafast"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[settings]\nencoder_thread = 1\n", "did you mean 'encoder_threads'?"),
        ("[settings]\nzzz = 1\n", "legal are: mode, seek"),
        ("[settings]\ncrf = 99\n", "crf = 99 is not legal; legal are: whole numbers from 0 to 51"),
        ("[settings]\ncrf = '23'\n", "crf = '23' is not legal"),
        ("[setings]\ncrf = 23\n", "has no [settings] table"),
        ("settings = 1\n", "has no [settings] table"),
        ("[settings\n", "is not TOML"),
        ("\xff", "is not TOML"),
    ],
)
def test_what_is_wrong_with_a_file_is_told_with_its_name(
    text: str, complaint: str, tmp_path: Path
) -> None:
    file = tmp_path / "my.toml"
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(SettingsError) as told:
        station.load_settings(file)
    assert str(file) in str(told.value)
    assert complaint in str(told.value)
    assert "\n" not in str(told.value)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"cannot read .*: No such file"):
        station.load_settings(tmp_path / "none.toml")
