"""Finds the parts of packs in a log, whatever a host's logging put around, between and into them. Pure.

A part is one run of plain letters, so that time stamps before it, JSON around it and other lines need no
understanding. Where a log cut one in two, its rest is looked for among the runs of letters of the lines nearby:
the length that is missing is known, and the signature tells which is right.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from clipkit.documents import parse_json
from clipkit.pack.there.parts import MOST_LINE_BYTES, PART, START, Part, found_part

_RUN = re.compile(r"[A-Za-z0-9_.-]+")
_BEHEADED = re.compile(
    rf"(?<![A-Za-z0-9_.-])(?:{'|'.join(START[at:] for at in range(1, len(START)))}|)(?=\.[wbe]\.[0-9a-f]{{12}}\.)"
)
"""Where a cut went through the beginning of a part: what is missing is always the same."""
_DRESSING = re.compile(r"(?:\x1b|\\+u001b|\\+x1b)\[[0-9;]*m|\\+[nrt]")
"""Colours and JSON's words for blanks: what is before and after is not one run."""
_CRI = re.compile(r"\S+ (?P<stream>stdout|stderr) (?P<flag>[PF])(?::\S*)? (?P<text>.*)", re.DOTALL)
_HEAD = re.compile(rf"{START}(?:\.[0-9a-z]+){{7}}\.(?P<length>\d{{1,4}})\.")
_OF = re.compile(
    rf"{START}\.[wbe]\.(?P<pack>[0-9a-f]{{12}})\.(?P<life>[0-9a-f]{{8}})\.(?P<trial>\d{{1,6}})\."
)
_LONGEST_HEAD, _MAC_AND_DOT = 120, 44
_LONGEST_LINE = 1 << 22
"""What a log has as one line beyond this is taken as several."""
_NEARBY_LINES = 64
"""So many other lines may lie between the pieces of a part."""
_LEAST_MIDDLE, _MOST_TRIES = 16, 256
"""Of a piece with a cut at both ends its least length; of a part how many pieces put together are tried."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A part where it was found; None stands for one that is not whole. `text`: what there is of it."""

    line: int
    part: Part | None
    text: str

    @property
    def head(self) -> str | None:
        """All that it says of itself; None where the cut went through that."""
        found = _HEAD.match(self.text)
        return found[0][:-1] if found else None

    @property
    def of(self) -> tuple[str, str, int] | None:
        """The pack, life and trial that it says it is of; None where the cut went through that."""
        found = _OF.match(self.text)
        return (found["pack"], found["life"], int(found["trial"])) if found else None


def lines_of(log: BinaryIO) -> Iterator[bytes]:
    """Of a log that may hold one that fills the memory."""
    return iter(lambda: log.readline(_LONGEST_LINE), b"")


def parts_of_log(lines: Iterable[bytes], is_signed: Callable[[Part], bool]) -> Iterator[Seen]:
    """Every part in these lines, in no certain order. `is_signed`: whether a part that was put together is
    right; what was found in one piece is not asked about."""
    nearby = deque[tuple[int, list[str]]](maxlen=_NEARBY_LINES)
    waiting: list[_Torn] = []
    for number, content in _contents(lines):
        text = _BEHEADED.sub(START, _DRESSING.sub(" ", content))
        for match in PART.finditer(text):
            yield Seen(number, found_part(match), match[0])
        runs = [run.partition(START) for run in _RUN.findall(PART.sub(" ", text))]
        torn = [_Torn(number, start + rest) for _, start, rest in runs if start]
        # A run that is longer than a part is no piece of one, and these are kept.
        others = [before for before, _, _ in runs if 0 < len(before) <= MOST_LINE_BYTES]
        for each in waiting:
            each.take(others, is_signed)
        for each in torn:
            for _, earlier in nearby:
                each.take(earlier, is_signed, last=True)
        waiting += torn
        nearby.append((number, others))
        for each in list(waiting):
            if each.whole is not None or number - each.line > _NEARBY_LINES:
                waiting.remove(each)
                yield each.seen
    yield from (each.seen for each in waiting)


@dataclass(slots=True)
class _Torn:
    """A part that was cut, and what it may be with pieces that were found so far."""

    line: int
    piece: str
    whole: Part | None = None
    _longer: list[str] = field(default_factory=list)

    @property
    def seen(self) -> Seen:
        return Seen(self.line, self.whole, self.piece)

    def take(self, runs: list[str], is_signed: Callable[[Part], bool], last: bool = False) -> None:
        """Try these as its next piece; `last`: as its end alone."""
        for run in runs:
            for known in (self.piece, *self._longer):
                if self.whole is not None or len(self._longer) >= _MOST_TRIES:
                    return
                together = known + run
                missing = _missing(together)
                if missing == 0 and (match := PART.fullmatch(together)):
                    part = found_part(match)
                    if part is not None and is_signed(part):
                        self.whole = part
                elif not last and missing > 0 and _may_be_a_middle(run):
                    self._longer.append(together)


def _missing(piece: str) -> int:
    """How many letters a part that begins so lacks; below 0: it has too many."""
    head = _HEAD.match(piece)
    if head is None:
        return 1 if len(piece) < _LONGEST_HEAD else -1
    return head.end() + int(head["length"]) + _MAC_AND_DOT - len(piece)


def _may_be_a_middle(run: str) -> bool:
    return _LEAST_MIDDLE <= len(run) <= MOST_LINE_BYTES


def _contents(lines: Iterable[bytes]) -> Iterator[tuple[int, str]]:
    """The lines, numbered from 1; those that a container's runtime says it cut are one again."""
    begun: dict[str, str] = {}
    for number, raw in enumerate(lines, start=1):
        line = raw.decode("utf-8", "replace").rstrip("\r\n")
        if cri := _CRI.fullmatch(line):
            stream, text, is_cut = cri["stream"], cri["text"], cri["flag"] == "P"
        elif (told := _docker(line)) is not None:
            stream, text = told
            is_cut = not text.endswith("\n")
        else:
            yield number, line
            continue
        text = begun.pop(stream, "") + text.rstrip("\r\n")
        if is_cut and len(text) < _LONGEST_LINE:
            begun[stream] = text
        else:
            yield number, text
    for text in begun.values():
        yield number, text


def _docker(line: str) -> tuple[str, str] | None:
    """Stream and text of a line of Docker's `json-file`; None for any other line."""
    if not line.startswith("{") or '"log"' not in line:
        return None
    try:
        told = parse_json(line)
    except ValueError:
        return None
    log = told.get("log") if isinstance(told, dict) else None
    return (str(told.get("stream")), log) if isinstance(log, str) else None
