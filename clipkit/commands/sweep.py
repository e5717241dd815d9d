"""`clipkit sweep` and `clipkit merge`."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clipkit import arguments, output
from clipkit.commands.disagreeing import disagreeing_words
from clipkit.commands.parser import add_command, print_json
from clipkit.errors import UsageError
from clipkit.streams import complain, say_lines

if TYPE_CHECKING:
    from clipkit.campaign.sweep import Planned
    from clipkit.terminal import Line


def add_sweep(commands: Any) -> None:
    _add_sweep(commands)
    _add_merge(commands)


def _add_sweep(commands: Any) -> None:
    command = add_command(
        commands, "sweep", _sweep, "run, resume or extend the campaign of an experiment", works=True
    )
    command.add_argument(
        "experiment",
        metavar="EXPERIMENT.toml",
        help="the ffmpeg and the command that it names are run: look into a file that is not yours",
    )
    command.add_argument("--results", default="results", metavar="DIR", help="default: results")
    command.add_argument("--as", dest="name", metavar="NAME", help="default: the experiment's name")
    command.add_argument(
        "--dry-run", action="store_true", help="only say how many trials, how long, how much disk"
    )
    command.add_argument(
        "--shard",
        metavar="K/N",
        help="only the K-th of N parts of the blocks; `clipkit merge` joins what several machines ran",
    )
    command.add_argument(
        "--retry",
        action="append",
        choices=("failed", "timeout"),
        default=[],
        help="run again what ended so, as if it had not been run; may be repeated (what timed out is run "
        "again by itself where [run] timeout_s was raised)",
    )
    command.add_argument(
        "--dask",
        metavar="tcp://HOST:PORT",
        help="blocks go to the workers of this Dask scheduler, one at a time on a machine; strategy 'grid' "
        "(needs clipkit[cluster])",
    )
    arguments.add_ceiling(command)
    arguments.add_noise(command)


def _sweep(parsed: argparse.Namespace) -> int:
    from clipkit.campaign.experiment_file import read_experiment_file
    from clipkit.campaign.shard import parse_shard
    from clipkit.records.store import campaign_named

    if parsed.dask is not None and not parsed.dask.strip():  # of a variable that is not set
        raise UsageError("--dask names no scheduler: give its address, tcp://HOST:PORT")
    asked = read_experiment_file(Path(parsed.experiment))
    folder = Path(parsed.results).absolute() / campaign_named(parsed.name or asked.name)
    shard = None if parsed.shard is None else parse_shard(parsed.shard)
    if shard:
        shard.check(asked)

    # These take seconds to import: what is wrong in the file has been told by now.
    from clipkit.campaign import estimate
    from clipkit.campaign.executor import Place
    from clipkit.campaign.progress import SweepProgress
    from clipkit.campaign.sweep import cells_left, check_hosts, plan_sweep, run_sweep, spent_in
    from clipkit.records.folder import read_records
    from clipkit.records.table import write_parquet
    from clipkit.terminal import Line

    planned = plan_sweep(asked, shard, tuple(parsed.retry))
    if parsed.dry_run:
        left = cells_left(planned, read_records(folder), spent_in(folder))
        if left and not parsed.dask:
            check_hosts(planned, arguments.opener(parsed))
        expected = estimate.estimate_sweep(
            planned.design, left, asked.options.get("blocks"), parsed.ceiling
        )
        if parsed.json:
            print_json(dataclasses.asdict(expected))
        else:
            say_lines(output.estimate_lines(expected, folder))
        return 0
    line = Line()
    try:
        with contextlib.ExitStack() as stack:
            elsewhere = (
                stack.enter_context(_cluster(parsed, planned, line)) if parsed.dask else None
            )
            place = Place(arguments.opener(parsed), parsed.accept_noise, elsewhere)
            swept = run_sweep(planned, folder, place, lambda tally: SweepProgress(tally, line))
    finally:
        line.clear()
    write_parquet(swept.folder)
    # This machine may have gone on with what a cluster began.
    disagreeing = disagreeing_words(swept.folder)
    if parsed.json:
        print_json(output.swept(swept) | {"machines_disagree": disagreeing})
    else:
        say_lines([*output.swept_lines(swept), *disagreeing])
    if swept.not_measured:
        complain(f"clipkit: {swept.not_measured}")
    return 1 if swept.not_measured else 0


def _cluster(parsed: argparse.Namespace, planned: Planned, line: Line) -> Any:
    from clipkit.cluster.sweeping import OnCluster, on_cluster

    asked = OnCluster(parsed.dask, parsed.ceiling, parsed.accept_noise, line.final)
    return on_cluster(asked, planned)


def _add_merge(commands: Any) -> None:
    command = add_command(
        commands,
        "merge",
        _merge,
        "one campaign of several folders: of shards, of several machines",
        works=True,
    )
    command.add_argument("folders", nargs="+", metavar="CAMPAIGN", help="a campaign's folder")
    command.add_argument("--results", default="results", metavar="DIR", help="default: results")


def _merge(parsed: argparse.Namespace) -> int:
    from clipkit.campaign.merge import merge_campaigns

    merged = merge_campaigns(
        [Path(word) for word in parsed.folders], Path(parsed.results).absolute()
    )
    disagreeing = disagreeing_words(merged.folder) if len(merged.machines) > 1 else []
    if parsed.json:
        print_json(output.merged(merged) | {"machines_disagree": disagreeing})
    else:
        say_lines([*output.merged_lines(merged), *disagreeing])
    return 0
