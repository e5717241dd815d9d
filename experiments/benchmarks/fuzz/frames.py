"""What one decoded frame looks or sounds like: a small grey picture, upright; samples of one channel."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np
from av.sidedata.sidedata import Type
from numpy.typing import NDArray

# Square and small: a turn by 90 degrees is a turn of the array, and coding noise averages out.
_SIDE = 48

Grey = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Picture:
    """Upright, as shown. `colour`: range, matrix, primaries and transfer as numbered in ISO/IEC 23091-2.
    `exact` stands for every bit of it as decoded: where two are the same, the pictures are."""

    at: Fraction
    ticks: int | None
    turned: bool
    grey: Grey
    width: int
    height: int
    sar: Fraction
    colour: tuple[int, int, int, int]
    pixel_format: str
    exact: bytes


@dataclass(frozen=True, slots=True)
class Sound:
    """Mono samples from `at` on. `frame_s` is the length of one of its packets, `tick` what their times
    are counted in."""

    at: float
    rate: int
    samples: NDArray[np.float32]
    frame_s: float
    tick: Fraction

    @property
    def end(self) -> float:
        return self.at + len(self.samples) / self.rate


def see(frame: av.VideoFrame, sar: Fraction | None) -> Picture:
    a, b, c, d = _matrix(frame)
    turned = abs(b) > abs(a)
    width, height = frame.width, frame.height
    upright = (height, width) if turned else (width, height)
    shape = sar or Fraction(1)
    colour = (frame.color_range, frame.colorspace, frame.color_primaries, frame.color_trc)
    try:
        grey = _grey(frame)
    except OSError:  # a damaged header names a matrix that there is none of
        frame.colorspace = 2
        grey = _grey(frame)
    return Picture(
        at=Fraction(0),  # until it is placed
        ticks=frame.pts,
        turned=turned,
        grey=_mirrored(grey.T, c < 0, b < 0) if turned else _mirrored(grey, a < 0, d < 0),
        width=upright[0],
        height=upright[1],
        sar=1 / shape if turned else shape,
        colour=colour,
        pixel_format=frame.format.name,
        exact=_digest(frame),
    )


def _matrix(frame: av.VideoFrame) -> tuple[int, int, int, int]:
    """Of a picture's display matrix (ISO/IEC 14496-12, 8.5.3) what turns and mirrors it: shown at
    (a x + c y, b x + d y) is what is stored at (x, y)."""
    told = frame.side_data.get(Type.DISPLAYMATRIX)
    if told is None:
        return (1, 0, 0, 1)
    a, b, _, c, d = struct.unpack_from("=5i", bytes(told))
    return (a, b, c, d)


def _mirrored(grey: Grey, across: bool, down: bool) -> Grey:
    return grey[:: -1 if down else 1, :: -1 if across else 1]


def _digest(frame: av.VideoFrame) -> bytes:
    """Of what is seen: the lines' padding is left out. For planes of one component each, or of interleaved ones."""
    digest = hashlib.blake2b(digest_size=8)
    for number, plane in enumerate(frame.planes):
        parts = [part for part in frame.format.components if part.plane == number]
        used = min(sum((part.bits + 7) // 8 for part in parts) * plane.width, plane.line_size)
        lines = np.frombuffer(plane, np.uint8)[: plane.height * plane.line_size]
        digest.update(np.ascontiguousarray(lines.reshape(plane.height, -1)[:, : used or None]))
    return digest.digest()


def _grey(frame: av.VideoFrame) -> Grey:
    """Of what an even size leaves of it: 4:2:0 has no odd one."""
    if frame.width % 2 or frame.height % 2:
        whole = frame.reformat(format="gray").to_ndarray()
        even = whole[: frame.height // 2 * 2 or 1, : frame.width // 2 * 2 or 1]
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(even), "gray")
    return frame.reformat(_SIDE, _SIDE, "gray", interpolation="AREA").to_ndarray().copy()


def hear(frame: av.AudioFrame, _: Fraction | None) -> Sound:
    samples = frame.to_ndarray()
    if samples.dtype.kind in "iu":
        whole = float(2 ** (8 * samples.dtype.itemsize - 1))
        samples = (samples.astype(np.float64) - (whole if samples.dtype.kind == "u" else 0)) / whole
    channels = max(1, frame.layout.nb_channels)
    if not frame.format.is_planar:
        samples = samples.reshape(-1, channels).T
    mono = samples.mean(axis=0).astype(np.float32)
    tick = frame.time_base or Fraction(1, frame.sample_rate)
    return Sound(0.0, frame.sample_rate, mono, len(mono) / frame.sample_rate, tick)
