"""What a demuxer takes a file for, in few words: of PyAV's version and of an ffmpeg's, side by side.

A file that is one thing to the probe and another to the ffmpeg that cuts it is not what the probe
described. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_PLAYED = ("video", "audio")
_ASKED = "At least one output file must be specified"
"""ffmpeg's last line where it has opened its input and was given nothing to do with it."""
_FORMAT = re.compile(r"^Input #0, (.+), from 'file:", re.MULTILINE)
_STREAM = re.compile(
    r"^ +Stream #0:(?P<at>\d+)(?:\[0x[0-9a-f]+\])?(?:\([^)]*\))?: "
    r"(?P<kind>[A-Z][a-z]+): (?P<codec>\w+)(?P<rest>.*)$",
    re.MULTILINE,
)
_SIZE = re.compile(r", (\d+)x(\d+)\b")


@dataclass(frozen=True, slots=True)
class StreamOutline:
    """A stream as the headers and the first packets have it. Of what is no picture the size is 0. `number`: that
    its container gives it, where it gives one."""

    at: int
    kind: str
    codec: str
    width: int
    height: int
    number: int = field(default=0, compare=False)

    @property
    def words(self) -> str:
        size = f" {self.width}x{self.height}" if self.width else ""
        return f"{self.kind} {self.codec}{size}"


@dataclass(frozen=True, slots=True)
class Outline:
    """`format` by its names, with commas between; `streams` those that are played, by their place."""

    format: str
    streams: tuple[StreamOutline, ...]


def outline_told(said: str) -> Outline | None:
    """What ffmpeg says of its only input where it is asked for nothing else; None where it opens none."""
    found = _FORMAT.search(said)
    if found is None or not said.rstrip().endswith(_ASKED):
        return None
    streams = {each.at: each for each in _streams_told(said[found.end() :])}
    return Outline(found[1], tuple(streams[at] for at in sorted(streams)))


def why_not_opened(said: str) -> str:
    """Of what ffmpeg says of an input that it does not open, the line that tells most."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    telling = [line for line in lines if "whitelist" in line] or lines[-1:]
    return re.sub(r"^\[[^]]*\] ", "", telling[0]) if telling else "it printed nothing"


def difference(ours: Outline, theirs: Outline) -> tuple[str, str] | None:
    """The first thing in which two demuxers differ over a file, in the words of each; None: they agree.

    Codecs are compared by the pictures' alone: versions know sounds by different names. A size that
    one of them does not know yet is none.
    """
    if not {*ours.format.split(",")} & {*theirs.format.split(",")}:
        return ours.format, theirs.format
    kinds = [[(each.at, each.kind) for each in one.streams] for one in (ours, theirs)]
    if kinds[0] != kinds[1]:
        return _streams_words(ours), _streams_words(theirs)
    for mine, other in zip(ours.streams, theirs.streams, strict=True):
        alike = mine.codec == other.codec and (
            (mine.width, mine.height) == (other.width, other.height)
            or not (mine.width and other.width)
        )
        if mine.kind == "video" and not alike:
            return mine.words, other.words
    return None


def is_played(kind: str) -> bool:
    """Whether a stream of that kind is a part of the outline."""
    return kind in _PLAYED


def _streams_told(said: str) -> Iterator[StreamOutline]:
    for found in _STREAM.finditer(said):
        kind = found["kind"].lower()
        if is_played(kind):
            size = _SIZE.search(found["rest"]) if kind == "video" else None
            width, height = (int(size[1]), int(size[2])) if size else (0, 0)
            yield StreamOutline(int(found["at"]), kind, found["codec"], width, height)


def _streams_words(outline: Outline) -> str:
    return " and ".join(each.words for each in outline.streams) or "no picture and no sound"
