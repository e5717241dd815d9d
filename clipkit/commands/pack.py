"""`clipkit pack`."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clipkit import format as fmt
from clipkit.commands.parser import add_command, print_json
from clipkit.streams import say_lines

if TYPE_CHECKING:
    from clipkit.pack.making import Made


def add_pack(commands: Any) -> None:
    command = add_command(
        commands,
        "pack",
        _pack,
        "one file that measures an experiment on the real host, with nothing installed there",
        works=True,
    )
    command.add_argument("experiment", metavar="EXPERIMENT.toml", help="of the strategy 'grid'")
    command.add_argument(
        "--host", required=True, metavar="NAME", help="one of the experiment's: its cells alone"
    )
    command.add_argument("--shard", metavar="K/N", help="only the K-th of N parts of the blocks")
    command.add_argument("-o", "--out", required=True, metavar="FILE.pyz", help="the file to write")
    command.add_argument(
        "--as",
        dest="name",
        metavar="NAME",
        help="what the campaign is called at home (default: the experiment's name and '-there')",
    )


def _pack(parsed: argparse.Namespace) -> int:
    from clipkit.campaign.experiment_file import read_experiment_file
    from clipkit.campaign.shard import parse_shard
    from clipkit.pack.kept import name_there
    from clipkit.records.store import campaign_named

    asked = read_experiment_file(Path(parsed.experiment))
    name = campaign_named(parsed.name or name_there(asked.name))
    shard = None if parsed.shard is None else parse_shard(parsed.shard)
    if shard:
        shard.check(asked)

    # These take seconds to import: what is wrong in the file has been told by now.
    from clipkit.campaign.sweep import plan_sweep
    from clipkit.pack.archive import check_place
    from clipkit.pack.making import ToPack, check_strategy, make_pack

    check_strategy(asked)
    path = Path(parsed.out).absolute()
    check_place(path)
    planned = plan_sweep(asked, shard)
    made = make_pack(ToPack(planned, parsed.host, name, path))
    if parsed.json:
        print_json(dataclasses.asdict(made))
    else:
        say_lines(made_lines(made))
    return 0


def made_lines(made: Made) -> list[str]:
    """For a terminal."""
    return [
        f"{fmt.near(made.path)}: {fmt.size(made.size_bytes)}, {fmt.counted(made.trials, 'trial')} of "
        f"{fmt.counted(made.cells, 'cell')} for {made.host}",
        *made.notes,
        f"on the host: python3 {made.path.name} --yes; then take home what it prints, as {made.campaign}: "
        "clipkit unpack LOG",
    ]
