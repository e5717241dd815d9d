"""The models of memory and CPU as a function for the user's own queue, in its language. Pure: text."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from importlib import resources
from typing import Any

from clipkit.errors import UsageError
from clipkit.legal import unknown_word
from clipkit.media.avc import MOST_DEPTH
from clipkit.model import cpu_seconds, held, memory
from clipkit.plan.copyable import PLAYABLE_H264, SAMPLE_ENTRIES
from clipkit.settings import Settings
from clipkit.tuning.config import Measured

LANGUAGES = {"javascript": ("admission.js.in", "//"), "python": ("admission.py.in", "#")}
_PLACE = re.compile(r"@(\w+)@")
_OF_SETTINGS = (
    *("mode", "hidden_preroll"),
    *("preset", "encoder_threads", "decoder_threads", "lookahead", "mbtree", "bframes", "refs"),
    *("crop", "scale_height", "audio", "hdr", "concurrency"),
)


def export_admission(settings: Settings, language: str, measured: Measured | None = None) -> str:
    """A module with one function: bytes and seconds of a clip, each with its interval, in every mode.

    Raises UsageError for an unknown language.
    """
    if language not in LANGUAGES:
        raise UsageError(unknown_word("language", language, LANGUAGES))
    name, comment = LANGUAGES[language]
    text = resources.files("clipkit.tuning").joinpath("snippets", name).read_text("utf-8")
    head = ["What a clip takes of memory and time, by clipkit's models: see `admission` below."]
    head += [f"Settings: {measured.words}."] if measured else []
    filled = {
        "head": "\n".join(f"{comment} {line}" for line in head),
        "model": json.dumps(model(settings), indent=2 if language == "javascript" else 4),
        "settings": json.dumps({name: getattr(settings, name) for name in _OF_SETTINGS}, indent=2),
    }
    if language == "python":  # JSON, but for these words
        filled |= {key: _in_python(filled[key]) for key in ("model", "settings")}
    return _PLACE.sub(lambda found: filled[found[1]], text)


def model(settings: Settings) -> dict[str, Any]:
    """All constants, as both languages read them."""
    return {
        "build_bytes": memory.build_bytes(settings),
        "bytes_each": memory.TERMS_EACH,
        "margin": memory.MARGIN,
        "kernel_bytes": memory.KERNEL_BYTES,
        "queued": memory.QUEUED,
        "kept": memory.KEPT,
        "coded_edge": memory.CODED_EDGE,
        "decoded_edge": memory.DECODED_EDGE,
        "linear_bytes": memory.LINEAR_BYTES,
        "pyramid": held.PYRAMID,
        "most_depth": MOST_DEPTH,
        "copying": cpu_seconds.COPYING,
        "copy_base_bytes": memory.COPY_BASE_BYTES,
        "copy_frames": memory.COPY_FRAMES,
        "copied_codecs": list(SAMPLE_ENTRIES),
        "played_h264": sorted(PLAYABLE_H264),
        "presets": {name: asdict(preset) for name, preset in held.PRESETS.items()},
        "seconds_each": cpu_seconds.SECONDS_EACH,
        "slower": cpu_seconds.SLOWER,
        "places": cpu_seconds.PLACES,
        "alone": cpu_seconds.ALONE,
        "calibrated": cpu_seconds.CALIBRATED,
    }


def _in_python(text: str) -> str:
    words = {"null": "None", "true": "True", "false": "False"}
    return re.sub(r"(?<=: )(null|true|false)\b", lambda found: words[found[1]], text)
