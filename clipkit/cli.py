"""The command line: parse, call one command, print. It decides nothing."""

from __future__ import annotations

import argparse
import gc
import importlib
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

from clipkit import __version__, streams
from clipkit.commands.parser import INTERRUPTED, Parser
from clipkit.errors import ClipkitError, Unread, os_error_words

COMMANDS = {
    "tune": ("tune",),
    "sweep": ("sweep", "merge"),
    "cut": ("cut",),
    "look": ("probe", "export", "hosts", "doctor"),
    "read": ("report", "claims", "compare", "batch", "lab"),
    "backends": ("backends",),
    "plans": ("plans",),
    "pack": ("pack",),
    "unpack": ("unpack",),
    "measure_server": ("measure-server",),
}
"""Each module of `clipkit.commands` and which commands its `add_NAME` adds, in the order in which the help
lists them. Only the module that is asked for is loaded: all of them take as long as a clip that is copied."""


def main(argv: Sequence[str] | None = None) -> None:
    """Run a command and end the process: 0 done, 1 failed or refused, 2 wrong use."""
    streams.take_streams()
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as `nohup` wants it
            signal.signal(number, _interrupt)
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        parsed = parse_words(words)
        code = parsed.handler(parsed)
        streams.say("")
    except Unread as error:
        if parsed.works:  # whoever looks with `| head -1` knows
            streams.complain(f"clipkit: {error}")
        code = error.exit_code
    except ClipkitError as error:
        streams.complain(f"clipkit: {error}")
        code = error.exit_code
    except KeyboardInterrupt:
        streams.complain("clipkit: interrupted")
        code = INTERRUPTED
    except OSError as error:  # what nobody foresaw: no file left to open, a disk that fails
        streams.complain(f"clipkit: {os_error_words(error)}")
        code = 1
    gc.freeze()  # what is left goes with the process: Python looks through all of it else
    sys.exit(code)


def parse_words(words: Sequence[str]) -> argparse.Namespace:
    """The words of a command line; `handler` runs them. Raises UsageError."""
    asked = [module for module, names in COMMANDS.items() if words and words[0] in names]
    parsed = parser_of(asked or list(COMMANDS)).parse_args(words)
    parsed.words = words
    return parsed


def _interrupt(_signal: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


def parser_of(modules: Sequence[str]) -> argparse.ArgumentParser:
    """With the commands of these modules."""
    parser = Parser(
        prog="clipkit", description="Measure and tune video clip generation on small hosts."
    )
    parser.add_argument("--version", action="version", version=f"clipkit {__version__}")

    def show_help(_: argparse.Namespace) -> int:
        parser.print_help()
        return 0

    parser.set_defaults(handler=show_help, works=False)
    commands = parser.add_subparsers(metavar="COMMAND", parser_class=Parser)
    for name in modules:
        module = importlib.import_module(f"clipkit.commands.{name}")
        getattr(module, f"add_{name}")(commands)
    return parser


if __name__ == "__main__":
    main()
