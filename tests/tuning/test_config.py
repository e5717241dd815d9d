"""`clipkit.toml`: what is written comes back, and what is wrong with one is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from clipkit.errors import SettingsError, TemplateError
from clipkit.plan.baselines import parse_template
from clipkit.settings import Settings, load_settings
from clipkit.tuning.config import Config, Measured, config_toml, read_config

TEXT = "ffmpeg -ss {start} -i {input} -vf 'scale=-2:720' {output}"
MEASURED = Measured("render-starter", "film.mp4, 1280x720", "ffmpeg 9.0.2", "2026-11-25")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "clipkit.toml"


def test_settings_command_and_origin_come_back(path: Path):
    settings = Settings(preset="fast", crf=30, lookahead=0)
    path.write_text(config_toml(settings, ("head",), TEXT, MEASURED), "utf-8")
    assert path.read_text("utf-8").startswith("# head\n\n[settings]")
    assert read_config(path) == Config(settings, parse_template(TEXT), MEASURED)
    assert load_settings(path) == settings


def test_settings_alone_are_enough(path: Path):
    path.write_text(config_toml(Settings(), ()), "utf-8")
    assert read_config(path) == Config(Settings())


def test_where_it_comes_from_is_one_line_whatever_a_film_is_called():
    told = Measured("a\nb", "c\r\nd.mp4", "ffmpeg 9", "today").words
    assert told == "c d.mp4 on a b, ffmpeg 9, today"


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("[command]\ntemplates = 'x'", r"\[command\] needs template"),
        ("[command]\ntemplate = 3", r"\[command\] template = 3 is not legal: text"),
        ("command = 3", r"\[command\] needs template"),
        ("[measured]\nhost = 'x'", r"\[measured\] needs host, upload, ffmpeg, date"),
    ],
)
def test_a_table_that_is_none_is_told_with_its_keys(path: Path, table: str, told: str):
    head, body = (table, "") if table.startswith("command") else ("", table)
    path.write_text(f"{head}\n[settings]\ncrf = 20\n{body}\n", "utf-8")
    with pytest.raises(SettingsError, match=told):
        read_config(path)


def test_a_command_that_is_none_is_told_with_its_file(path: Path):
    path.write_text("[settings]\n[command]\ntemplate = 'ffmpeg {input}'\n", "utf-8")
    with pytest.raises(TemplateError, match=r"clipkit.toml: \[command\] template lacks \{output\}"):
        read_config(path)
