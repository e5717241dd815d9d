"""The command line: parse, call one station, print. It decides nothing."""

from __future__ import annotations

import argparse
import dataclasses
import io
import json
import math
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from clipkit import __version__, arguments, output
from clipkit.arguments import add_host, add_settings
from clipkit.errors import CampaignError, ClipkitError, UsageError

_INTERRUPTED = 130
Handler = Callable[[argparse.Namespace], int]


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message} (see {self.prog} --help)")


def main(argv: Sequence[str] | None = None) -> None:
    """Run a command and end the process: 0 done, 1 failed or refused, 2 wrong use."""
    signal.signal(signal.SIGTERM, _interrupt)
    if isinstance(sys.stdout, io.TextIOWrapper):  # a file's name need not be text in any encoding
        sys.stdout.reconfigure(errors="backslashreplace")
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        parsed = parse(words)
        code = parsed.handler(parsed)
        sys.stdout.flush()
    except ClipkitError as error:
        print(f"clipkit: {error}", file=sys.stderr)
        code = error.exit_code
    except KeyboardInterrupt:
        print("clipkit: interrupted", file=sys.stderr)
        code = _INTERRUPTED
    except BrokenPipeError:  # nobody reads on; what is left in the buffer goes nowhere
        code = 1
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


def parse(words: Sequence[str]) -> argparse.Namespace:
    """The words of a command line; `handler` runs them. Raises UsageError."""
    parsed = _parser().parse_args(words)
    parsed.words = words
    return parsed


