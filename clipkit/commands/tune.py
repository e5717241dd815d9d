"""`clipkit tune`."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import Any

from clipkit import arguments
from clipkit.arguments import add_host, add_settings
from clipkit.commands.parser import add_command, print_json
from clipkit.errors import UsageError


def add_tune(commands: Any) -> None:
    command = add_command(
        commands, "tune", _tune, "find the best settings for a host, against how you cut today"
    )
    command.add_argument("videos", nargs="*", metavar="VIDEO", help="default: the sample film")
    add_host(command)
    arguments.add_noise(command)
    add_settings(command, arguments.FIXED_IN_TUNE)
    command.add_argument("--budget", type=float, default=5, metavar="MINUTES", help="default 5")
    command.add_argument(
        "--command", metavar="TEMPLATE", help="your own: 'ffmpeg … -i {input} … {output}'"
    )
    command.add_argument(
        "--baseline",
        action="append",
        choices=("sketch", "fluent", "command"),
        help="compare with this one; may be repeated (default: all)",
    )
    command.add_argument("--count", type=int, default=12, help="clips in the job (default 12)")
    command.add_argument("--length", type=float, default=12, help="seconds a clip (default 12)")
    command.add_argument("--results", default="results", metavar="DIR", help="default: results")
    command.add_argument("--as", dest="name", metavar="NAME", help="name of the campaign")
    command.add_argument("--no-report", action="store_true", help="measure only")


def _tune(parsed: argparse.Namespace) -> int:
    from clipkit.hosts import DEFAULT_FOR_TUNE
    from clipkit.plan import baselines
    from clipkit.tuning import own_command

    if not (math.isfinite(parsed.budget) and parsed.budget > 0):
        raise UsageError(f"--budget {parsed.budget:g} is no number of minutes: give more than 0")
    template = baselines.parse_template(parsed.command) if parsed.command else None
    stated = {n: v for n in arguments.FIXED_IN_TUNE if (v := getattr(parsed, n)) is not None}
    own_command.refuse_contradictions(template, stated)
    flags = arguments.settings(parsed, arguments.FIXED_IN_TUNE)
    fixed = own_command.same_picture_as(template, flags)
    compared = baselines.chosen(fixed, template, parsed.baseline)
    host = arguments.host(parsed, DEFAULT_FOR_TUNE)
    reserve_bytes = arguments.reserve_bytes(parsed)
    uploads = tuple(arguments.upload(word) for word in parsed.videos or ["sample"])

    # These take seconds to import: what is wrong has been told by now.
    from clipkit.campaign.progress import TuneProgress
    from clipkit.report.pages.report import write_report
    from clipkit.tuning import answer
    from clipkit.tuning.tune import Request, tune

    request = Request(
        uploads=uploads,
        clips=parsed.count,
        clip_s=parsed.length,
        host=host,
        reserve_bytes=reserve_bytes,
        fixed=fixed,
        command=template,
        baselines=compared,
        budget_s=parsed.budget * 60,
        report=not parsed.no_report,
        results=Path(parsed.results).absolute(),
        name=parsed.name,
        program=arguments.program(),
        words=tuple(parsed.words),
        accept_noise=parsed.accept_noise,
    )
    progress = TuneProgress(request.budget_s)
    try:
        tuned = tune(request, arguments.opener(parsed), progress)
    finally:
        progress.line.clear()
    report = None if parsed.no_report else write_report(tuned.folder)
    if parsed.json:
        print_json(answer.as_json(tuned, report))
    else:
        print("\n".join(answer.as_lines(tuned, report)))
    return 0
