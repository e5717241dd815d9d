"""`clipkit.toml`: the settings, the command that they change, and what they were measured with."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import tomli_w

from clipkit import format as fmt
from clipkit.documents import read_toml_file
from clipkit.errors import SettingsError
from clipkit.plan.baselines import Template, parse_template
from clipkit.settings import Settings, settings_in, to_table


@dataclass(frozen=True, slots=True)
class Measured:
    """Where the settings come from, each in words: the plan, the film, the build, the day."""

    host: str
    upload: str
    ffmpeg: str
    date: str

    @property
    def words(self) -> str:
        """On one line, whatever an upload is called."""
        upload, host, ffmpeg, date = (
            " ".join(part.split()) for part in (self.upload, self.host, self.ffmpeg, self.date)
        )
        return f"{upload} on {host}, {ffmpeg}, {date}"


@dataclass(frozen=True, slots=True)
class Config:
    """What a `clipkit.toml` holds. `command` None: the settings are those of clipkit's engine;
    `measured` None: it does not say where they come from."""

    settings: Settings
    command: Template | None = None
    measured: Measured | None = None


def config_toml(
    settings: Settings,
    head: Iterable[str],
    command: str | None = None,
    measured: Measured | None = None,
) -> str:
    """The tables of a `clipkit.toml`, below comments that say where it comes from. `command`: the text
    of the template that the settings change."""
    comments = "\n".join(f"# {fmt.on_one_line(line)}" for line in head)
    tables: dict[str, Any] = {"settings": to_table(settings)}
    if command is not None:
        tables["command"] = {"template": command}
    if measured is not None:
        tables["measured"] = asdict(measured)
    return f"{comments}\n\n{tomli_w.dumps(tables)}"


def read_config(path: Path) -> Config:
    """Raises SettingsError for what cannot be read, naming the file; TemplateError for a command that
    is none."""
    document = read_toml_file(path, SettingsError)  # once: it may be a pipe
    settings = settings_in(document, path)
    text = _table(document, "command", ("template",), path).get("template")
    told = _table(document, "measured", tuple(field.name for field in fields(Measured)), path)
    return Config(
        settings,
        None if text is None else parse_template(text, f"{path}: [command] template"),
        Measured(**told) if told else None,
    )


def _table(
    document: dict[str, Any], name: str, keys: tuple[str, ...], path: Path
) -> dict[str, str]:
    """A table of texts, with all of these keys or absent."""
    table = document.get(name, {})
    if not isinstance(table, dict) or (table and set(table) != set(keys)):
        raise SettingsError(f"{path}: [{name}] needs {', '.join(keys)}, and nothing else")
    for key, value in table.items():
        if not isinstance(value, str):
            raise SettingsError(f"{path}: [{name}] {key} = {value!r} is not legal: text")
    return table
