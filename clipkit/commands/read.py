"""What reads campaigns: `clipkit report`, `claims`, `compare`, `batch`, `lab`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from clipkit.commands.parser import add_command, print_json
from clipkit.errors import CampaignError, UsageError
from clipkit.streams import complain, say, say_lines


def add_read(commands: Any) -> None:
    _add_report(commands)
    _add_claims(commands)
    _add_compare(commands)
    _add_batch(commands)
    _add_lab(commands)


def _add_report(commands: Any) -> None:
    command = add_command(
        commands, "report", _report, "execute the notebook, write report.html", works=True
    )
    command.add_argument("campaign", metavar="CAMPAIGN", help="a campaign's folder")
    command.add_argument(
        "--out",
        metavar="DIR",
        help="where to write it (default: into the campaign; where that cannot be written, into "
        "report-CAMPAIGN here)",
    )


def _report(parsed: argparse.Namespace) -> int:
    from clipkit.report.pages.report import write_report
    from clipkit.report.pages.report_place import report_place

    campaign = Path(parsed.campaign)
    place = report_place(campaign, None if parsed.out is None else Path(parsed.out))
    if place.why_elsewhere:
        told = f"{place.why_elsewhere}: its report goes into {place.folder}"
        complain(f"clipkit: {told}")
    report = write_report(campaign, place.folder)
    if parsed.json:
        print_json({"report": report.absolute()})
    else:
        say_lines([str(report)])
    return 0


def _add_claims(commands: Any) -> None:
    help = "the original's claims, judged from one or several campaigns"
    command = add_command(commands, "claims", _claims, help)
    command.add_argument("campaigns", nargs="+", metavar="CAMPAIGN", help="a campaign's folder")
    command.add_argument("--markdown", action="store_true", help="as a table for a page")


def _claims(parsed: argparse.Namespace) -> int:
    from clipkit.claims import verdicts
    from clipkit.claims.telling import verdict_json, verdict_lines_of
    from clipkit.claims.which_way import which_way
    from clipkit.records.campaign import open_campaign
    from clipkit.report.exhibits.claim_exhibits import verdicts_markdown

    tables = [open_campaign(folder).table for folder in parsed.campaigns]
    found, ways = verdicts(*tables), which_way(*tables)
    if parsed.json:
        print_json(
            {"claims": [verdict_json(verdict) for verdict in found], "which_way": ways.to_json()}
        )
    elif parsed.markdown:
        say(verdicts_markdown(found))
    else:
        say_lines([*verdict_lines_of(found), *ways.lines()])
    return 0


def _add_compare(commands: Any) -> None:
    command = add_command(
        commands, "compare", _compare, "what differs between two campaigns, and by how much"
    )
    command.add_argument("a", metavar="A", help="a campaign's folder")
    command.add_argument("b", metavar="B", help="another's, compared with it")


def _compare(parsed: argparse.Namespace) -> int:
    from clipkit.analysis.compare import compare_campaigns
    from clipkit.records.campaign import open_campaign

    found = compare_campaigns(open_campaign(parsed.a), open_campaign(parsed.b))
    if not parsed.json:
        say_lines(found.lines())
    elif found.overall:
        print_json(found.to_json())
    if found.why_not:
        raise CampaignError(found.why_not)
    return 0


def _add_batch(commands: Any) -> None:
    help = "execute a notebook for each file of parameters, write an index page"
    command = add_command(commands, "batch", _batch, help, works=True)
    command.add_argument("notebook", metavar="NOTEBOOK", help="such as 2-explore, or a file")
    command.add_argument("parameters", nargs="+", metavar="PARAMS.yaml", help="one run each")
    command.add_argument("--out", metavar="DIR", help="default: batch-NOTEBOOK")
    command.add_argument("--again", action="store_true", help="execute the finished ones too")


def _batch(parsed: argparse.Namespace) -> int:
    from clipkit.report.pages import batch
    from clipkit.report.pages.batch_progress import BatchProgress

    files = [Path(word) for word in parsed.parameters]
    planned = batch.plan_batch(parsed.notebook, files, Path(parsed.out) if parsed.out else None)
    done = batch.run_batch(planned, BatchProgress(len(files)), parsed.again)
    if not parsed.json:
        say_lines([str(done.index)])
    elif done.failed < len(files):
        print_json(done.as_json())
    return 1 if done.failed else 0


def _add_lab(commands: Any) -> None:
    command = add_command(
        commands, "lab", _lab, "open the notebooks in JupyterLab, as copies of yours"
    )
    command.add_argument("folder", nargs="?", default="clipkit-lab", metavar="DIR")
    command.add_argument("--copy-only", action="store_true", help="copy, open nothing")
    command.add_argument("--no-browser", action="store_true", help="print the address instead")
    command.add_argument("--port", type=int, help="of JupyterLab (default: a free one from 8888)")


def _lab(parsed: argparse.Namespace) -> int:
    from clipkit.report.notebooks import lab

    if parsed.copy_only and (parsed.no_browser or parsed.port is not None):
        raise UsageError("--copy-only opens nothing: leave out --no-browser and --port")
    copies = lab.copy_notebooks(Path(parsed.folder))
    for line in copies.lines():
        complain(line)
    opening = None
    if not parsed.copy_only:
        opening = lab.lab_argv(copies, not parsed.no_browser, parsed.port)
    if parsed.json:
        print_json(copies.as_json())
    if opening:
        argv, environment = opening
        sys.stdout.flush()
        os.chdir("/")  # Jupyter takes configuration from where it is started
        os.execve(argv[0], argv, environment)  # noqa: S606 (no shell: the server takes our place)
    return 0