def _interrupt(_signal: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="clipkit", description="Measure and tune video clip generation on small hosts."
    )
    parser.add_argument("--version", action="version", version=f"clipkit {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=_Parser)
    _tune_command(commands)
    _sweep_command(commands)
    _cut_command(commands)
    _probe_command(commands)
    _export_command(commands)
    _report_command(commands)
    _compare_command(commands)
    _batch_command(commands)
    _lab_command(commands)
    _add(commands, "hosts", _hosts, "the catalogue of hosts")
    _add(commands, "doctor", _doctor, "what this machine has and enforces")
    return parser


def _add(commands: Any, name: str, handler: Handler, help: str) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(name, help=help, description=help)
    command.set_defaults(handler=handler)
    command.add_argument("--json", action="store_true", help="one object for machines on stdout")
    return command


def _print_json(document: Any) -> None:
    print(json.dumps(document, default=str))


# -- tune ------------------------------------------------------------------------------------


def _tune_command(commands: Any) -> None:
    command = _add(
        commands, "tune", _tune, "find the best settings for a host, against how you cut today"
    )
    command.add_argument("videos", nargs="*", metavar="VIDEO", help="default: the sample film")
    add_host(command)
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

    if not (math.isfinite(parsed.budget) and parsed.budget > 0):
        raise UsageError(f"--budget {parsed.budget:g} is no number of minutes: give more than 0")
    template = baselines.parse(parsed.command) if parsed.command else None
    fixed = arguments.settings(parsed, arguments.FIXED_IN_TUNE)
    compared = baselines.chosen(fixed, template, parsed.baseline)
    host = arguments.host(parsed, DEFAULT_FOR_TUNE)
    reserve_bytes = arguments.reserve_bytes(parsed)
    uploads = tuple(arguments.upload(word) for word in parsed.videos or ["sample"])

    # These take seconds to import: what is wrong has been told by now.
    from clipkit.campaign.progress import TuneProgress
    from clipkit.report.pages import report as html
    from clipkit.tuning import answer
    from clipkit.tuning.tune import Request, tune

    request = Request(
        uploads=uploads,
        clips=parsed.count,
        clip_s=parsed.length,
        host=host,
        reserve_bytes=reserve_bytes,
        fixed=fixed,
        baselines=compared,
        budget_s=parsed.budget * 60,
        results=Path(parsed.results).absolute(),
        name=parsed.name,
        program=arguments.program(),
        words=tuple(parsed.words),
    )
    progress = TuneProgress(request.budget_s)
    try:
        tuned = tune(request, arguments.opener(parsed), progress)
    finally:
        progress.line.clear()
    report = None if parsed.no_report else html.write(tuned.folder)
    if parsed.json:
        _print_json(answer.as_json(tuned, report))
    else:
        print("\n".join(answer.as_lines(tuned, report)))
    return 0


# -- sweep -----------------------------------------------------------------------------------


def _sweep_command(commands: Any) -> None:
    command = _add(commands, "sweep", _sweep, "run, resume or extend the campaign of an experiment")
    command.add_argument("experiment", metavar="EXPERIMENT.toml")
    command.add_argument("--results", default="results", metavar="DIR", help="default: results")
    command.add_argument("--as", dest="name", metavar="NAME", help="default: the experiment's name")
    command.add_argument(
        "--dry-run", action="store_true", help="only say how many trials, how long, how much disk"
    )
    arguments.add_ceiling(command)


def _sweep(parsed: argparse.Namespace) -> int:
    from clipkit.campaign import experiment
    from clipkit.records.store import named

    asked = experiment.read(Path(parsed.experiment))
    folder = Path(parsed.results).absolute() / named(parsed.name or asked.name)

    # These take seconds to import: what is wrong in the file has been told by now.
    from clipkit.campaign import estimate
    from clipkit.campaign.progress import SweepProgress
    from clipkit.campaign.sweep import plan, remaining, sweep
    from clipkit.records import table
    from clipkit.terminal import Line

    planned = plan(asked)
    if parsed.dry_run:
        expected = estimate.estimate(planned.design, remaining(planned, folder))
        if parsed.json:
            _print_json(dataclasses.asdict(expected))
        else:
            print("\n".join(output.estimate_lines(expected, folder)))
        return 0
    line = Line()
    try:
        swept = sweep(
            planned, folder, arguments.opener(parsed), lambda tally: SweepProgress(tally, line)
        )
    finally:
        line.clear()
    table.to_parquet(swept.folder)
    if parsed.json:
        _print_json(output.swept(swept))
    else:
        print("\n".join(output.swept_lines(swept)))
    return 0


# -- cut -------------------------------------------------------------------------------------


def _cut_command(commands: Any) -> None:
    command = _add(commands, "cut", _cut, "cut clips out of an upload")
    command.add_argument("video", metavar="VIDEO")
    command.add_argument("--out", required=True, metavar="DIR", help="where the clips go")
    command.add_argument("--clips", metavar="FILE.csv", help="columns start_s,duration_s")
    command.add_argument("--count", type=int, metavar="N", help="this many clips instead")
    command.add_argument("--length", type=float, metavar="S", help="of this many seconds")
    command.add_argument("--seed", type=int, metavar="K", help="at random starts, not evenly")
    command.add_argument("--config", metavar="clipkit.toml", help="settings; flags beat them")
    command.add_argument("--timeout", type=float, default=3600, metavar="S", help="default 3600")
    add_settings(command)
    add_host(command)


def _cut(parsed: argparse.Namespace) -> int:
    from clipkit import ffmpeg_builds
    from clipkit.hosts import UNLIMITED
    from clipkit.terminal import CutProgress
    from clipkit.trial.cut import Order, cut
    from clipkit.trial.run import limits

    if not parsed.timeout > 0:
        raise UsageError(f"--timeout {parsed.timeout:g} is no number of seconds: give more than 0")
    settings = arguments.settings(parsed)
    job = arguments.job(parsed)
    host = arguments.host(parsed, UNLIMITED)
    order = Order(
        job=job,
        settings=settings,
        build=ffmpeg_builds.find(settings.ffmpeg),
        host=host,
        reserve_bytes=arguments.reserve_bytes(parsed),
        out_dir=Path(parsed.out).absolute(),
        timeout_s=parsed.timeout,
    )
    progress = CutProgress(len(job.clips), arguments.frames(job))
    ceiling = arguments.opener(parsed, accounting_only=host.unlimited)(limits(host))
    try:
        manifest = cut(order, ceiling, progress)
    finally:
        ceiling.close()
        progress.line.clear()
    right = sum(clip["status"] == "ok" for clip in manifest["clips"])
    if right and parsed.json:
        _print_json(manifest)
    elif right:
        print("\n".join(output.cut_lines(manifest, order.out_dir)))
    if manifest["status"] != "ok":
        print(f"clipkit: {output.cut_failure(manifest)}", file=sys.stderr)
    if manifest["status"] == "cancelled":
        return _INTERRUPTED
    return 0 if manifest["status"] == "ok" else 1


# -- the small ones ----------------------------------------------------------------------------


def _probe_command(commands: Any) -> None:
    command = _add(commands, "probe", _probe, "facts about an upload")
    command.add_argument("video", metavar="VIDEO")


def _probe(parsed: argparse.Namespace) -> int:
    facts = arguments.upload(parsed.video).facts()
    if parsed.json:
        _print_json(facts)
    else:
        print("\n".join(output.probe_lines(facts)))
    return 0


def _export_command(commands: Any) -> None:
    command = _add(commands, "export", _export, "the settings in your own backend's terms")
    command.add_argument(
        "--as",
        dest="form",
        required=True,
        metavar="FORM",
        help="fluent-ffmpeg, shell, python or rust",
    )
    command.add_argument("--config", default="clipkit.toml", metavar="clipkit.toml")


def _export(parsed: argparse.Namespace) -> int:
    from clipkit import settings
    from clipkit.tuning.export import export

    text = export(settings.load(Path(parsed.config)), parsed.form)
    if parsed.json:
        _print_json({"as": parsed.form, "text": text})
    else:
        print(text, end="")
    return 0


def _report_command(commands: Any) -> None:
    command = _add(commands, "report", _report, "execute the notebook, write report.html")
    command.add_argument("campaign", metavar="CAMPAIGN", help="a campaign's folder")


def _report(parsed: argparse.Namespace) -> int:
    from clipkit.report.pages import report as html

    report = html.write(Path(parsed.campaign))
    if parsed.json:
        _print_json({"report": report.absolute()})
    else:
        print(report)
    return 0


def _compare_command(commands: Any) -> None:
    command = _add(
        commands, "compare", _compare, "what differs between two campaigns, and by how much"
    )
    command.add_argument("a", metavar="A", help="a campaign's folder")
    command.add_argument("b", metavar="B", help="another's, compared with it")


def _compare(parsed: argparse.Namespace) -> int:
    from clipkit.analysis.compare import compare
    from clipkit.report.exhibits.loaded import load

    found = compare(load(Path(parsed.a)), load(Path(parsed.b)))
    if not parsed.json:
        print("\n".join(found.lines()))
    elif found.overall:
        _print_json(found.to_json())
    if found.why_not:
        raise CampaignError(found.why_not)
    return 0


def _batch_command(commands: Any) -> None:
    help = "execute a notebook for each file of parameters, write an index page"
    command = _add(commands, "batch", _batch, help)
    command.add_argument("notebook", metavar="NOTEBOOK", help="such as 2-explore, or a file")
    command.add_argument("parameters", nargs="+", metavar="PARAMS.yaml", help="one run each")
    command.add_argument("--out", metavar="DIR", help="default: batch-NOTEBOOK")
    command.add_argument("--again", action="store_true", help="execute the finished ones too")


def _batch(parsed: argparse.Namespace) -> int:
    from clipkit.report.notebooks import batch
    from clipkit.report.notebooks.batch_progress import BatchProgress

    files = [Path(word) for word in parsed.parameters]
    planned = batch.plan(parsed.notebook, files, Path(parsed.out) if parsed.out else None)
    done = batch.run(planned, BatchProgress(len(files)), parsed.again)
    if not parsed.json:
        print(done.index)
    elif done.failed < len(files):
        _print_json(done.as_json())
    return 1 if done.failed else 0


def _lab_command(commands: Any) -> None:
    command = _add(commands, "lab", _lab, "open the notebooks in JupyterLab, as copies of yours")
    command.add_argument("folder", nargs="?", default="clipkit-lab", metavar="DIR")
    command.add_argument("--copy-only", action="store_true", help="copy, open nothing")
    command.add_argument("--no-browser", action="store_true", help="print the address instead")
    command.add_argument("--port", type=int, help="of JupyterLab (default: a free one from 8888)")


def _lab(parsed: argparse.Namespace) -> int:
    from clipkit.report.notebooks import lab

    copies = lab.copy(Path(parsed.folder))
    print("\n".join(copies.lines()), file=sys.stderr)
    opening = None
    if not parsed.copy_only:
        opening = lab.command(copies, not parsed.no_browser, parsed.port)
    if parsed.json:
        _print_json(copies.as_json())
    if opening:
        argv, environment = opening
        sys.stdout.flush()
        os.execve(argv[0], argv, environment)  # noqa: S606 (no shell: the server takes our place)
    return 0


def _hosts(parsed: argparse.Namespace) -> int:
    from clipkit.hosts import catalogue

    if parsed.json:
        _print_json(output.hosts(catalogue()))
    else:
        print("\n".join(output.hosts_lines(catalogue())))
    return 0


def _doctor(parsed: argparse.Namespace) -> int:
    from clipkit.campaign.doctor import examine
    from clipkit.ceiling.stale import remove_stale

    found = examine() | {"removed": remove_stale()}
    if parsed.json:
        _print_json(found)
    else:
        print("\n".join(output.doctor_lines(found)))
    return 0


if __name__ == "__main__":
    main()
