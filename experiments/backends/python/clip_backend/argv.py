"""ffmpeg's words. An upload is hostile: files alone are opened, and no playlist among them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from clip_backend.config import Settings

FORMATS = "mov,matroska,mpegts,mpeg,avi,flv,ogg,asf,mxf"
"""The formats that clipkit accepts (`CONTAINERS` of `clipkit.media.formats`)."""

_GUARD = (
    "-hide_banner", "-nostdin", "-loglevel", "error",
    "-protocol_whitelist", "file", "-format_whitelist", FORMATS,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cut:
    """What is cut out of which file into which."""

    upload: Path
    start_s: float
    duration_s: float
    output: Path


def clip_words(settings: Settings, cut: Cut) -> list[str]:
    """What follows the program's name."""
    words = _sketched(settings, cut) if settings.argv == "sketched" else _same(settings, cut)
    return [*_GUARD, *words]


def _same(settings: Settings, cut: Cut) -> list[str]:
    decoder = settings.decoder_threads
    start = ["-ss", _seconds(cut.start_s)]
    seeks_first = settings.seek == "input"
    return [
        *([] if decoder is None else ["-threads", str(decoder)]),
        *(start if seeks_first else []),
        *["-i", str(cut.upload), "-y"],
        *([] if seeks_first else start),
        *["-t", _seconds(cut.duration_s), "-map", "0:v:0", "-map", "0:a:0?"],
        *_video(settings),
        *["-threads", str(settings.encoder_threads), "-c:a", "copy"],
        *["-movflags", "+faststart", "-abort_on", "empty_output"],
        *["-progress", "pipe:1", "-f", "mp4", str(cut.output)],
    ]


def _sketched(settings: Settings, cut: Cut) -> list[str]:
    """As the analysis' Python is written: the seek after the input, no threads."""
    return [
        *["-i", str(cut.upload)],
        *["-ss", _seconds(cut.start_s), "-t", _seconds(cut.duration_s)],
        *_video(settings),
        *["-c:a", "copy", str(cut.output)],
    ]


def _video(settings: Settings) -> list[str]:
    crf = [] if settings.crf is None else ["-crf", settings.crf]
    return ["-c:v", "libx264", "-preset", settings.preset, *crf]


def _seconds(value: float) -> str:
    """From whole microseconds: ffmpeg takes no exponents, and all three services cut alike."""
    whole, micros = divmod(round(value * 1_000_000), 1_000_000)
    return f"{whole}.{micros:06d}"
