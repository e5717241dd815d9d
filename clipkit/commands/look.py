"""What only looks: `clipkit probe`, `hosts`, `doctor`, `export`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from clipkit import arguments, output
from clipkit.commands.parser import add_command, print_json
from clipkit.tuning.export import FORMS, export_settings


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
    command.add_argument("--config", default="clipkit.toml", metavar="clipkit.toml")


def _export(parsed: argparse.Namespace) -> int:
    from clipkit import settings

    text = export_settings(settings.load_settings(Path(parsed.config)), parsed.form)
    if parsed.json:
        print_json({"as": parsed.form, "text": text})
    else:
        print(text, end="")
    return 0


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
