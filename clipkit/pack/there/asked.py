"""The words with which a pack is started on the host. Stdlib only."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from clipkit.errors import HostError, UsageError
from clipkit.hosts import parse_size
from clipkit.pack.there.lives import parse_numbers

RESULTS = "clipkit-results"


@dataclass(frozen=True, slots=True)
class Asked:
    """`done`: trials that need not be run, by their numbers; `yes`: it may begin without being asked back."""

    results: Path
    yes: bool
    may_kill: bool
    memory_bytes: int | None
    cpus: float | None
    uploads: tuple[Path, ...]
    done: frozenset[int]
    ffmpeg: str


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]
        raise UsageError(f"{message} (see --help)")


def parse_asked(words: Sequence[str], program: str, description: str) -> Asked:
    """Raises UsageError; `--help` ends the process."""
    parser = _Parser(prog=f"python3 {program}", description=description)
    parser.add_argument(
        "--results",
        default=RESULTS,
        metavar="DIR",
        help=f"where results are kept, and where it is gone on with (default: {RESULTS})",
    )
    parser.add_argument("--yes", action="store_true", help="begin without asking")
    parser.add_argument("--memory", metavar="512M", help="of this host, where nothing here says it")
    parser.add_argument("--cpus", metavar="0.5", help="the same of its cores")
    parser.add_argument(
        "--upload",
        action="append",
        default=[],
        metavar="PATH",
        help="an upload that is too large to travel: it is known by its hash; may be repeated",
    )
    parser.add_argument(
        "--done",
        default="",
        metavar="1-4,6",
        help="trials that need not be run again, as `clipkit unpack` prints it",
    )
    parser.add_argument(
        "--may-kill",
        action="store_true",
        help="also run what may need more memory than is free: that may end the instance",
    )
    parser.add_argument(
        "--ffmpeg", default="system", metavar="PATH", help="default: the one on the PATH"
    )
    given = parser.parse_args(words)
    return Asked(
        results=Path(given.results).absolute(),
        yes=given.yes,
        may_kill=given.may_kill,
        memory_bytes=None if given.memory is None else _memory(given.memory),
        cpus=None if given.cpus is None else _cpus(given.cpus),
        uploads=tuple(Path(each).absolute() for each in given.upload),
        done=frozenset(_done(given.done)),
        ffmpeg=given.ffmpeg,
    )


def _memory(text: str) -> int:
    try:
        found = parse_size(text)
    except HostError as error:
        raise UsageError(f"--memory {error}") from None
    if found <= 0:
        raise UsageError(f"--memory '{text}' is none: write 512M")
    return found


def _cpus(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not 0.01 <= found <= 1024:
        raise UsageError(f"--cpus '{text}' is no number of cores: write 0.5 or 2")
    return found


def _done(text: str) -> set[int]:
    try:
        return parse_numbers(text)
    except ValueError:
        raise UsageError(f"--done '{text}': write numbers of trials such as 1-4,6") from None
