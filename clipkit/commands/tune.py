"""`clipkit tune`."""

from __future__ import annotations

import argparse
import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clipkit import arguments
from clipkit.arguments import add_host, add_settings
from clipkit.commands.parser import add_command, print_json
from clipkit.errors import CampaignError, Cancelled, ClipkitError, UsageError
from clipkit.hosts import Host
from clipkit.streams import complain, say_lines

if TYPE_CHECKING:
    from clipkit.tuning.tune import Request, Tuned


def add_tune(commands: Any) -> None:
    command = add_command(
        commands,
        "tune",
        _tune,
        "find the best settings for a host, against how you cut today",
        works=True,
    )
    command.add_argument("videos", nargs="*", metavar="VIDEO", help="default: the sample film")
    add_host(command, several=True)
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
    command.add_argument(
        "--quality",
        choices=("same", "free"),
        default="same",
        help="same: all that is compared makes the same picture; free: other presets and CRFs too, at "
        "equal bytes or equal VMAF, to choose from (default: same)",
    )
    command.add_argument(
        "--mode",
        choices=("auto", "encode"),
        default="auto",
        help="auto: clips that are copied for a part, or whole, are measured beside re-encoded ones; encode: "
        "only settings of ffmpeg (default: auto)",
    )
    command.add_argument("--count", type=int, default=12, help="clips in the job (default 12)")
    command.add_argument("--length", type=float, default=12, help="seconds a clip (default 12)")
    command.add_argument("--results", default="results", metavar="DIR", help="default: results")
    command.add_argument("--as", dest="name", metavar="NAME", help="name of the campaign")
    command.add_argument("--no-report", action="store_true", help="measure only")
    command.add_argument(
        "--pack",
        action="store_true",
        help="also write a file that measures on the host itself whether it holds there: five pairs of your "
        "command and the recommendation; where --as names a campaign that is there, only that",
    )
    command.add_argument("-o", "--out", metavar="FILE.pyz", help="the file that --pack writes")


def _tune(parsed: argparse.Namespace) -> int:
    from clipkit.hosts import DEFAULT_FOR_TUNE
    from clipkit.pack.measured_host import host_as_measured
    from clipkit.plan import baselines
    from clipkit.tuning import own_command

    if not (math.isfinite(parsed.budget) and parsed.budget > 0):
        raise UsageError(f"--budget {parsed.budget:g} is no number of minutes: give more than 0")
    if parsed.pack != (parsed.out is not None):
        raise UsageError("--pack and -o FILE.pyz belong together: give both, or none")
    template = baselines.parse_template(parsed.command) if parsed.command else None
    if template is not None:
        own_command.refuse_unknown_length(template)
    stated = {n: v for n in arguments.FIXED_IN_TUNE if (v := getattr(parsed, n)) is not None}
    own_command.refuse_contradictions(template, stated)
    flags = arguments.settings(parsed, arguments.FIXED_IN_TUNE)
    fixed = own_command.same_picture_as(template, flags)
    if template is not None and parsed.baseline and "command" not in parsed.baseline:
        raise UsageError(
            f"--baseline {parsed.baseline[0]} leaves your --command out: add --baseline command, or leave "
            "the command out"
        )
    compared = baselines.chosen(fixed, template, parsed.baseline)
    hosts = tuple(map(host_as_measured, arguments.several_hosts(parsed, DEFAULT_FOR_TUNE)))
    reserve_bytes = arguments.reserve_bytes(parsed)
    videos = parsed.videos or ["sample"]
    if parsed.pack and len(hosts) > 1:
        raise UsageError("--pack is for one --host: its file is measured there")
    if parsed.pack and len(videos) > 1:
        raise UsageError("--pack is for one VIDEO: what it promises is of one job")
    describing = arguments.describing(fixed.ffmpeg, hosts, command=template)
    uploads = tuple(arguments.upload(video, describing) for video in videos)
    for place, upload in enumerate(uploads):
        if upload.sha256 in {other.sha256 for other in uploads[:place]}:
            raise UsageError(f"{videos[place]} is the same film as one before: name each once")

    # These take seconds to import: what is wrong has been told by now.
    from clipkit.tuning.tune import Request

    asked = [
        Request(
            uploads=uploads,
            clips=parsed.count,
            clip_s=parsed.length,
            host=host,
            reserve_bytes=reserve_bytes,
            fixed=fixed,
            command=template,
            baselines=compared,
            budget_s=parsed.budget * 60 / len(hosts),
            report=not parsed.no_report,
            results=Path(parsed.results).absolute(),
            name=_name(parsed.name, host, hosts),
            program=arguments.program(),
            words=tuple(parsed.words),
            named=videos[0],
            accept_noise=parsed.accept_noise,
            quality=parsed.quality,
            other_modes=parsed.mode == "auto",
        )
        for host in hosts
    ]
    if parsed.pack:
        return _packed(parsed, asked[0])
    return _one(parsed, asked[0]) if len(asked) == 1 else _several(parsed, asked)


