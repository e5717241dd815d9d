"""What every command has in common: its parser, `--json`, exit codes."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from typing import Any, NoReturn

from clipkit.errors import UsageError

INTERRUPTED = 130
Handler = Callable[[argparse.Namespace], int]


class Parser(argparse.ArgumentParser):
    """Raises UsageError instead of ending the process."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message} (see {self.prog} --help)")


def add_command(commands: Any, name: str, handler: Handler, help: str) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(name, help=help, description=help)
    command.set_defaults(handler=handler)
    command.add_argument("--json", action="store_true", help="one object for machines on stdout")
    return command


def print_json(document: Any) -> None:
    print(json.dumps(document, default=str))
