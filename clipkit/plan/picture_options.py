"""Which words of a command change its picture or sound in a way that our engine cannot express. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from clipkit.plan.ffmpeg_words import FfmpegWords, File, Option, option_names
from clipkit.plan.framing_words import read_framing
from clipkit.plan.x264_words import AS_OPTIONS, X264, said_in

_INNOCENT_BEFORE = option_names(
    "ss t to threads protocol_whitelist format_whitelist probesize analyzeduration thread_queue_size re readrate "
    "accurate_seek"
)
_INNOCENT_AFTER = option_names(
    "ss t to movflags metadata map_metadata map_chapters max_muxing_queue_size "
    "muxing_queue_data_threshold avoid_negative_ts sn dn strict copypriorss"
)
_INNOCENT_EVERYWHERE = option_names(
    "y n stdin nostdin hide_banner stats nostats report v progress stats_period benchmark "
    "benchmark_all max_alloc cpucount timelimit xerror filter_threads filter_complex_threads "
    "ignore_unknown"
)
"""Options that leave picture and sound as they are, or that a setting says."""
_THE_FILM = re.compile(r"0:(v|V|a)(:0)?\??")


def picture_options_of(
    words: FfmpegWords, film: File, clip: File, known: Mapping[str, object]
) -> Iterator[str]:
    """The options that change the picture or the sound and that no setting says."""
    for option in words.everywhere:
        if option.name not in _INNOCENT_EVERYWHERE:
            yield option.text
    for option in film.options:
        if option.name not in _INNOCENT_BEFORE:
            yield option.text
    for file in words.inputs:
        if file is not film:
            yield f"-i {file.name}"
    for file in words.outputs:
        if file is not clip:
            yield f"another output, {file.name}"
    for option in clip.options:
        yield from _odd_after(option, known)


def _odd_after(option: Option, known: Mapping[str, object]) -> Iterator[str]:
    name, value = option.name, option.value
    if name in ("x264-params", "x264opts"):
        for part, what, _ in said_in(option):
            if known.get(what) is None:
                yield f"-{name} {part}"
    elif not _is_expressed(option, known):
        yield option.text if value is not None else f"-{name}"


def _is_expressed(option: Option, known: Mapping[str, object]) -> bool:
    """Whether our engine does the same of itself, or a setting says it."""
    name, value = option.name, option.value or ""
    if name == "c":
        pictures = value in X264 or (value == "copy" and known.get("mode") == "snap")
        sound = value in ("copy", "aac")
        return (pictures or not option.is_for("v")) and (sound or not option.is_for("a"))
    if name == "filter" and option.is_for("v"):
        said = read_framing(value)
        stated = (said.crop, said.scale_height) == (known.get("crop"), known.get("scale_height"))
        return said.complete and stated
    if name in AS_OPTIONS:
        return known.get(AS_OPTIONS[name]) is not None or not option.is_for("v")
    like_ours = {
        "an": True,
        "f": value == "mp4",
        "pix_fmt": value == "yuv420p",
        "map": _THE_FILM.fullmatch(value) is not None,
        "b": known.get("crf") is not None if option.is_for("v") else value == "128k",
        "q": option.is_for("v"),
    }
    return like_ours.get(name, name in _INNOCENT_AFTER)
