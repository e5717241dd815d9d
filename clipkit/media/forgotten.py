"""Pictures that are in a file and that no decoder shows: the last one before their size changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from av.container import InputContainer
from av.video.stream import VideoStream

from clipkit.media.decoded import frames_of
from clipkit.media.opening import opened_container
from clipkit.media.scan import Scan

# Their decoders hold a picture back until the next one comes, and begin anew at another size without it.
_FORGETFUL = ("mpeg1video", "mpeg2video")


def without_lost(path: Path, found: Scan, stream: VideoStream) -> Scan:
    """`found`, without the pictures that do not come out where sizes change: decoding tells which."""
    if stream.codec.canonical_name not in _FORGETFUL:
        return found
    with opened_container(path) as again:
        film = again.streams[stream.index]
        assert isinstance(film, VideoStream)  # noqa: S101 (the same file: for the type checker)
        lost = {ticks for change in _changes(found) for ticks in _lost_before(change, again, film)}
    frames, keys = (
        tuple(one for one in ticks if one not in lost)
        for ticks in (found.frame_ticks, found.key_ticks)
    )
    return replace(found, frame_ticks=frames, key_ticks=keys)


def _changes(found: Scan) -> Iterator[tuple[int, int]]:
    """The key frame from which on pictures are of another size, and the one before it."""
    for (_, before), (ticks, after) in pairwise(found.looks):
        if (before.width, before.height) != (after.width, after.height):
            earlier = (key for key in found.key_ticks if key < ticks)
            yield ticks, max(earlier, default=found.frame_ticks[0])


def _lost_before(
    change: tuple[int, int], container: InputContainer, stream: VideoStream
) -> set[int]:
    """Of what follows on the first picture that is decoded; a seek may need a second to find that."""
    until, start = change
    second = round(1 / stream.time_base) if stream.time_base else 0
    container.seek(start - second, stream=stream)
    stored: set[int] = set()
    shown: set[int] = set()
    for packet in container.demux(stream):
        if packet.pts is not None:
            stored.add(packet.pts)
        shown |= {frame.pts for frame in frames_of(packet) if frame.pts is not None}
        if shown and max(shown) >= until:
            return {ticks for ticks in stored - shown if min(shown) < ticks < until}
    return set()
