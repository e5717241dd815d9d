"""Films whose pictures count: black and white blocks across the top of each are its number in binary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from kinds import ffmpeg
from numpy.typing import NDArray

BITS = 12
BLOCK = 16
SIZE = (BITS * BLOCK, 96)
# No noise in the place of what lies high: two decoders would not make the same of it.
_SOUND = ("-c:a", "aac", "-aac_pns", "0", "-b:a", "96k")


@dataclass(frozen=True, slots=True)
class Counted:
    """How one is made. `gop`: frames from one access point to the next; `options`: what else its coder
    and its container are told."""

    file: str
    options: tuple[str, ...] = ()
    rate: Fraction = Fraction(25)
    frames: int = 120
    gop: int = 40
    hevc: bool = False
    open_gop: bool = False
    bframes: int = 3
    sound: tuple[str, ...] = _SOUND
    filters: str = ""

    @property
    def access(self) -> int:
        """The number of the last access point's picture that enough pictures follow."""
        return self.gop * max(1, (self.frames - 40) // self.gop)

    def make(self, folder: Path) -> Path:
        length_s = float(self.frames / self.rate)
        source = ("-f", "lavfi", "-i", f"{counting(self.rate, length_s)}{self.filters}")
        # A sweep, so that no moment sounds like another.
        tone = f"aevalsrc='0.4*sin(2*PI*(200+150*t)*t)|0.3*sin(2*PI*330*t)':s=48000:d={length_s}"
        sound = ("-f", "lavfi", "-i", tone) if self.sound else ()
        path = folder / self.file
        ffmpeg(*source, *sound, *self._coding(), *self.sound, *self.options, path)
        return path

    def _coding(self) -> tuple[str, ...]:
        common = (
            f"keyint={self.gop}:min-keyint={self.gop}:scenecut=0:bframes={self.bframes}:b-adapt=0"
        )
        common += f":open-gop={int(self.open_gop)}"
        if self.hevc:
            told = f"log-level=0:{common}"
            return (
                "-c:v",
                "libx265",
                "-preset",
                "ultrafast",
                "-tag:v",
                "hvc1",
                "-x265-params",
                told,
            )
        told = f"{common}:b-pyramid=normal:ref=3"
        return ("-c:v", "libx264", "-preset", "veryfast", "-crf", "23", "-x264-params", told)


def counting(rate: Fraction, length_s: float) -> str:
    """A source of pictures that count from 0, above something that moves."""
    width, height = SIZE
    boxes = "".join(
        f",drawbox=x={BLOCK * bit}:y=0:w={BLOCK}:h={height // 2}:color=white:t=fill"
        f":enable='gte(mod(floor(n/{2**bit}),2),1)'"
        for bit in range(BITS)
    )
    moving = f"testsrc2=size={width}x{height}:rate={rate}:duration={length_s}"
    return f"{moving},drawbox=x=0:y=0:w={width}:h={height // 2}:color=black:t=fill{boxes},format=yuv420p"


def number_of(grey: NDArray[np.uint8]) -> int:
    """The number that a picture shows, whatever its size."""
    height, width = grey.shape
    row = grey[height // 4]
    return sum(1 << bit for bit in range(BITS) if row[int((bit + 0.5) * width / BITS)] > _MIDDLE)


_MIDDLE = 127
_STILL = ",select='lt(n,30)+gt(n,85)'"

FILMS: Mapping[str, Counted] = {
    "closed H.264, 1/12800": Counted("closed.mp4"),
    "open H.264": Counted("open.mp4", open_gop=True),
    "1/25": Counted("coarse.mp4", ("-video_track_timescale", "25")),
    "1/30, open": Counted(
        "thirty.mp4", ("-video_track_timescale", "30"), Fraction(30), open_gop=True
    ),
    "1/600 MOV": Counted("quicktime.mov", ("-video_track_timescale", "600"), Fraction(30)),
    "1/1000 Matroska": Counted("matroska.mkv"),
    "1/1000 Matroska, no B-frames": Counted("matroska.mkv", bframes=0),
    "1/24000 at 24000/1001": Counted(
        "film.mp4", ("-video_track_timescale", "24000"), Fraction(24000, 1001)
    ),
    "1/90000 TS": Counted("stream.ts"),
    "1/90000 TS, open HEVC": Counted("hevc.ts", hevc=True, open_gop=True),
    "closed HEVC": Counted("hevc.mp4", hevc=True),
    "open HEVC, Matroska": Counted("hevc.mkv", hevc=True, open_gop=True),
    "GOP of 50 s": Counted("long.mp4", frames=1300, gop=1250),
    "pictures held": Counted("held.mp4", ("-fps_mode", "vfr"), filters=_STILL),
    "no sound": Counted("silent.mp4", sound=()),
    "AAC at 8 kHz": Counted("low.mp4", sound=("-c:a", "aac", "-aac_pns", "0", "-ar", "8000")),
    "MP3": Counted("mp3.mp4", sound=("-c:a", "libmp3lame")),
    "Opus": Counted("opus.mkv", sound=("-c:a", "libopus")),
}
"""Each kind of upload that a copy may have to begin in."""
