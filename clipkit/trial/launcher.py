"""The ffmpeg that a service is given to start: a few lines of shell in front of the real one.

It moves into the ffmpegs' part of the ceiling, so that the kernel itself tells the service's memory and
CPU from theirs, notes the argv that it was given, and becomes the real ffmpeg: the same process, with
its group, its signals and its pipes. What it costs is measured by
`experiments/benchmarks/cost_of_launcher.py`.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from clipkit.plan.clips import Clip
from clipkit.plan.ffmpeg_times import is_time

_SCRIPT = """#!/bin/sh
{enter}printf '%s\\0' "$@" > {notes}/$$
exec {ffmpeg} "$@"
"""
_ENTER = "echo $$ > {entrance} || exit 126\n"


@dataclass(frozen=True, slots=True)
class Launch:
    """One start of ffmpeg, by the launcher's own note. `started_s`: seconds since 1970."""

    pid: int
    started_s: float
    argv: tuple[str, ...]

    @property
    def reads_a_file(self) -> bool:
        """Whether it was started for a clip, and not to be asked for its version or its formats."""
        return "-i" in self.argv


@dataclass(frozen=True, slots=True)
class Launcher:
    """In a folder of its own, which holds the script and its notes."""

    folder: Path
    ffmpeg: str
    entrances: Sequence[Path] = ()

    @property
    def path(self) -> Path:
        return self.folder / "ffmpeg"

    @property
    def _notes(self) -> Path:
        return self.folder / "launches"

    def write(self) -> None:
        """Raises OSError."""
        self._notes.mkdir(parents=True)
        self.path.write_text(
            _SCRIPT.format(
                enter="".join(_ENTER.format(entrance=shlex.quote(str(e))) for e in self.entrances),
                notes=shlex.quote(str(self._notes)),
                ffmpeg=shlex.quote(self.ffmpeg),
            ),
            "utf-8",
        )
        self.path.chmod(0o700)

    def pids(self) -> set[int]:
        """Of every ffmpeg that was started, also of those that have ended."""
        return {int(note.name) for note in self._notes.iterdir()}

    def launches(self) -> list[Launch]:
        """Every start, in order."""
        found = [_read(note) for note in self._notes.iterdir()]
        return sorted(found, key=lambda launch: (launch.started_s, launch.pid))


def _read(note: Path) -> Launch:
    words = note.read_bytes().decode("utf-8", "surrogateescape").split("\0")[:-1]
    return Launch(int(note.name), note.stat().st_mtime, tuple(words))


def launch_of(clip: Clip, unused: list[Launch]) -> Launch | None:
    """That which was for this clip, by the start in its words; then it is used."""
    for launch in unused:
        words = launch.argv
        if any(is_time(word, clip.start_s) for word in _behind("-ss", words)):
            unused.remove(launch)
            return launch
    return None


def _behind(option: str, words: Sequence[str]) -> Sequence[str]:
    return words[words.index(option) + 1 :][:1] if option in words else ()
