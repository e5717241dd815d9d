"""From the command line's words to the stations' types."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clipkit import format as fmt
from clipkit import hosts
from clipkit import settings as settings_station
from clipkit.ceiling.base import Ceiling, Limits, Mechanism
from clipkit.errors import ClipkitError, ClipListError, HostError, UsageError
from clipkit.hosts import Host
from clipkit.knob import Knob
from clipkit.legal import LONGEST_S
from clipkit.settings import Settings, knobs

if TYPE_CHECKING:
    from clipkit.media.upload import Upload
    from clipkit.plan.baselines import Template
    from clipkit.plan.clips import Job
    from clipkit.trial.describing import Describing

ACCEPT_NOISE = "CLIPKIT_ACCEPT_NOISE"
"""The environment variable that says the same as `--accept-noise`: for a machine that is always busy."""

# What the user decides about pictures and sound; how they are made is what `tune` finds out.
FIXED_IN_TUNE = (
    "preset",
    "crf",
    "lookahead",
    "mbtree",
    "bframes",
    "refs",
    "audio",
    "hdr",
    "crop",
    "scale_height",
    "scaler",
    "hidden_preroll",
    "together",
    "ffmpeg",
)


def program() -> tuple[str, ...]:
    """The words with which the user can call clipkit: its name where that is found, else as it was called."""
    if shutil.which("clipkit"):
        return ("clipkit",)
    called = Path(sys.argv[0]).absolute()
    if called.name == "__main__.py":
        return (fmt.near(Path(sys.executable)), "-m", "clipkit")
    return (fmt.near(called),)


def add_host(command: argparse.ArgumentParser, several: bool = False, reserve: bool = True) -> None:
    """`several`: the host may be repeated. `reserve`: a part of it may be kept for the user's server."""
    group = command.add_argument_group("host")
    if several:
        told = "from `clipkit hosts`; may be repeated: which plan?"
        group.add_argument("--host", action="append", metavar="NAME", help=told)
    else:
        group.add_argument("--host", metavar="NAME", help="from `clipkit hosts`")
    group.add_argument("--memory", metavar="512M", help="of a custom host")
    group.add_argument("--cpus", metavar="0.5", help="of a custom host")
    if reserve:
        group.add_argument(
            "--reserve", default="0", metavar="120M", help="kept for your own server"
        )
    add_ceiling(command)


def add_ceiling(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--ceiling",
        choices=[str(m) for m in Mechanism],
        metavar="MECHANISM",
        help="force one of " + ", ".join(Mechanism),
    )


def add_noise(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--accept-noise",
        action="store_true",
        default=os.environ.get(ACCEPT_NOISE) == "1",
        help="trials count also where others disturbed them (their records tell); without it they "
        f"are repeated (also: {ACCEPT_NOISE}=1)",
    )


def add_settings(command: argparse.ArgumentParser, names: Sequence[str] | None = None) -> None:
    """A flag for each knob, straight from the declaration."""
    group = command.add_argument_group("settings")
    for knob in _chosen(names):
        default = knob.absent or knob.default
        group.add_argument(knob.flag, metavar="…", help=f"{knob.help} (default: {default})")


def _chosen(names: Sequence[str] | None) -> list[Knob]:
    return [knob for knob in knobs() if names is None or knob.name in names]


def settings(parsed: argparse.Namespace, names: Sequence[str] | None = None) -> Settings:
    """Defaults, then `--config`, then flags. Raises SettingsError."""
    config = getattr(parsed, "config", None)
    table = (
        {}
        if config is None
        else settings_station.to_table(settings_station.load_settings(Path(config)))
    )
    for knob in _chosen(names):
        word = getattr(parsed, knob.name)
        if word is not None:
            table[knob.name] = knob.parse(_from_anywhere(word) if knob.name == "ffmpeg" else word)
    return Settings(**table)


def _from_anywhere(ffmpeg: str) -> str:
    """A path to an executable is kept as one that means the same in another folder, where its `clipkit.toml` may be
    read."""
    path = Path(ffmpeg).expanduser()
    return str(path.absolute()) if os.sep in ffmpeg and os.path.exists(path) else ffmpeg  # noqa: PTH110 (see `errors`: a name too long is none)


def several_hosts(parsed: argparse.Namespace, default: str) -> tuple[Host, ...]:
    """Each `--host`, or the one that `host` finds. Raises HostError, UsageError."""
    names = parsed.host or [None]
    if len(names) > 1 and (parsed.memory is not None or parsed.cpus is not None):
        raise UsageError("--memory and --cpus make one host: give them, or several --host")
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise UsageError(f"--host {twice} is given twice")
    return tuple(_host(parsed, name, default) for name in names)


def host(parsed: argparse.Namespace, default: str) -> Host:
    """`--host`, or `--memory` and `--cpus`. Without any, `default`. Raises HostError.

    An empty word is an error, not an absence: `--memory "$UNSET"` must not mean "no limit".
    """
    return _host(parsed, parsed.host, default)


