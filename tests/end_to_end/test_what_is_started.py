"""What a cut starts, seen from outside: each process more is waited for by whoever only copies."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import requirements

from clipkit.ffmpeg_builds import find_build

_STARTED = re.compile(r'execve\("([^"]+)", \[(.*)\], 0x[^=]*(?:= 0|<unfinished \.\.\.>)$')
_SAID = re.compile(r'"((?:[^"\\]|\\.)*)"')


def started(tmp_path: Path, film: Path, *words: str) -> list[tuple[str, list[str]]]:
    """Each programme that a cut of `film` becomes or starts, with its argv."""
    log = tmp_path / "strace.log"
    watch = (
        "strace",
        "-f",
        "--seccomp-bpf",
        "-e",
        "trace=execve",
        "-e",
        "signal=none",
        "-s",
        "4096",
    )
    cut = (sys.executable, "-P", "-m", "clipkit", "cut", film, "--out", tmp_path / "out", *words)
    try:
        ran = subprocess.run([*watch, "-o", log, *cut], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        requirements.missing("strace", "strace is not there")
    if "ptrace" in ran.stderr:
        requirements.missing("strace", "strace may not trace")
    assert ran.returncode == 0, ran.stderr
    found = [_STARTED.search(line) for line in log.read_text().splitlines()]
    return [(match[1], _SAID.findall(match[2])) for match in found if match]


@pytest.mark.parametrize(
    ("way", "count", "listings"),
    [
        (("copy", "mp4"), 3, ()),
        (("copy", "mkv"), 1, ()),
        (("copy", "mkv"), 3, ()),
        (("encode", "mp4"), 1, ("-encoders",)),
    ],
)
def test_an_ffmpeg_is_started_twice_and_for_each_clip_that_the_engine_does_not_copy_by_itself(
    way: tuple[str, str], count: int, listings: tuple[str, ...], small: Path, tmp_path: Path
) -> None:
    """And asked for its encoders only to encode. `way`: the mode, and what the film lies in."""
    mode, container = way
    ffmpeg = find_build("bundled").path
    words = ("--mode", mode, "--count", str(count), "--length", "0.4", "--ceiling", "none")
    film = small if container == "mp4" else tmp_path / f"film.{container}"
    if film != small:
        subprocess.run([ffmpeg, "-v", "error", "-i", small, "-c", "copy", film], check=True)
    every = started(tmp_path, film, *words)
    kinds = Counter(_kind(argv) for program, argv in every if program == ffmpeg)
    cut = {} if way == ("copy", "mp4") else {"clip": count}
    assert kinds == {"-version": 1, "opens": 1} | cut | dict.fromkeys(listings, 1)
    pythons = [" ".join(argv) for program, argv in every if "python" in Path(program).name]
    became = [words for words in pythons if "enter.py" not in words]  # who enters a ceiling first
    assert len(became) == 3, became  # the command itself, and
    assert sum("clipkit.media.describe" in words for words in became) == 1
    assert sum("clipkit.engine" in words for words in became) == 1


def _kind(argv: list[str]) -> str:
    if argv[-1] in ("-version", "-encoders", "-filters"):
        return argv[-1]
    return "opens" if argv[-2] == "-i" else "clip"
