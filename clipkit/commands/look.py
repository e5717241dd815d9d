"""What only looks: `clipkit probe`, `hosts`, `doctor`, `export`."""

from __future__ import annotations

import argparse
import dataclasses
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clipkit import arguments, output
from clipkit import format as fmt
from clipkit.commands.parser import add_command, print_json
from clipkit.errors import SettingsError, UsageError
from clipkit.streams import say, say_lines
from clipkit.tuning.admission import LANGUAGES, export_admission
from clipkit.tuning.config import read_config
from clipkit.tuning.export import export_settings
from clipkit.tuning.programmes import FORMS

if TYPE_CHECKING:
    from clipkit.campaign.calibration import Calibration

CALIBRATION_S = 60.0
_CONFIG = "clipkit.toml"
_ADMISSION = "admission"


def add_look(commands: Any) -> None:
    _add_probe(commands)
    _add_export(commands)
    _add_hosts(commands)
    _add_doctor(commands)


def _add_probe(commands: Any) -> None:
    command = add_command(commands, "probe", _probe, "facts about an upload")
    command.add_argument("video", metavar="VIDEO")


def _probe(parsed: argparse.Namespace) -> int:
    facts = arguments.upload(parsed.video).facts()
    if parsed.json:
        print_json(facts)
    else:
        say_lines(output.probe_lines(facts))
    return 0


def _add_export(commands: Any) -> None:
    command = add_command(commands, "export", _export, "the settings in your own backend's terms")
    command.add_argument(
        "--as",
        dest="form",
        required=True,
        metavar="FORM",
        help=f"one of {', '.join(FORMS)}, which cut; or admission: a function for your own queue that says "
        "what memory and time a clip takes",
    )
    command.add_argument(
        "--language",
        metavar="LANGUAGE",
        help=f"of --as admission: {' or '.join(LANGUAGES)} (default: {next(iter(LANGUAGES))})",
    )
    command.add_argument(
        "--config",
        metavar=_CONFIG,
        help="default: the one in this folder; nothing that it names is run",
    )


def _export(parsed: argparse.Namespace) -> int:
    chosen = _config_here() if parsed.config is None else Path(parsed.config)
    config = read_config(chosen)
    if parsed.form == _ADMISSION:
        language = parsed.language or next(iter(LANGUAGES))
        text = export_admission(config.settings, language, config.measured)
    elif parsed.language is not None:
        raise UsageError(f"--language is for --as {_ADMISSION}: leave it out")
    else:
        text = export_settings(config.settings, parsed.form, config.command, config.measured)
    if parsed.json:
        print_json({"as": parsed.form, "text": text})
    else:
        say(text)
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


def _add_hosts(commands: Any) -> None:
    command = add_command(commands, "hosts", _hosts, "the catalogue of hosts")
    command.add_argument(
        "--calibrate",
        metavar="CAMPAIGN",
        help="by one that `clipkit unpack` brought home: keep what its host was measured to be, as which "
        "`clipkit tune` plays it then",
    )


def _hosts(parsed: argparse.Namespace) -> int:
    from clipkit.hosts import catalogue
    from clipkit.pack.measured_host import keep_measured_host, measured_hosts

    if parsed.calibrate is not None:
        from clipkit.pack.hold_against import held_against_here

        found = held_against_here(Path(parsed.calibrate))
        path = keep_measured_host(found)
        if parsed.json:
            print_json(dataclasses.asdict(found) | {"file": str(path)})
        else:
            say_lines([*found.lines(), f"  kept in {fmt.near(path)}"])
        return 0
    measured = measured_hosts()
    if parsed.json:
        print_json(
            output.hosts(catalogue()) | {"measured": list(map(dataclasses.asdict, measured))}
        )
    else:
        words = {each.host: each.words for each in measured}
        say_lines(output.hosts_lines(catalogue(), words))
    return 0


def _add_doctor(commands: Any) -> None:
    command = add_command(commands, "doctor", _doctor, "what this machine has and enforces")
    command.add_argument(
        "--calibrate",
        nargs="?",
        type=float,
        const=CALIBRATION_S,
        metavar="SECONDS",
        help="how small a difference it can show: a minute of equal runs on the host",
    )
    arguments.add_host(command, reserve=False)  # it takes no CPU, which is what is compared
    arguments.add_noise(command)


def _doctor(parsed: argparse.Namespace) -> int:
    from clipkit.campaign.doctor import examine
    from clipkit.ceiling.stale import remove_stale

    asked = (parsed.host, parsed.memory, parsed.cpus, parsed.ceiling)
    if parsed.calibrate is None and any(word is not None for word in asked):
        raise UsageError("a host or ceiling is what --calibrate is for: add it")
    if parsed.calibrate is not None and not parsed.calibrate > 0:
        raise UsageError(f"--calibrate {parsed.calibrate:g} is no number of seconds")
    found = examine() | {"removed": remove_stale()}
    if not parsed.json:
        say_lines(output.doctor_lines(found))
    calibration = None if parsed.calibrate is None else _calibration(parsed)
    if parsed.json:
        print_json(found | ({"calibration": calibration.to_json()} if calibration else {}))
    elif calibration:
        say_lines(calibration.lines())
    return 0


def _calibration(parsed: argparse.Namespace) -> Calibration:
    from clipkit.campaign.calibrate import calibrate
    from clipkit.campaign.calibration import keep
    from clipkit.hosts import DEFAULT_FOR_TUNE
    from clipkit.terminal import Line

    host, line = arguments.host(parsed, DEFAULT_FOR_TUNE), Line()

    def told(pairs: int, left_s: float) -> None:
        line.update(f"{pairs} pairs of equal runs on {host.name}, {fmt.clock(left_s)} left")

    try:
        found = calibrate(
            host, arguments.opener(parsed), told, parsed.calibrate, parsed.accept_noise
        )
    finally:
        line.clear()
    keep(found)
    return found
