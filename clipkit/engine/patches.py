"""What the engine does to a file itself, for what no option of ffmpeg reaches. Stdlib only.

To add a patch: a function of the arguments that its step carries, an entry in PATCHES, its tests.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from clipkit.engine.boxes import (
    Mp4Error,
    edit_layout,
    needed,
    read_moov,
    timescale,
    tracks,
    video_track,
)
from clipkit.engine.joining import join


class PatchError(Exception):
    """A file cannot be patched: it is not what the patch is for."""


def show_until(file: str, end_s: float) -> None:
    """Have the pictures of an MP4 end at `end_s` seconds, and its headers say so too.

    A copy ends in decoding order: ffmpeg leaves the pictures that others refer to, some frames
    beyond the clip's end, and counts them in. They stay in the file and are shown no more. Or it ends
    early, where it guesses how long the last picture lasts.
    """
    with Path(file).open("r+b") as mp4:
        try:
            at, moov = read_moov(mp4)
            _end_pictures(memoryview(moov), end_s)
        except (Mp4Error, struct.error, IndexError) as error:
            raise PatchError(f"its pictures cannot be ended: {error}") from None
        mp4.seek(at)
        mp4.write(moov)


def join_parts(file: str, layout: str, tail: str, **encoded: str) -> None:
    """Join the parts of a clip (`clipkit.engine.joining`)."""
    try:
        join(file, layout, tail, **encoded)
    except (Mp4Error, struct.error, IndexError, ValueError) as error:
        raise PatchError(f"its parts cannot be joined: {error}") from None


PATCHES: Mapping[str, Callable[..., None]] = {"show_until": show_until, "join_parts": join_parts}


def apply_patch(name: str, arguments: Mapping[str, Any]) -> None:
    """Raises PatchError where it cannot be done, OSError where the file cannot be read or written."""
    if name not in PATCHES:
        raise PatchError(f"there is no patch '{name}'")
    PATCHES[name](**arguments)


def _end_pictures(moov: memoryview, end_s: float) -> None:
    track, movie = video_track(moov), needed(moov, b"mvhd")
    elst = needed(track, b"edts", b"elst")
    layout, places = edit_layout(elst)
    left = int(end_s * timescale(movie))
    shown = 0
    for place in places:
        duration, start = struct.unpack_from(layout, elst, place)
        kept = min(duration or left, left)  # 0 is "as long as the media"
        if not kept:
            raise Mp4Error(f"nothing of it is shown before {end_s:g} s")
        struct.pack_into(layout, elst, place, kept, start)
        left, shown = left - kept, shown + kept
    if left and places:
        duration, start = struct.unpack_from(layout, elst, places[-1])
        struct.pack_into(layout, elst, places[-1], duration + left, start)
        shown += left
    _set_duration(needed(track, b"tkhd"), 20, shown)
    longest = max(_duration(needed(each, b"tkhd"), 20) for each in tracks(moov))
    _set_duration(movie, 16, longest)


def _place(header: memoryview, at: int) -> tuple[str, int]:
    """`at`: where the duration lies in version 0; version 1 has wider times before it."""
    return (">Q", at + 8) if header[0] == 1 else (">I", at)


def _duration(header: memoryview, at: int) -> int:
    layout, place = _place(header, at)
    ticks: int = struct.unpack_from(layout, header, place)[0]
    return ticks


def _set_duration(header: memoryview, at: int, ticks: int) -> None:
    layout, place = _place(header, at)
    struct.pack_into(layout, header, place, ticks)
