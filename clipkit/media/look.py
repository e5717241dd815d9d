"""How a film's pictures are made: their size, shape and colours. They may change on the way."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # those who only read the facts do not load the demuxers
    from av.video.codeccontext import VideoCodecContext
    from av.video.frame import VideoFrame

# ffmpeg's names of AVColorTransferCharacteristic (ISO/IEC 23091-2 table 3); 2 is "unspecified".
_TRANSFERS = {
    1: "bt709",
    4: "gamma22",
    5: "gamma28",
    6: "smpte170m",
    7: "smpte240m",
    8: "linear",
    9: "log100",
    10: "log316",
    11: "iec61966-2-4",
    12: "bt1361e",
    13: "iec61966-2-1",
    14: "bt2020-10",
    15: "bt2020-12",
    16: "smpte2084",
    17: "smpte428",
    18: "arib-std-b67",
}
_WIDE = 2  # AVColorRange
UNSTATED = 2


@dataclass(frozen=True, slots=True)
class Colours:
    """By the numbers of ISO/IEC 23091-2. `wide`: black is 0, as it is not where nothing is said."""

    primaries: int
    transfer: int
    matrix: int
    wide: bool

    @property
    def transfer_name(self) -> str | None:
        return _TRANSFERS.get(self.transfer)

    @property
    def hdr(self) -> bool:
        return self.curve != "SDR"

    @property
    def curve(self) -> str:
        """By what light becomes numbers: those of SDR are close to each other."""
        return {16: "PQ", 18: "HLG"}.get(self.transfer, "SDR")

    @property
    def words(self) -> str:
        """By number where ffmpeg's name would be long or is not known; "-" where nothing is said."""
        numbers = (self.primaries, self.transfer, self.matrix)
        told = "/".join("-" if number == UNSTATED else str(number) for number in numbers)
        return f"{told} {'full' if self.wide else 'limited'} range"


@dataclass(frozen=True, slots=True)
class Look:
    """Size as decoded, before rotation. `pixel_aspect` is a pixel's width to its height, 1 where
    nothing is said. `pixel_format` has no "j", ffmpeg's old word for `colours.wide`."""

    width: int
    height: int
    pixel_aspect: Fraction
    pixel_format: str
    bit_depth: int
    colours: Colours

    @property
    def is_rgb(self) -> bool:
        words = ("rgb", "bgr", "gbr", "pal8")
        return any(word in self.pixel_format for word in words)

    def unlike(self, other: Look) -> str:
        """What is another in `other`, in words."""
        told = zip(
            ("", "pixel aspect ", "", "colours "), self._words(), other._words(), strict=True
        )
        return ", ".join(f"{of}{mine} to {new}" for of, mine, new in told if mine != new)

    def _words(self) -> tuple[str, ...]:
        size = f"{self.width}x{self.height}"
        return size, _ratio(self.pixel_aspect), self.pixel_format, self.colours.words

    def facts(self) -> dict[str, Any]:
        return {
            "width": self.width,
            "height": self.height,
            "pixel_aspect": _ratio(self.pixel_aspect),
            "pixel_format": self.pixel_format,
            "color_primaries": self.colours.primaries,
            "color_transfer": self.colours.transfer,
            "color_matrix": self.colours.matrix,
            "full_range": self.colours.wide,
        }


def look_of(frame: VideoFrame, context: VideoCodecContext, film: VideoCodecContext) -> Look:
    """As `frame`, which came out of the decoder `context`, is made. What it does not say of its colours
    the container may have said of the whole `film`."""
    wide = (frame.color_range or film.color_range) == _WIDE
    colours = Colours(
        _stated(frame.color_primaries, film.color_primaries),
        _stated(frame.color_trc, film.color_trc),
        _stated(frame.colorspace, film.colorspace),
        wide or frame.format.name.startswith("yuvj"),
    )
    aspect = context.sample_aspect_ratio
    return Look(
        width=frame.width,
        height=frame.height,
        pixel_aspect=aspect if aspect and aspect > 0 else Fraction(1),
        pixel_format=frame.format.name.replace("yuvj", "yuv"),
        bit_depth=frame.format.components[0].bits,
        colours=colours,
    )


def _stated(number: int, otherwise: int) -> int:
    return otherwise if number == UNSTATED else number


def _ratio(fraction: Fraction) -> str:
    return f"{fraction.numerator}:{fraction.denominator}"
