"""What the engine does to a file itself, for what no option of ffmpeg reaches. Stdlib only.

To add a patch: a function of the arguments that its step carries, an entry in PATCHES, its tests.
"""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from clipkit.engine.boxes import (
    Mp4Error,
    duration_place,
    edit_layout,
    header_duration,
    needed,
    read_moov,
    time_runs,
    timescale,
    tracks,
    video_track,
)
from clipkit.engine.joining import join
from clipkit.engine.lifting import lift
from clipkit.engine.sync_samples import keep_sync_samples

# Of seconds as binary numbers.
_ROUNDING = 1e-3


class PatchError(Exception):
    """A file cannot be patched: it is not what the patch is for."""


def show_until(file: str, end_s: float) -> None:
    """Have the pictures of an MP4 end at `end_s` seconds, and its headers say so too.

    A copy ends in decoding order: ffmpeg leaves the pictures that others refer to, some frames
    beyond the clip's end, and counts them in. They stay in the file and are shown no more. Or it ends
    early, where it guesses how long the last picture lasts.
    """
    with _patched(file) as moov:
        _end_track(moov, video_track(moov), end_s)
        _end_movie(moov)


def end_at(file: str, end_s: float, seek_to: str) -> None:
    """The same, and no sound is heard behind that either. `seek_to`: the numbers of the pictures that alone
    may be sought, counted from 1; nothing where all that are marked so may."""
    with _patched(file) as moov:
        for track in tracks(moov):
            _end_track(moov, track, min(end_s, _end_s(moov, track)))
        pictures = video_track(moov)
        _end_track(moov, pictures, end_s)
        _end_media(pictures)
        _end_movie(moov)
    if seek_to:
        with _refused(), Path(file).open("r+b") as mp4:
            keep_sync_samples(mp4, {int(number) for number in seek_to.split()})


@contextlib.contextmanager
def _patched(file: str) -> Iterator[memoryview]:
    """Its `moov`, to be changed in place."""
    with _refused(), Path(file).open("r+b") as mp4:
        at, moov = read_moov(mp4)
        yield memoryview(moov)
        mp4.seek(at)
        mp4.write(moov)


@contextlib.contextmanager
def _refused() -> Iterator[None]:
    try:
        yield
    except (Mp4Error, struct.error, IndexError) as error:
        raise PatchError(f"its tracks cannot be ended: {error}") from None


def join_parts(file: str, layout: str, tail: str, **encoded: str) -> None:
    """Join the parts of a clip (`clipkit.engine.joining`)."""
    try:
        join(file, layout, tail, **encoded)
    except (Mp4Error, struct.error, IndexError, ValueError) as error:
        raise PatchError(f"its parts cannot be joined: {error}") from None


def lift_packets(file: str, source: str, pictures: str, sounds: str) -> None:
    """Copy a clip's packets out of an upload (`clipkit.engine.lifting`)."""
    try:
        lift(file, source, pictures, sounds)
    except (Mp4Error, struct.error, IndexError, ValueError, OverflowError) as error:
        raise PatchError(f"its packets cannot be taken as they lie: {error}") from None


PATCHES: Mapping[str, Callable[..., None]] = {
    "show_until": show_until,
    "end_at": end_at,
    "join_parts": join_parts,
    "lift_packets": lift_packets,
}


def apply_patch(name: str, arguments: Mapping[str, Any]) -> None:
    """Raises PatchError where it cannot be done, OSError where the file cannot be read or written."""
    if name not in PATCHES:
        raise PatchError(f"there is no patch '{name}'")
    PATCHES[name](**arguments)


def _end_track(moov: memoryview, track: memoryview, end_s: float) -> None:
    elst = needed(track, b"edts", b"elst")
    layout, places = edit_layout(elst)
    left = int(end_s * timescale(needed(moov, b"mvhd")) + _ROUNDING)
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


def _end_media(track: memoryview) -> None:
    """With its last sample; ffmpeg 5.1 adds what samples are shown later than decoded."""
    stts = needed(track, b"mdia", b"minf", b"stbl", b"stts")
    ticks = sum(count * lasts for count, lasts in time_runs(stts))
    _set_duration(needed(track, b"mdia", b"mdhd"), 16, ticks)


def _end_s(moov: memoryview, track: memoryview) -> float:
    """When it ends by its own header."""
    return header_duration(needed(track, b"tkhd"), 20) / timescale(needed(moov, b"mvhd"))


def _end_movie(moov: memoryview) -> None:
    """With its longest track."""
    longest = max(header_duration(needed(each, b"tkhd"), 20) for each in tracks(moov))
    _set_duration(needed(moov, b"mvhd"), 16, longest)


def _set_duration(header: memoryview, at: int, ticks: int) -> None:
    layout, place = duration_place(header, at)
    struct.pack_into(layout, header, place, ticks)
