"""Why a clip is not there, in one line for the client, without the machine's paths."""

from __future__ import annotations

import re
import signal
from collections.abc import Mapping

from clip_backend.pipes import Tail

_MOST_CHARACTERS = 1000
_SPEAKER = re.compile(r"^(\[[^\]]*@ 0x[0-9a-f]+\]\s*)+")
_PATH = re.compile(r"(?<![\w.])/[^\s:'\",;()]+")
_NOT_PRINTED = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_SAY_NOTHING = ("Conversion failed", "Last message repeated", "Error splitting the argument list")

NO_PICTURE = "no picture of the upload lies in this clip"


def spoken_reason(tail: Tail, names: Mapping[str, str]) -> str | None:
    """ffmpeg's first line that explains; `names` says what known paths are called instead."""
    lines = tail.kept.decode("utf-8", "replace").splitlines()
    if tail.cut and len(lines) > 1:
        del lines[0]
    for line in lines:
        text = _without_paths(_SPEAKER.sub("", line.strip()), names)
        if text and not text.startswith(_SAY_NOTHING):
            return text[:_MOST_CHARACTERS]
    return None


def signal_reason(number: int) -> str:
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    return f"ffmpeg was ended by {name}"


def _without_paths(text: str, names: Mapping[str, str]) -> str:
    for path in sorted(names, key=len, reverse=True):
        text = text.replace(path, names[path])
    text = _PATH.sub("(path)", text)
    return _NOT_PRINTED.sub(" ", text).strip()
