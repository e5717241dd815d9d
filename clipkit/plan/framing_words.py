"""The settings `crop` and `scale_height` in the words of ffmpeg's `-vf`, for a picture that is not known yet,
and read back from the words of a command. Pure.

Where the picture is known `media.geometry` has the numbers, which these expressions come to.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from clipkit.media.geometry import Framing
from clipkit.settings import Settings

_OURS = (
    r"crop=2\*min\(trunc\(iw/2\),round\(trunc\(ih/2\)\*([0-9]+)/([0-9]+)/sar\)\)"
    r":2\*min\(trunc\(ih/2\),round\(trunc\(iw/2\)\*\2/\1\*sar\)\)"
)
_SHAPES = tuple(map(re.compile, (_OURS, r"crop=ih\*([0-9]+)/([0-9]+):ih")))
_PARTS = re.compile(r"crop=([0-9]+:[0-9]+:[0-9]+:[0-9]+)(?::exact=1)?")
_HALF_HEIGHT = re.compile(r"scale=-2:2\*min\(([0-9]+),trunc\(ih/2\)\)")
_HEIGHTS = re.compile(r"scale=-[12]:(?:([0-9]+)|min\(([0-9]+),ih\)|min\(ih,([0-9]+)\))")
_LIKE_OURS = ("format=yuv420p", "setsar=1", "setsar=1:1", "setsar=1/1")
"""What our engine does of itself."""


@dataclass(frozen=True, slots=True)
class FramingWords:
    """What a chain of filters says in the terms of our settings. `complete`: it says nothing else; of one
    that does nothing is known, since what comes before may turn or move the picture."""

    crop: str | None = None
    scale_height: int | None = None
    complete: bool = False


def framing_chain(settings: Settings) -> str | None:
    """The filters for `-vf`; None where the picture is left as it is."""
    filters = []
    if settings.crop is not None:
        filters.append(f"crop={_crop(settings.crop)}")
    if settings.scale_height is not None:
        filters.append(f"scale=-2:2*min({settings.scale_height // 2}\\,trunc(ih/2))")
    return ",".join(filters) or None


def enlarges(chain: str, framing: Framing) -> bool:
    """Whether it makes the picture larger than its part is, which our engine never does."""
    heights = (_HEIGHTS.fullmatch(part) for part in _filters_of(chain))
    return any(found and found[1] and int(found[1]) > framing.part_height for found in heights)


def read_framing(chain: str) -> FramingWords:
    """What the filters of a `-vf` say."""
    filters = [part for part in _filters_of(chain) if part not in _LIKE_OURS]
    crop = scale_height = None
    if filters and (crop := _crop_of(filters[0])) is not None:
        filters = filters[1:]
    if filters and (scale_height := _scale_height_of(filters[0])) is not None:
        filters = filters[1:]
    return FramingWords() if filters else FramingWords(crop, scale_height, complete=True)


def _crop(text: str) -> str:
    wide, high, *place = map(int, text.split(":"))
    if place:
        x, y = place
        return f"{wide // 2 * 2}:{high // 2 * 2}:{x}:{y}:exact=1"
    return (
        f"2*min(trunc(iw/2)\\,round(trunc(ih/2)*{wide}/{high}/sar))"
        f":2*min(trunc(ih/2)\\,round(trunc(iw/2)*{high}/{wide}*sar))"
    )


def _crop_of(part: str) -> str | None:
    if found := _PARTS.fullmatch(part):
        return found[1]
    for shape in _SHAPES:
        if found := shape.fullmatch(part):
            return f"{found[1]}:{found[2]}"
    return None


def _scale_height_of(part: str) -> int | None:
    if found := _HALF_HEIGHT.fullmatch(part):
        return 2 * int(found[1])
    if found := _HEIGHTS.fullmatch(part):
        return int(found[1] or found[2] or found[3])
    return None


def _filters_of(chain: str) -> Iterator[str]:
    """Each filter of a chain without the quotes and backslashes by which its commas are its own."""
    text, quoted, escaped = "", False, False
    for letter in chain:
        if escaped or (letter not in "'\\ ," and not quoted):
            text, escaped = text + letter, False
        elif letter == "'":
            quoted = not quoted
        elif quoted:
            text += letter
        elif letter == "\\":
            escaped = True
        elif letter == ",":
            yield text
            text = ""
    yield text
