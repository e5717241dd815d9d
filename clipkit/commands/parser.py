"""What every command has in common: its parser, `--json`, exit codes."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from clipkit import streams
from clipkit.errors import UsageError
from clipkit.legal import not_legal, unknown_word

INTERRUPTED = 130
Handler = Callable[[argparse.Namespace], int]


class Parser(argparse.ArgumentParser):
    """Raises UsageError instead of ending the process, naming what is nearest to a misspelt word."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message} (see {self.prog} --help)")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As argparse does, but an option that does not exist is told first: what it was meant to be
        would else be told to be missing."""
        words = list(sys.argv[1:] if args is None else args)
        for word in self._own(words):
            name = word.partition("=")[0]
            if not any(known.startswith(name) for known in self._option_string_actions):
                options = [known for known in self._option_string_actions if known[:2] == "--"]
                self.error(unknown_word("option", name, options))
        parsed, left = super().parse_known_args(words, namespace)
        if left:
            self.error(f"unrecognized arguments: {' '.join(left)}")
        return parsed, left

    def _own(self, words: Sequence[str]) -> list[str]:
        """Which words argparse takes for long options of this command, and not of one below it."""
        if "--" in words:
            words = words[: words.index("--")]
        if self._subparsers is not None:
            words = words[: next((n for n, word in enumerate(words) if word[:1] != "-"), None)]
        return [word for word in words if word.startswith("--") and " " not in word]

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is None or value in action.choices:
            return
        if isinstance(action, argparse._SubParsersAction):
            self.error(unknown_word("command", value, action.choices))
        self.error(not_legal(action.option_strings[0], value, ", ".join(action.choices)))


def add_command(
    commands: Any, name: str, handler: Handler, help: str, *, works: bool = False
) -> argparse.ArgumentParser:
    """`works`: it does more than look, and what came of it is told even where nobody listens."""
    command: argparse.ArgumentParser = commands.add_parser(name, help=help, description=help)
    command.set_defaults(handler=handler, works=works)
    command.add_argument("--json", action="store_true", help="one object for machines on stdout")
    return command


def print_json(document: Any) -> None:
    streams.say(json.dumps(document, default=str) + "\n")
