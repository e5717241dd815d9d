"""What the words of a command say to its encoder, as libx264 obeys them. Pure.

`tests/plan/test_command_words.py` compares it with what x264 says of itself in the stream.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from clipkit.plan.ffmpeg_words import File, Option
from clipkit.settings import PRESETS

X264 = ("libx264", "h264")
"""Names of the encoder that our settings speak of; `h264` leaves it to ffmpeg, which takes that one."""

_X264_NAMES = {
    "rc-lookahead": "lookahead",
    "mbtree": "mbtree",
    "bframes": "bframes",
    "ref": "refs",
    "frameref": "refs",
    "threads": "encoder_threads",
    "crf": "crf",
    "bitrate": "bitrate",
    "qp": "qp",
    "qp-constant": "qp",
}
AS_OPTIONS = {
    "preset": "preset",
    "crf": "crf",
    "qp": "qp",
    "bf": "bframes",
    "refs": "refs",
    "rc-lookahead": "lookahead",
    "mbtree": "mbtree",
    "threads": "encoder_threads",
}
_TRUE = ("1", "true", "yes")
_SCALE = {"": 1, "k": 1000, "K": 1000, "M": 1000**2, "G": 1000**3}


def said_in(option: Option) -> Iterator[tuple[str, str, str]]:
    """Of `-x264-params` or `-x264opts` each part: its text, the name of what it says, and its value,
    as x264's `x264_param_parse` takes it."""
    for part in filter(None, re.split(r"(?<!\\):", option.value or "")):
        name, equals, value = part.partition("=")
        name, value = name.strip().replace("_", "-"), value if equals else "1"
        for off in ("no-", "no"):
            if name.startswith(off) and name.removeprefix(off) == "mbtree":
                name, value = "mbtree", str(int(value not in _TRUE))
        yield part, _X264_NAMES.get(name, name), value


def said_to_x264(clip: File) -> dict[str, Any]:
    """In the order in which libx264 obeys: its options, `-x264opts`, `-x264-params`. CRF beats QP and
    a bit rate among the options; among the rest the last of them does."""
    options = {name: option_value(clip.last(option, "v")) for option, name in AS_OPTIONS.items()}
    said: dict[str, Any] = {
        "preset": _preset(options["preset"]),
        "encoder_threads": count_of(options["encoder_threads"]),
        "bframes": count_of(options["bframes"]),
        "refs": count_of(options["refs"]),
        "lookahead": count_of(options["lookahead"]),
        "mbtree": {"0": False, "1": True}.get(options["mbtree"] or ""),
        "crf": _whole(options["crf"]),
        "bitrate": None,
    }
    if options["crf"] is None and options["qp"] is None:
        said["bitrate"] = _bits(option_value(clip.last("b", "v")))
    for name in ("x264opts", "x264-params"):
        option = clip.last(name, "v")
        for _, what, value in said_in(option) if option else ():
            if what in ("crf", "qp", "bitrate"):
                said["crf"] = _whole(value) if what == "crf" else None
                kilobits = count_of(value) if what == "bitrate" else None
                said["bitrate"] = None if kilobits is None else kilobits * 1000
            elif what == "mbtree":
                said["mbtree"] = value in _TRUE
            elif what in said:
                said[what] = count_of(value)
    return said


def states_rate(clip: File) -> bool:
    """Whether its words say how much a picture may cost: by CRF, QP or a bit rate."""
    options = (clip.last(name, "v") for name in ("crf", "qp", "b"))
    lists = (clip.last(name, "v") for name in ("x264opts", "x264-params"))
    parts = (what for option in lists if option for _, what, _ in said_in(option))
    return any(options) or any(what in ("crf", "qp", "bitrate") for what in parts)


def said_to_another(clip: File) -> dict[str, Any]:
    """Preset and CRF of an encoder whose names for them may be its own."""
    preset = option_value(clip.last("preset", "v"))
    return {
        "preset": preset if preset in PRESETS else None,
        "crf": _whole(option_value(clip.last("crf", "v"))),
        "encoder_threads": count_of(option_value(clip.last("threads", "v"))),
        "bitrate": _bits(option_value(clip.last("b", "v"))),
    }


def option_value(option: Option | None) -> str | None:
    return None if option is None else option.value


def _preset(value: str | None) -> str | None:
    """x264 also takes a number for each, from 0."""
    is_number = value is not None and re.fullmatch("[0-9]", value)
    return PRESETS[int(value)] if is_number and value else value


def count_of(value: str | None) -> int | None:
    """`auto` leaves it to ffmpeg, as 0 does."""
    if value == "auto":
        return 0
    return int(value) if value is not None and re.fullmatch(r"\d+", value) else None


def _whole(value: str | None) -> int | None:
    found = re.fullmatch(r"(\d+)(\.0*)?", value or "")
    return int(found[1]) if found else None


def _bits(value: str | None) -> int | None:
    """A second: `2M`, `500k`, `1.5M`; a B at its end counts bytes."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([kKMG]?)(i?)(B?)", value or "")
    if found is None:
        return None
    scale = _SCALE[found[2]]
    if found[3]:
        scale = 1024 ** (len(str(scale)) // 3)
    return round(float(found[1]) * scale * (8 if found[4] else 1))
