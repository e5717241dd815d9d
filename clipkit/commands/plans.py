"""`clipkit plans`: which plan carries a load, and what a clip costs there."""

from __future__ import annotations

import argparse
from typing import Any

from clipkit import hosts
from clipkit.commands.parser import add_command, print_json
from clipkit.errors import UsageError
from clipkit.streams import say_lines


def add_plans(commands: Any) -> None:
    command = add_command(
        commands, "plans", _plans, "which plan carries a load, and what a clip costs there"
    )
    command.add_argument("campaigns", nargs="+", metavar="CAMPAIGN", help="campaigns' folders")
    command.add_argument("--clips-per-day", type=float, required=True, metavar="N")
    command.add_argument(
        "--longest-wait",
        type=float,
        required=True,
        metavar="MIN",
        help="from the order to the last clip of the job, for 95 %% of jobs",
    )
    command.add_argument("--clips-per-job", type=int, default=12, metavar="N", help="default: 12")
    command.add_argument(
        "--hours", type=float, default=24, metavar="H", help="of a day in which the clips come"
    )
    command.add_argument(
        "--core",
        default="0.67:1.5",
        metavar="LOW:HIGH",
        help="how fast the provider's core is beside the one that measured (default: 0.67:1.5)",
    )
    command.add_argument("--lines", type=int, metavar="720", help="of the film, where several are")
    command.add_argument("--clip-s", type=float, metavar="S", help="of the clips, likewise")
    command.add_argument("--reserve", default="0", metavar="120M", help="kept for your own server")


def _plans(parsed: argparse.Namespace) -> int:
    from clipkit.records.campaign import open_campaign
    from clipkit.tuning.elsewhere import places_elsewhere
    from clipkit.tuning.offers import Load
    from clipkit.tuning.which_plan import which_plan

    load = Load(
        clips_per_day=parsed.clips_per_day,
        longest_wait_s=parsed.longest_wait * 60,
        clips_per_job=parsed.clips_per_job,
        hours=parsed.hours,
        cores=_cores(parsed.core),
        reserve_bytes=hosts.parse_size(parsed.reserve),
        lines=parsed.lines,
        clip_s=parsed.clip_s,
    )
    found = which_plan(
        [open_campaign(folder) for folder in parsed.campaigns],
        load,
        list(hosts.catalogue().values()),
        places_elsewhere(),
    )
    if parsed.json:
        print_json(found.to_json())
    else:
        say_lines(found.lines())
    return 0


def _cores(words: str) -> tuple[float, float]:
    try:
        low, high = map(float, words.split(":"))
    except ValueError:
        raise UsageError(f"--core '{words}' is no range: write 0.67:1.5") from None
    return low, high