def _host(parsed: argparse.Namespace, named: str | None, default: str) -> Host:
    memory_bytes = None if parsed.memory is None else hosts.parse_size(parsed.memory)
    cpus = None if parsed.cpus is None else _cpus(parsed.cpus)
    custom = memory_bytes is not None or cpus is not None
    name = (hosts.UNLIMITED if custom else default) if named is None else named
    return hosts.custom(hosts.find_host(name), memory_bytes, cpus)


def _cpus(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise HostError(f"--cpus '{text}' is no number of cores: write 0.5 or 2") from None


def reserve_bytes(parsed: argparse.Namespace) -> int:
    return hosts.parse_size(parsed.reserve)


def opener(
    parsed: argparse.Namespace, accounting_only: bool = False
) -> Callable[[Limits], Ceiling]:
    """How to set a ceiling up; sweeps away first what a killed clipkit left behind."""
    from clipkit.ceiling.choose import open_ceiling
    from clipkit.ceiling.stale import remove_stale

    remove_stale()
    forced = Mechanism(parsed.ceiling) if parsed.ceiling else None
    mechanism = forced or (Mechanism.NONE if accounting_only else None)
    return lambda limits: open_ceiling(limits, mechanism)


def upload(
    word: str, asked: Describing | None = None, meanwhile: Callable[[], object] = lambda: None
) -> Upload:
    """The upload described: a path, or the sample by its name (see `media.sample`). Without word of who
    is to cut it, for the ffmpeg that is usual. `meanwhile`: what else is to be done before it is cut.

    Raises UploadError, and UsageError for what looks like a sample's name and is neither.
    """
    from clipkit.ffmpeg_builds import find_build
    from clipkit.media import sample
    from clipkit.trial.describing import (
        Describing,
        cutting_programs,
        describe_upload,
        described_beside,
    )

    path = sample.find_sample(word)
    if asked is None:
        return describe_upload(path, Describing(cutting_programs([Settings().ffmpeg])))
    with described_beside(path, asked) as described:
        from threading import Thread

        from clipkit.ceiling.stale import remove_stale

        refused: list[ClipkitError] = []

        def ask() -> None:
            try:
                find_build(asked.ffmpeg)
            except ClipkitError as error:
                refused.append(error)

        beside = Thread(target=ask)  # it will be asked for next, and is known then
        beside.start()
        try:
            try:
                remove_stale()
                meanwhile()
            except ClipkitError:
                described()  # what is wrong with the upload is told first
                raise
            return described()
        finally:
            beside.join()
            if (
                refused
            ):  # what is no ffmpeg is told as that, and not waited for again where it hangs
                raise refused[0]


def why_no_time(seconds: float) -> str | None:
    """What is wrong with it as a clip's length or the limit of a job, in words behind its name; None: nothing."""
    if 0 < seconds <= LONGEST_S:
        return None
    return f"{seconds:g} is no number of seconds from more than 0 to {LONGEST_S:g} (a day)"


def describing(
    ffmpeg: str,
    hosts: Sequence[Host] = (),
    timeout_s: float | None = None,
    command: Template | None = None,
    hashed: bool = True,
) -> Describing:
    """For whom uploads are described: those who cut them by that ffmpeg, or by a command of the user's,
    on hosts like these; `hashed` where records are made of it. Raises FfmpegError."""
    from clipkit.trial.describing import Describing, cutting_programs

    memory_bytes = [host.memory_bytes for host in hosts if host.memory_bytes is not None]
    return Describing(
        programs=cutting_programs([ffmpeg], command),
        memory_bytes=min(memory_bytes, default=None),
        timeout_s=timeout_s,
        ffmpeg=ffmpeg,
        hashed=hashed,
    )


def job(parsed: argparse.Namespace, asked: Describing, meanwhile: Callable[[], object]) -> Job:
    """The clips asked for: a CSV, or a count and a length; `meanwhile` as in `upload`. Raises ClipListError,
    ClipRangeError."""
    from clipkit.plan.clips import Job, spread
    from clipkit.plan.frames import span

    spreads = (parsed.count, parsed.length)
    if parsed.clips is not None:
        if (*spreads, parsed.seed) != (None, None, None):
            raise UsageError("--clips lists the clips: leave out --count, --length and --seed")
        found = Job(upload(parsed.video, asked, meanwhile), _listed(parsed.clips))
    elif None in spreads:
        raise UsageError("say which clips: either --clips FILE.csv, or --count N and --length S")
    else:
        described = upload(parsed.video, asked, meanwhile)
        found = spread(described, parsed.count, parsed.length, parsed.seed)
    for clip in found.clips:
        span(found.upload, clip)
    return found


def _listed(name: str) -> tuple[Any, ...]:
    from clipkit.plan.clips import read_csv

    try:
        if name == "-":
            return read_csv(sys.stdin, "standard input")
        with Path(name).open(encoding="utf-8-sig", newline="") as lines:
            return read_csv(lines, name)
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise ClipListError(f"cannot read {name}: {why}") from None
