"""`clipkit unpack`: what a pack printed on its host becomes a campaign."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from clipkit.commands.disagreeing import disagreeing_words
from clipkit.commands.parser import add_command, print_json
from clipkit.streams import complain, say_lines


def add_unpack(commands: Any) -> None:
    command = add_command(
        commands, "unpack", _unpack, "a campaign of what a pack printed on its host", works=True
    )
    command.add_argument(
        "logs", nargs="+", metavar="LOG|DIR", help="what was printed there, or its --results folder"
    )
    command.add_argument("--results", default="results", metavar="DIR", help="default: results")
    command.add_argument(
        "--pack",
        dest="packs",
        action="append",
        default=[],
        metavar="FILE.pyz",
        help="a pack that was made on another machine, for its key; may be repeated",
    )


def _unpack(parsed: argparse.Namespace) -> int:
    from clipkit.pack.kept import packed_in
    from clipkit.pack.unpack import unpack_logs

    home = unpack_logs(
        [Path(word) for word in parsed.logs],
        Path(parsed.results).absolute(),
        [packed_in(Path(word)) for word in parsed.packs],
    )
    disagreeing = [
        words for folder in home.of_several_machines for words in disagreeing_words(folder)
    ]
    if parsed.json:
        print_json(home.to_json() | {"machines_disagree": disagreeing})
    else:
        say_lines([*home.lines(), *disagreeing])
    for words in home.refusals():
        complain(f"clipkit: {words}")
    return 0 if home.is_whole else 1
