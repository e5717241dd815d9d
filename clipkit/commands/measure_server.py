"""`clipkit measure-server`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from clipkit import arguments
from clipkit.arguments import add_host, add_noise
from clipkit.commands.parser import add_command, print_json
from clipkit.errors import UsageError
from clipkit.streams import say_lines

_HELP = "what your own server takes by itself, and how many clips at once it survives on a host"
_DESCRIPTION = (
    "Run your own backend inside a host, drive it by a description of its routes, and tell what it takes "
    "beside its ffmpegs: memory at rest and over jobs, CPU, gaps, latency, how many clips at once survive. "
    "The form of the description, with examples: experiments/backends/drive.md."
)


def add_measure_server(commands: Any) -> None:
    command = add_command(commands, "measure-server", _measure_server, _HELP, works=True)
    command.description = _DESCRIPTION
    command.add_argument(
        "video", nargs="?", default="sample", metavar="VIDEO", help="default: the sample film"
    )
    command.add_argument(
        "--start", required=True, metavar="COMMAND", help="such as 'node server.js'; no shell"
    )
    command.add_argument("--drive", required=True, metavar="drive.toml", help="how it is talked to")
    command.add_argument("--folder", metavar="DIR", help="where it is started (default: here)")
    command.add_argument("--starts", type=int, default=3, metavar="N", help="default 3")
    command.add_argument(
        "--jobs", type=int, default=10, metavar="N", help="in each life (default 10)"
    )
    command.add_argument(
        "--rest",
        type=float,
        default=3,
        metavar="S",
        help="left alone before its memory at rest is read (default 3)",
    )
    command.add_argument(
        "--most", type=int, default=8, metavar="N", help="clips at once (default 8)"
    )
    command.add_argument("--count", type=int, default=12, help="clips in the job (default 12)")
    command.add_argument("--length", type=float, default=12, help="seconds a clip (default 12)")
    command.add_argument(
        "--timeout", type=float, default=600, metavar="S", help="of one start (default 600)"
    )
    command.add_argument(
        "--ffmpeg", metavar="…", help="default: the one on PATH, else the bundled one"
    )
    command.add_argument("--results", default="results", metavar="DIR", help="default: results")
    command.add_argument("--as", dest="name", metavar="NAME", help="name of the campaign")
    add_host(command, reserve=False)
    add_noise(command)


def _measure_server(parsed: argparse.Namespace) -> int:
    for flag in ("starts", "jobs", "most", "count"):
        if getattr(parsed, flag) < 1:
            raise UsageError(f"--{flag} {getattr(parsed, flag)} is none: give 1 or more")
    for flag in ("length", "timeout"):
        if wrong := arguments.why_no_time(getattr(parsed, flag)):
            raise UsageError(f"--{flag} {wrong}")
    if not 0 <= parsed.rest <= 3600:
        raise UsageError(f"--rest {parsed.rest:g} is not from 0 to 3600 seconds")

    from clipkit.campaign.progress import SweepProgress
    from clipkit.hosts import DEFAULT_FOR_TUNE
    from clipkit.records.table import write_parquet
    from clipkit.terminal import Line
    from clipkit.tuning.own_server import Measuring, measure_server, usual_ffmpeg
    from clipkit.tuning.server_lines import server_lines

    host, ffmpeg = arguments.host(parsed, DEFAULT_FOR_TUNE), parsed.ffmpeg or usual_ffmpeg()
    asked = Measuring(
        start=parsed.start,
        folder=Path(parsed.folder or ".").absolute(),
        drive=Path(parsed.drive).absolute(),
        upload=arguments.upload(parsed.video, arguments.describing(ffmpeg, [host])),
        named=parsed.video,
        clips=parsed.count,
        clip_s=parsed.length,
        host=host,
        starts=parsed.starts,
        jobs=parsed.jobs,
        most=parsed.most,
        rest_s=parsed.rest,
        timeout_s=parsed.timeout,
        ffmpeg=ffmpeg,
        results=Path(parsed.results).absolute(),
        name=parsed.name,
        program=arguments.program(),
        accept_noise=parsed.accept_noise,
    )
    line = Line()
    try:
        found = measure_server(
            asked, arguments.opener(parsed), lambda tally: SweepProgress(tally, line)
        )
    finally:
        line.clear()
    write_parquet(found.folder)
    if parsed.json:
        print_json(found.to_json())
    else:
        say_lines(server_lines(found))
    return 0