def _packed(parsed: argparse.Namespace, request: Request) -> int:
    from clipkit.commands.pack import made_lines
    from clipkit.pack.archive import check_place
    from clipkit.tuning import answer
    from clipkit.tuning.packing import check_same_question, is_tuned, pack_tuning
    from clipkit.tuning.recommendation import read_recommendation
    from clipkit.tuning.tune import Tuned

    path = Path(parsed.out).absolute()
    check_place(path)
    is_there = is_tuned(request)
    if is_there:
        folder = request.results / str(request.name)
        told = _Told(Tuned(folder, read_recommendation(folder)), None)
        check_same_question(request, told.tuned.recommendation, folder, arguments.FIXED_IN_TUNE)
    else:
        told = _measured(parsed, request)
    try:
        made = pack_tuning(told.tuned.folder, path)
    except ClipkitError as error:
        if is_there or isinstance(error, Cancelled):
            raise
        complain(f"clipkit: {error}")
        made = None
    if parsed.json:
        pack = None if made is None else dataclasses.asdict(made)
        print_json(answer.as_json(told.tuned, told.report) | {"pack": pack})
    else:
        lines = made_lines(made) if made else []
        say_lines([*answer.as_lines(told.tuned, told.report), *lines])
    return told.code if made else 1


def _name(name: str | None, host: Host, hosts: Sequence[Host]) -> str | None:
    """Of the campaign: each of several hosts has one of its own."""
    return name if name is None or len(hosts) == 1 else f"{name}-{host.name}"


def _one(parsed: argparse.Namespace, request: Request) -> int:
    from clipkit.tuning import answer

    told = _measured(parsed, request)
    if parsed.json:
        print_json(answer.as_json(told.tuned, told.report))
    else:
        say_lines(answer.as_lines(told.tuned, told.report))
    return told.code


def _several(parsed: argparse.Namespace, requests: Sequence[Request]) -> int:
    """What fails on one host says nothing of the others: the code is 1 then."""
    from clipkit.tuning import answer
    from clipkit.tuning.plans import Plan, plans_table

    plans, objects, codes = [], [], set[int]()
    for request in requests:
        try:
            told = _measured(parsed, request)
        except Cancelled:
            raise
        except ClipkitError as error:
            plan, found = Plan(request.host, None, "nothing found"), {"error": str(error)}
            complain(f"{request.host.name}: {error}")
        else:
            plan = Plan(request.host, told.tuned.recommendation)
            found = answer.as_json(told.tuned, told.report)
            codes.add(told.code)
            if not parsed.json:
                say_lines([*answer.as_lines(told.tuned, told.report), ""])
        plans.append(plan)
        objects.append({"host": dataclasses.asdict(request.host)} | plan.to_json() | found)
    failed = [plan for plan in plans if plan.found is None]
    if len(failed) == len(plans):
        raise CampaignError("on none of the hosts anything was found: see above")
    if parsed.json:
        print_json({"hosts": objects})
    else:
        say_lines(plans_table(plans).lines())
    return 1 if failed else max(codes)


@dataclasses.dataclass(frozen=True, slots=True)
class _Told:
    """The tuning, and its report: None, where none is wanted or it could not be written, which `code` tells."""

    tuned: Tuned
    report: Path | None
    code: int = 0


def _measured(parsed: argparse.Namespace, request: Request) -> _Told:
    """What was measured is answered, whatever comes of its report."""
    from clipkit.campaign.progress import TuneProgress
    from clipkit.report.pages.report import write_report
    from clipkit.tuning.tune import tune

    progress = TuneProgress(request.budget_s)
    try:
        tuned = tune(request, arguments.opener(parsed), progress)
    finally:
        progress.line.clear()
    if parsed.no_report:
        return _Told(tuned, None)
    try:
        return _Told(tuned, write_report(tuned.folder))
    except Cancelled:
        raise
    except ClipkitError as error:
        complain(f"clipkit: {error}")
        return _Told(tuned, None, 1)
