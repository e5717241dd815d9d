"""What only looks: `clipkit probe`, `hosts`, `doctor`, `export`."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import Any

from clipkit import arguments, output
from clipkit.commands.parser import add_command, print_json
from clipkit.errors import SettingsError
from clipkit.tuning.config import read_config
from clipkit.tuning.export import export_settings
from clipkit.tuning.programmes import FORMS

_CONFIG = "clipkit.toml"


def add_looking(commands: Any) -> None:
    _add_probe(commands)
    _add_export(commands)
    add_command(commands, "hosts", _hosts, "the catalogue of hosts")
    add_command(commands, "doctor", _doctor, "what this machine has and enforces")


def _add_probe(commands: Any) -> None:
    command = add_command(commands, "probe", _probe, "facts about an upload")
    command.add_argument("video", metavar="VIDEO")


def _probe(parsed: argparse.Namespace) -> int:
    facts = arguments.upload(parsed.video).facts()
    if parsed.json:
        print_json(facts)
    else:
        print("\n".join(output.probe_lines(facts)))
    return 0


def _add_export(commands: Any) -> None:
    command = add_command(commands, "export", _export, "the settings in your own backend's terms")
    command.add_argument(
        "--as",
        dest="form",
        required=True,
        metavar="FORM",
        help=f"one of {', '.join(FORMS)}",
    )
    command.add_argument("--config", metavar=_CONFIG, help="default: the one in this folder")


def _export(parsed: argparse.Namespace) -> int:
    chosen = _config_here() if parsed.config is None else Path(parsed.config)
    config = read_config(chosen)
    text = export_settings(config.settings, parsed.form, config.command, config.measured)
    if parsed.json:
        print_json({"as": parsed.form, "text": text})
    else:
        print(text, end="")
    return 0


def _config_here() -> Path:
    """Raises SettingsError where there is none, naming the newest that a campaign has."""
    here = Path(_CONFIG)
    if here.exists():
        return here
    found = sorted(Path("results").glob(f"*/{_CONFIG}"), key=lambda path: path.stat().st_mtime)
    if not found:
        raise SettingsError(
            f"there is no {_CONFIG} in this folder, nor below results: "
            "measure one with clipkit tune, or name one with --config FILE"
        )
    newest = shlex.quote(str(found[-1]))
    raise SettingsError(
        f"there is no {_CONFIG} in this folder; the newest below results: --config {newest}"
    )


def _hosts(parsed: argparse.Namespace) -> int:
    from clipkit.hosts import catalogue

    if parsed.json:
        print_json(output.hosts(catalogue()))
    else:
        print("\n".join(output.hosts_lines(catalogue())))
    return 0


def _doctor(parsed: argparse.Namespace) -> int:
    from clipkit.campaign.doctor import examine
    from clipkit.ceiling.stale import remove_stale

    found = examine() | {"removed": remove_stale()}
    if parsed.json:
        print_json(found)
    else:
        print("\n".join(output.doctor_lines(found)))
    return 0
