"""Uploads of many sizes and codecs, made of the sample film: those to fit on, and others to check on."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from clipkit.ffmpeg_builds import locate
from clipkit.media.sample import sample

LENGTH_S = 5.0
_X264 = ("-c:v", "libx264", "-g", "50", "-preset")
_X265 = ("-c:v", "libx265", "-x265-params", "keyint=50:log-level=error", "-preset", "superfast")
_VP9 = ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-g", "50", "-b:v", "2M")
_VP8 = ("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-g", "50", "-b:v", "1M")
_AV1 = ("-c:v", "libsvtav1", "-preset", "12", "-g", "50")
_MPEG2 = ("-c:v", "mpeg2video", "-b:v", "6M", "-bf", "2", "-g", "15")
_MPEG4 = ("-c:v", "mpeg4", "-b:v", "3M", "-g", "50")
_PRORES = ("-c:v", "prores_ks", "-profile:v", "2")
_TEN = ("-pix_fmt", "yuv420p10le")
_HDR = "setparams=color_primaries=bt2020:color_trc=smpte2084:colorspace=bt2020nc"


@dataclass(frozen=True, slots=True)
class Recipe:
    """An upload to make: its size, how it is encoded, what its name ends with, and how its colours are told."""

    width: int
    height: int
    words: tuple[str, ...]
    kind: str
    ending: str = "mp4"
    colours: str = "null"

    @property
    def name(self) -> str:
        return f"{self.kind}-{self.width}x{self.height}.{self.ending}"

    def made(self, folder: Path) -> Path:
        """Its file, made if it is not there."""
        target = folder / self.name
        if not target.exists():
            film = sample(LENGTH_S + 1)
            part = target.with_name(f".part-{target.name}")
            size = f"scale={self.width}:{self.height}:flags=bicubic"
            argv = [locate("bundled"), "-nostdin", "-v", "error", "-y", "-i", str(film)]
            argv += [
                "-t",
                str(LENGTH_S),
                "-vf",
                f"{size},{self.colours}",
                "-pix_fmt",
                "yuv420p",
                *self.words,
            ]
            subprocess.run(
                [*argv, *_SOUND.get(self.ending, ("-c:a", "aac")), str(part)], check=True
            )
            part.rename(target)
        return target


_SOUND = {"webm": ("-c:a", "libopus", "-ac", "2")}


FITTED = (
    Recipe(426, 240, (*_X264, "medium"), "h264"),
    Recipe(640, 360, (*_X264, "ultrafast"), "h264-plain"),
    Recipe(854, 480, (*_X264, "veryfast", "-refs", "12", "-bf", "5"), "h264-deep"),
    Recipe(1280, 720, (*_X264, "veryfast", "-refs", "3"), "h264"),
    Recipe(1280, 720, (*_X264, "ultrafast", "-profile:v", "baseline"), "h264-plain", "mov"),
    Recipe(1280, 720, (*_X264, "veryfast", *_TEN), "h264-10"),
    Recipe(1080, 1920, (*_X264, "veryfast"), "h264"),
    Recipe(1920, 1080, (*_X264, "veryfast", "-refs", "4"), "h264"),
    Recipe(1920, 1080, (*_X264, "ultrafast"), "h264-plain", "mkv"),
    Recipe(2560, 1440, (*_X264, "veryfast"), "h264"),
    Recipe(3840, 2160, (*_X264, "veryfast"), "h264"),
    Recipe(3840, 2160, (*_X264, "ultrafast"), "h264-plain"),
    Recipe(640, 360, _X265, "hevc"),
    Recipe(1280, 720, _X265, "hevc"),
    Recipe(1920, 1080, (*_X265, *_TEN), "hevc-10"),
    Recipe(3840, 2160, _X265, "hevc"),
    Recipe(1280, 720, (*_X265, *_TEN), "hevc-10b"),
    Recipe(1920, 1080, (*_X265, *_TEN), "hevc-10b"),
    Recipe(1280, 720, (*_X265, *_TEN), "hevc-pq", colours=_HDR),
    Recipe(1920, 1080, (*_X265, *_TEN), "hevc-pq", colours=_HDR),
    Recipe(1280, 720, _VP9, "vp9", "webm"),
    Recipe(1920, 1080, _VP9, "vp9", "webm"),
    Recipe(854, 480, _VP8, "vp8", "webm"),
    Recipe(1280, 720, _VP8, "vp8", "webm"),
    Recipe(640, 360, _AV1, "av1"),
    Recipe(1920, 1080, _AV1, "av1"),
    Recipe(1280, 720, _MPEG2, "mpeg2", "ts"),
    Recipe(720, 576, _MPEG4, "mpeg4"),
    Recipe(1280, 720, (*_PRORES, "-pix_fmt", "yuv422p10le"), "prores", "mov"),
)

CHECKED = (
    Recipe(480, 270, (*_X264, "veryfast"), "h264"),
    Recipe(960, 540, (*_X264, "medium"), "h264"),
    Recipe(1024, 768, (*_X264, "ultrafast"), "h264-plain"),
    Recipe(720, 1280, (*_X264, "veryfast", "-refs", "2"), "h264"),
    Recipe(1600, 900, (*_X264, "superfast"), "h264", "mkv"),
    Recipe(2048, 1080, (*_X264, "veryfast", "-refs", "5"), "h264"),
    Recipe(3200, 1800, (*_X264, "superfast"), "h264"),
    Recipe(2160, 3840, (*_X264, "veryfast"), "h264"),
    Recipe(960, 540, _X265, "hevc"),
    Recipe(2560, 1440, _X265, "hevc"),
    Recipe(1600, 900, (*_X265, *_TEN), "hevc-10"),
    Recipe(960, 540, (*_X265, *_TEN), "hevc-10b"),
    Recipe(960, 540, (*_X265, *_TEN), "hevc-pq", colours=_HDR),
    Recipe(1600, 900, _VP9, "vp9", "webm"),
    Recipe(1280, 720, _AV1, "av1"),
)
