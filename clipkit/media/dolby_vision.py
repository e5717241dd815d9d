"""What an upload's header says of Dolby Vision: whether its pictures mean something without it.

PyAV does not tell, so the header's bytes are looked at. Dolby Vision profiles and levels, 1.3; "Dolby Vision
streams within the ISO base media file format", "… within MPEG-2 transport streams", Matroska's codec mappings.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # those who only read the facts do not load the demuxers
    from av.video.stream import VideoStream

from clipkit.media.programmes import stream_descriptors

_BOXES = (b"dvcC", b"dvvC", b"dvwC")
_RECORD_BYTES = 24
_MOST_HEADER_BYTES = 64 << 20
_MATROSKA_HEAD_BYTES = 1 << 20
_EXTRA_DATA = b"\x41\xed"  # BlockAddIDExtraData, beside the mapping's type in its few bytes
_NEAR_BYTES = 96
_DESCRIPTOR = 0xB0
# Their base is that of an Ultra HD Blu-ray disc, or SDR, and older writers leave the number out.
_BASED_PROFILES = (4, 7, 9)


@dataclass(frozen=True, slots=True)
class DolbyVision:
    """`compatibility`: what the base layer is without Dolby Vision (1: HDR10, 2: SDR, 4: HLG, 6: a disc's),
    0: nothing that another player could show."""

    profile: int
    compatibility: int

    @property
    def has_base(self) -> bool:
        return self.profile in _BASED_PROFILES or self.compatibility != 0


def dolby_vision(path: Path, film: VideoStream) -> DolbyVision | None:
    """Of the film; None where its header says nothing of it."""
    formats = film.container.format.name.split(",")
    if "mov" in formats:
        record = _in_boxes(_movie_box(path))
    elif "matroska" in formats:
        record = _in_mappings(_head(path))
    elif "mpegts" in formats:
        record = _in_descriptors(stream_descriptors(path, film.id))
    else:
        return None
    return None if record is None else DolbyVision(record[2] >> 1, record[4] >> 4)


def _movie_box(path: Path) -> bytes:
    """The `moov` box of an MP4; empty where there is none of a size that makes sense."""
    with path.open("rb") as file:
        while len(head := file.read(8)) == 8:
            size = int.from_bytes(head[:4])
            if size == 1:
                size = int.from_bytes(file.read(8)) - 8
            if head[4:] == b"moov":
                return file.read(min(size - 8, _MOST_HEADER_BYTES)) if size > 8 else file.read()
            if size < 8:
                return b""
            file.seek(size - 8, 1)
    return b""


def _in_boxes(movie: bytes) -> bytes | None:
    for kind in _BOXES:
        at = movie.find((_RECORD_BYTES + 8).to_bytes(4) + kind)
        if at >= 0:
            return movie[at + 8 : at + 8 + _RECORD_BYTES]
    return None


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_MATROSKA_HEAD_BYTES)


def _in_mappings(head: bytes) -> bytes | None:
    for kind in _BOXES:
        at = head.find(b"\x41\xe7\x84" + kind)  # BlockAddIDType, of 4 bytes
        if at < 0:
            continue
        near = head[max(0, at - _NEAR_BYTES) : at + _NEAR_BYTES]
        found = near.find(_EXTRA_DATA + bytes([0x80 | _RECORD_BYTES]))
        if found >= 0:
            return near[found + 3 : found + 3 + _RECORD_BYTES]
    return None


def _in_descriptors(descriptors: bytes) -> bytes | None:
    for tag, content in _parted(descriptors):
        if tag == _DESCRIPTOR and len(content) >= 5:
            has_base_layer = content[3] & 1
            at = 4 if has_base_layer else 6  # else it names the PID of the layer that it needs
            return content[:4] + content[at : at + 1] if len(content) > at else None
    return None


def _parted(descriptors: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 2 <= len(descriptors):
        size = descriptors[at + 1]
        yield descriptors[at], descriptors[at + 2 : at + 2 + size]
        at += 2 + size
