"""Why an ffmpeg failed, out of all that it said: the line that explains. Stdlib only."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

MOST_BYTES = 65536
"""As much is read of what it said, from the start: a reason comes before what follows from it."""

# `[libx264 @ 0x55d0c0ffee00] `: who speaks, and where that lies in ffmpeg's memory. Then how grave it is,
# where that was asked for.
_LINE = re.compile(
    r"((?:\[[^\]]* @ 0x[0-9a-f]+\]\s*)*)(?:\[(panic|fatal|error|warning|info)\] ?)?(.*)"
)
_BORNE = ("warning", "info")
# How ffmpeg's command tells of a failure whose reason was told before (fftools of 5.1 to 9.0).
_FOLLOWS = re.compile(
    r"Error (while (filtering|processing the decoded data|opening encoder|decoding stream)"
    r"|reinitializing|initializing|sending frames|submitting packet|marking|closing|selecting"
    r"|opening|parsing)"
    r"|Failed to (inject frame into filter network|configure \S+ pad|set value)"
    r"|(Task finished|Terminating thread) with|Could not (open encoder before EOF|write header)"
    r"|Nothing was written into output file|av_interleaved_write_frame"
    r"|.*: Invalid data found when processing input$"
)
_SAYS_NOTHING = re.compile(r"\s*(Last message repeated \d+ times|Conversion failed!)?\s*")
_NOT_PRINTED = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def reason(said: bytes) -> str | None:
    """The line that explains, without who said it; None where nothing was said.

    What was said before may be of things that ffmpeg bore, damaged pictures most often: the reason
    is the first line of whoever spoke last before ffmpeg tells that it gives up.
    """
    lines = list(_errors(said))
    last_speaker, words = None, ""
    for speaker, spoken in lines:
        if _FOLLOWS.match(spoken):
            if words:
                break
        elif speaker != last_speaker:
            last_speaker, words = speaker, spoken
    if not words and lines:
        words = lines[0][1]
    return _NOT_PRINTED.sub(" ", words).strip() or None


def _errors(said: bytes) -> Iterator[tuple[str, str]]:
    """Who speaks, and what."""
    for line in said.decode("utf-8", "replace").replace("\r", "\n").split("\n"):
        found = _LINE.fullmatch(line.strip())
        if found and found[2] not in _BORNE and not _SAYS_NOTHING.fullmatch(found[3]):
            yield found[1], found[3]


def says(log: Path, pattern: str) -> bool:
    """Line by line: of a long film there may be many."""
    sign = re.compile(pattern.encode())
    with contextlib.suppress(OSError), log.open("rb") as lines:
        return any(sign.search(line.rstrip()) for line in lines)
    return False


def emptied(*logs: Path) -> None:
    """Of what was said before."""
    for log in logs:
        with contextlib.suppress(OSError):
            os.truncate(log, 0)


def log_end(log: Path) -> bytes:
    with contextlib.suppress(OSError), log.open("rb") as lines:
        lines.seek(max(0, os.fstat(lines.fileno()).st_size - 4096))
        return lines.read()
    return b""
