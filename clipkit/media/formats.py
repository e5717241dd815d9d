"""Which formats an upload may have, and what keeps an ffmpeg from opening anything but that one file.

Stdlib only: whoever needs the words does not load a demuxer.
"""

from __future__ import annotations

# Demuxers of files that people upload. None of them opens a second file, unlike hls, dash, concat,
# sdp and image2, through which an upload could read our host's files or its network.
CONTAINERS = ("mov", "matroska", "mpegts", "mpeg", "avi", "flv", "ogg", "asf", "mxf")
ACCEPTED = "MP4, MOV, MKV, WebM, MPEG-TS, MPEG-PS, AVI, FLV, Ogg, WMV, MXF"
_FILE = "file"
_LIST = ",".join(CONTAINERS)

GUARDED: dict[str, str] = {"protocol_whitelist": _FILE, "format_whitelist": _LIST}
"""Options for an upload of which nothing is known: files alone, and no playlist among them."""
GUARD = tuple(word for name, value in GUARDED.items() for word in (f"-{name}", value))
"""The same as words, to stand before `-i`."""


def demuxer(container: str) -> str:
    """By which name an ffmpeg of any version takes what a probe told, such as `mov,mp4,m4a,3gp,3g2,mj2`.

    Raises ValueError for a format that no upload may have.
    """
    name = container.partition(",")[0]
    if name not in CONTAINERS:
        raise ValueError(f"'{container}' is no format of uploads")
    return name


def told_format(container: str) -> dict[str, str]:
    """Options for an upload that was probed: its format is told, not guessed again.

    Guessing is how one file is two: a playlist padded in front of transport-stream packets is a
    stream to one version of the demuxers and a playlist, which opens other files, to another.
    """
    name = demuxer(container)
    return {"f": name, "format_whitelist": name, "protocol_whitelist": _FILE}


def told_words(container: str) -> tuple[str, ...]:
    """The same as words."""
    return words_of(told_format(container))


def words_of(options: dict[str, str]) -> tuple[str, ...]:
    return tuple(word for name, value in options.items() for word in (f"-{name}", value))


_WHOLE = {"apply_cropping": "codec"}
# Else 5.1 leaves at the left what a picture's own parameters cut off, where its lines would then begin at
# addresses that a CPU likes less.
_AS_CODED = {"flags": "+unaligned"}


def shown_pictures(container: str, crops_as_told: bool) -> dict[str, str]:
    """Options to decode of its pictures what players show, which is what their own parameters leave: that a
    container names a part of it (`clap`, `PixelCrop`) only newer builds know (`FfmpegBuild.crops_as_told`),
    and few players heed."""
    names = demuxer(container) in ("mov", "matroska")
    return (_WHOLE if names and crops_as_told else {}) | _AS_CODED


def whole_pictures_words() -> tuple[str, ...]:
    """Those of them that only newer builds know, as words of an argv."""
    return words_of(_WHOLE)


def local(path: object) -> str:
    """How an ffmpeg is given a file, whose name may be `concat:a|b` or `-i`: with its protocol."""
    return f"{_FILE}:{path}"
