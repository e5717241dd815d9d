"""What is really in a file, decoded by PyAV and independent of clipkit's own reading."""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
from av.audio.stream import AudioStream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

# Square and small: a turn by 90 degrees is a turn of the array, and coding noise averages out.
_SIDE = 48

Thumbnail = NDArray[np.float32]


@dataclass(frozen=True)
class Pictures:
    """Every frame that is shown: its time from the container's start, and a small grey picture."""

    times_s: tuple[float, ...]
    thumbnails: NDArray[np.float32]
    width: int
    height: int
    pixel_format: str

    @property
    def count(self) -> int:
        return len(self.times_s)

    @cached_property
    def frame_s(self) -> float:
        """The usual time from a frame to the next."""
        return float(np.median([b - a for a, b in pairwise(self.times_s)] or [0.04]))


@lru_cache(maxsize=64)
def pictures(path: Path, stream: int = -1) -> Pictures:
    """`stream` -1: the first video stream. Turned upright, as a player shows them."""
    times_s: list[float] = []
    thumbnails: list[Thumbnail] = []
    with av.open(f"file:{path}") as container:
        film = container.streams.video[0] if stream < 0 else container.streams[stream]
        assert isinstance(film, VideoStream)
        film.thread_type = "AUTO"
        start_s = (container.start_time or 0) / 1_000_000
        turns = 0
        for packet in container.demux(film):
            try:
                frames = packet.decode()
            except av.InvalidDataError:
                continue
            for frame in frames:
                assert frame.pts is not None
                assert frame.time_base is not None
                turns = round(frame.rotation / 90)
                times_s.append(float(frame.pts * frame.time_base) - start_s)
                thumbnails.append(np.rot90(_thumbnail(frame), turns))
        context = film.codec_context
        width, height = context.width, context.height
        pixel_format = context.pix_fmt or ""
    if turns % 2:
        width, height = height, width
    return Pictures(tuple(times_s), np.array(thumbnails), width, height, pixel_format)


@cache
def of_upload(path: Path, stream: int = -1) -> Pictures:
    """`pictures` of an upload that many tests cut, kept while those of clips come and go."""
    return pictures(path, stream)


def _thumbnail(frame: VideoFrame) -> Thumbnail:
    """Of what an even size leaves of it: 4:2:0 has no odd one."""
    if frame.width % 2 or frame.height % 2:
        grey = frame.reformat(format="gray").to_ndarray()
        grey = grey[: frame.height // 2 * 2, : frame.width // 2 * 2]
        frame = VideoFrame.from_ndarray(np.ascontiguousarray(grey), "gray")
    small = frame.reformat(_SIDE, _SIDE, "gray", interpolation="AREA")
    return small.to_ndarray().astype(np.float32)


@dataclass(frozen=True)
class Sound:
    """One track, decoded: from the container's start to its end, and the samples in between."""

    start_s: float
    end_s: float
    sample_rate: int
    samples: NDArray[np.float32]
    frame_s: float
    """The length of one audio frame."""


def sound(path: Path) -> Sound | None:
    """The first sound track, mixed down; None where there is none."""
    with av.open(f"file:{path}") as container:
        if not container.streams.audio:
            return None
        track = container.streams.audio[0]
        assert isinstance(track, AudioStream)
        container_start_s = (container.start_time or 0) / 1_000_000
        spans: list[tuple[float, float]] = []
        samples = []
        rate = track.codec_context.sample_rate
        for packet in container.demux(track):
            try:
                frames = packet.decode()
            except av.InvalidDataError:
                continue
            for frame in frames:
                assert frame.pts is not None
                assert frame.time_base is not None
                start_s = float(frame.pts * frame.time_base) - container_start_s
                rate = frame.sample_rate
                spans.append((start_s, start_s + frame.samples / rate))
                samples.append(frame.to_ndarray().astype(np.float32).mean(axis=0))
    frame_s = max(stop_s - start_s for start_s, stop_s in spans)
    return Sound(spans[0][0], spans[-1][1], rate, np.concatenate(samples), frame_s)


# A tick of float noise is no time.
_NOISE_S = 1e-7


def wanted(source: Pictures, start_s: float, end_s: float) -> range:
    """The indices of the frames with start <= PTS < end, and of the one before them that stands on the
    screen at the start for more than 0.1 s in all, or has no other after it in the clip."""
    times_s = source.times_s
    first = bisect_left(times_s, start_s - _NOISE_S)
    behind = bisect_left(times_s, end_s - _NOISE_S)
    if first and (first == source.count or times_s[first] > start_s + _NOISE_S):
        stands_s = times_s[first] - times_s[first - 1] if first < source.count else source.frame_s
        if stands_s > 0.1 + _NOISE_S or first == behind:
            first -= 1
    return range(first, behind)


def zero_s(source: Pictures, span: range, start_s: float) -> float:
    """When the clip begins: its first frame may have stood there before."""
    return max(source.times_s[span.start], start_s)


def misplaced(
    source: Pictures, span: range, clip: Pictures, levels: float, tone_mapped: bool = False
) -> list[int]:
    """The clip's frames that look more like a neighbour of their source frame than like it.

    Only where the neighbour differs from the frame by more than `levels` of grey: a still picture
    proves nothing. Of what was tone-mapped only the order of the greys is compared.
    """
    thumbnails = source.thumbnails
    ordered = _ranks if tone_mapped else _unchanged
    found = []
    for position, index in enumerate(span):
        seen = clip.thumbnails[position]
        for other in range(max(0, index - 2), min(source.count, index + 3)):
            if _distance(thumbnails[index], thumbnails[other]) > levels:
                own = _distance(ordered(thumbnails[index]), ordered(seen))
                theirs = _distance(ordered(thumbnails[other]), ordered(seen))
                if theirs <= own:
                    found.append(position)
                    break
    return found


def moving(source: Pictures, span: range, levels: float) -> int:
    """How many of these frames differ so much from the one before that a mistake would be seen."""
    thumbnails = source.thumbnails
    return sum(_distance(thumbnails[i - 1], thumbnails[i]) > levels for i in span if i)


def _distance(one: Thumbnail, other: Thumbnail) -> float:
    """Mean difference in levels of grey."""
    return float(np.abs(one - other).mean())


def _unchanged(picture: Thumbnail) -> Thumbnail:
    return picture


def _ranks(picture: Thumbnail) -> Thumbnail:
    """Each grey replaced by its place among all of them, from 0 to 255."""
    order = np.empty(picture.size, np.float32)
    order[np.argsort(picture, axis=None, kind="stable")] = np.linspace(0, 255, picture.size)
    return order.reshape(picture.shape)


def x264_options(path: Path) -> dict[str, str]:
    """What x264 really used: the list that it writes into its first SEI message."""
    found = re.search(rb"x264 - core .*? options: ([ -~]*)", path.read_bytes())
    assert found, f"no x264 SEI in {path}"
    pairs = (word.partition("=") for word in found[1].decode("ascii").split())
    return {name: value for name, _, value in pairs}
