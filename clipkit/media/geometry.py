"""Which part of a picture a clip shows and in how many pixels: `crop` and `scale_height` as numbers. Pure.

All is counted in the picture as shown, after rotation, in the upload's own pixels. Where these are not
square they stay as they are: a ratio asks for the shape that is seen, and a smaller picture keeps it.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import floor

from clipkit.errors import FfmpegError

CROP_PATTERN = r"[1-9][0-9]{0,4}:[1-9][0-9]{0,4}(:[0-9]{1,5}:[0-9]{1,5})?"
"""A ratio, or width:height:x:y."""


_KERNEL = "filter=bicubic:param_a=0:param_b=0.6"
"""The cubic that swscale takes for `bicubic`: what zscale takes for it is softer."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A picture as shown, after rotation. `pixel_aspect`: how wide one of its pixels is to its height."""

    width: int
    height: int
    pixel_aspect: Fraction = Fraction(1)

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"


@dataclass(frozen=True, slots=True)
class Framing:
    """What becomes of the picture `of`: the part of `part_width` x `part_height` at `x`, `y` is kept, and
    shown in `width` x `height`. All sizes are even, since 4:2:0 has no odd ones."""

    of: Shape
    x: int
    y: int
    part_width: int
    part_height: int
    width: int
    height: int

    @property
    def is_cropped(self) -> bool:
        return (self.part_width, self.part_height) != (self.of.width, self.of.height)

    @property
    def is_scaled(self) -> bool:
        return (self.width, self.height) != (self.part_width, self.part_height)

    @property
    def pixels(self) -> int:
        """Of a picture as it is encoded."""
        return self.width * self.height

    def crop_filter(self) -> list[str]:
        """The filter of ffmpeg's that keeps the part, none where that is all. `exact`: ffmpeg would round
        an odd place to the colours' own pixels."""
        if not self.is_cropped:
            return []
        return [f"crop={self.part_width}:{self.part_height}:{self.x}:{self.y}:exact=1"]

    def filters(self, by_zimg: bool = False) -> list[str]:
        """Filters of ffmpeg's that make it so. Its scaler would turn pixels that are a little out of shape
        by an even size into pixels that are not square. `by_zimg`: another scaler with the same kernel, which
        takes less CPU (`experiments/benchmarks/levers.py`)."""
        made = self.crop_filter()
        if self.is_scaled:
            aspect, size = self.of.pixel_aspect, f"{self.width}:{self.height}"
            made.append(f"zscale={size}:{_KERNEL}" if by_zimg else f"scale={size}:flags=bicubic")
            made.append(f"setsar={aspect.numerator}/{aspect.denominator}:max=65535")
        return made


def framed(of: Shape, crop: str | None, scale_height: int | None, name: object) -> Framing:
    """The settings `crop` and `scale_height`, None being as it is, for a picture of the upload `name`.

    Raises FfmpegError where the part does not lie in the picture.
    """
    x, y, part_width, part_height = _part(of, crop, name)
    width, height = part_width, part_height
    if scale_height is not None and scale_height < part_height:
        height = max(2, _even(scale_height))
        width = max(2, _nearest_even(Fraction(part_width * height, part_height)))
    return Framing(of, x, y, part_width, part_height, width, height)


def _part(of: Shape, crop: str | None, name: object) -> tuple[int, int, int, int]:
    if crop is None:
        return 0, 0, _even(of.width), _even(of.height)
    numbers = [int(number) for number in crop.split(":")]
    if len(numbers) == 2:
        return _largest(of, Fraction(*numbers) / of.pixel_aspect)
    width, height, x, y = numbers
    if x + width > of.width or y + height > of.height:
        raise FfmpegError(
            f"crop = '{crop}' reaches outside the picture of {name}, which is {of} as shown: "
            "give width:height:x:y inside it, or a ratio such as 9:16"
        )
    if width < 2 or height < 2:
        raise FfmpegError(
            f"crop = '{crop}' of {name}, {of} as shown, is too small: a clip has 2x2 pixels or more"
        )
    return x, y, _even(width), _even(height)


def _largest(of: Shape, ratio: Fraction) -> tuple[int, int, int, int]:
    """The largest part in the middle with so many pixels in width to those in height. Its place is even,
    so that colours stay on their pixels."""
    most_wide, most_high = _even(of.width), _even(of.height)
    width = min(most_wide, max(2, _nearest_even(most_high * ratio)))
    height = min(most_high, max(2, _nearest_even(most_wide / ratio)))
    return _even((of.width - width) // 2), _even((of.height - height) // 2), width, height


def _even(number: int) -> int:
    return number // 2 * 2


def _nearest_even(number: Fraction) -> int:
    return 2 * floor(number / 2 + Fraction(1, 2))
