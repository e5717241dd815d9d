"""`clipkit cut`."""

from __future__ import annotations

import argparse
import contextlib
import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clipkit import arguments
from clipkit.arguments import add_host, add_settings
from clipkit.commands.parser import INTERRUPTED, add_command, print_json
from clipkit.errors import UsageError
from clipkit.streams import complain, say_lines

if TYPE_CHECKING:
    from clipkit.ceiling.base import Ceiling
    from clipkit.hosts import Host
    from clipkit.plan.clips import Job
    from clipkit.settings import Settings
    from clipkit.trial.inside import Ready

_DESCRIPTION = (
    "Cut clips out of an upload. The time it tells (wall_s in manifest.json) runs from the first task "
    "accepted to the last clip in place: starting clipkit, probing the upload, which takes longer the "
    "longer it is, setting up the ceiling and starting the engine come before it and are left out "
    "(experiments/benchmarks/where_time_goes.py measures each). On a host as many clips run at once, up to "
    "--concurrency, as fit its memory by the model; where not even one does, it gives up B-frames, references, "
    "lookahead and at last threads, and says so in its `changes`; where that is not enough nothing is begun."
)


def add_cut(commands: Any) -> None:
    command = add_command(commands, "cut", _cut, "cut clips out of an upload", works=True)
    command.description = _DESCRIPTION
    command.add_argument("video", metavar="VIDEO")
    command.add_argument("--out", required=True, metavar="DIR", help="where the clips go")
    command.add_argument(
        "--overwrite", action="store_true", help="replace the clips of another cut in DIR"
    )
    command.add_argument(
        "--poster", action="store_true", help="a JPEG of each clip's first picture beside it"
    )
    command.add_argument("--clips", metavar="FILE.csv", help="columns start_s,duration_s")
    command.add_argument("--count", type=int, metavar="N", help="this many clips instead")
    command.add_argument("--length", type=float, metavar="S", help="of this many seconds")
    command.add_argument("--seed", type=int, metavar="K", help="at random starts, not evenly")
    command.add_argument(
        "--config",
        metavar="clipkit.toml",
        help="settings; flags beat them; the ffmpeg that it names is run: look into a file that is not yours",
    )
    command.add_argument("--timeout", type=float, default=3600, metavar="S", help="default 3600")
    add_settings(command)
    add_host(command)


@dataclass
class _Workplace:
    """Where the clips are cut: got ready while the upload is described, which takes as long."""

    parsed: argparse.Namespace
    host: Host
    stack: contextlib.ExitStack
    ceiling: Ceiling | None = None
    ready: Ready | None = None

    def set_up(self) -> None:
        from clipkit.ceiling.base import Limits

        opener = arguments.opener(self.parsed, accounting_only=self.host.unlimited)
        self.ceiling = self.stack.enter_context(opener(Limits.of(self.host)))
        if not arguments.reserve_bytes(self.parsed):  # which is to be there before the engine
            from clipkit.trial.inside import engine_ready

            self.ready = self.stack.enter_context(engine_ready(self.ceiling))
        for module in ("output", "terminal", "trial.cut", "media.crossing"):  # what is used next
            importlib.import_module(f"clipkit.{module}")


def _cut(parsed: argparse.Namespace) -> int:
    from clipkit.hosts import UNLIMITED

    if wrong := arguments.why_no_time(parsed.timeout):
        raise UsageError(f"--timeout {wrong}")
    settings = arguments.settings(parsed)
    host = arguments.host(parsed, UNLIMITED)
    asked = arguments.describing(settings.ffmpeg, [host], parsed.timeout, hashed=False)
    with contextlib.ExitStack() as stack:
        workplace = _Workplace(parsed, host, stack)
        job = arguments.job(parsed, asked, meanwhile=workplace.set_up)
        manifest, out_dir = _manifest(workplace, job, settings)
    return _told(parsed, manifest, out_dir)


def _manifest(workplace: _Workplace, job: Job, settings: Settings) -> tuple[dict[str, Any], Path]:
    from clipkit import ffmpeg_builds
    from clipkit.terminal import CutProgress
    from clipkit.trial.cut import Order, cut_order

    parsed, ceiling = workplace.parsed, workplace.ceiling
    assert ceiling is not None  # noqa: S101 (for the type checker)
    order = Order(
        job=job,
        settings=settings,
        build=ffmpeg_builds.find_build(settings.ffmpeg),
        host=workplace.host,
        reserve_bytes=arguments.reserve_bytes(parsed),
        out_dir=Path(parsed.out).absolute(),
        timeout_s=parsed.timeout,
        overwrite=parsed.overwrite,
        posters=parsed.poster,
    )
    with CutProgress(len(job.clips), order.frames_shown) as progress:
        return cut_order(order, ceiling, progress, workplace.ready), order.out_dir


def _told(parsed: argparse.Namespace, manifest: dict[str, Any], out_dir: Path) -> int:
    from clipkit import output

    right = sum(clip["status"] == "ok" for clip in manifest["clips"])
    if right and parsed.json:
        print_json(manifest)
    elif right:
        say_lines(output.cut_lines(manifest, out_dir))
    for note in manifest["notes"]:
        complain(f"clipkit: {note}")
    if manifest["status"] != "ok":
        complain(f"clipkit: {output.cut_failure(manifest)}")
    if manifest["status"] == "cancelled":
        return INTERRUPTED
    return 0 if manifest["status"] == "ok" else 1
