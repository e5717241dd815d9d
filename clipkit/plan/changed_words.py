"""A command of the user's own with other settings put in, by the smallest edit of its words. Pure.

Only what differs from what the words state is touched, and where they state it; all else stays word
for word.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import chain

from clipkit.errors import TemplateError
from clipkit.plan.baselines import Template
from clipkit.plan.command_words import CommandWords, read_words, seek_option, the_files
from clipkit.plan.ffmpeg_words import FfmpegWords, File, Option, option_names, take_apart
from clipkit.plan.x264_words import option_value, said_in
from clipkit.settings import Settings

Argv = tuple[str, ...]

THREADS = ("decoder_threads", "encoder_threads", "filter_threads")
BY_X264 = ("preset", "crf", "lookahead", "mbtree", "bframes", "refs")

_OPTIONS = {
    "preset": "preset",
    "crf": "crf",
    "encoder_threads": "threads",
    "bframes": "bf",
    "refs": "refs",
    "lookahead": "rc-lookahead",
    "mbtree": "mbtree",
}
_PARTS = {
    "crf": "crf",
    "encoder_threads": "threads",
    "bframes": "bframes",
    "refs": "ref",
    "lookahead": "rc-lookahead",
    "mbtree": "mbtree",
}
"""What each setting is called as an option of the output, and as a part of `-x264-params`."""
_LISTS = ("x264-params", "x264opts")
_CLOCKLESS = option_names(
    "scale crop pad format hflip vflip transpose setsar setdar eq unsharp hqdn3d colorspace zscale "
    "tonemap drawbox null copy volume aformat pan anull"
)
"""Filters that do the same with a picture whenever it comes, unless an expression asks for its time."""
_CLOCKS = re.compile(r"\b[tn]\b(?!=)|enable|\{")
_KEEPS_TIMES = option_names("copyts start_at_zero seek_timestamp itsoffset sseof isync")
_GRAPHS = option_names("filter filter_complex filter_script filter_complex_script")


def followed(words: CommandWords) -> tuple[str, ...]:
    """The settings that can be put into a command with these words; the rest is as it has it.

    Nothing of what copies: another seek would copy from another key frame. Preset and the like of x264
    alone, and no CRF where the words ask for a bit rate.
    """
    if words.settings.mode != "encode":
        return ()
    names = [*THREADS, *(BY_X264 if words.by_x264 else ())]
    if words.seek is not None:
        names.insert(0, "seek")
    if words.by_x264 and words.rate_stated and words.settings.crf is None:
        names.remove("crf")
    return tuple(names)


def changed_argv(template: Template, settings: Settings) -> Argv:
    """The template's words with the smallest edit that makes it cut with these settings.

    Word for word the same where they state them already. Raises TemplateError where the seek cannot be
    moved without changing what else the words mean, saying which of them.
    """
    words, argv = read_words(template.argv), template.argv
    usual = words.asked()
    for name in followed(words):
        value = getattr(settings, name)
        if value != getattr(usual, name):
            argv = _with(argv, name, value)
    return argv


def _with(argv: Argv, name: str, value: str | int | None) -> Argv:
    if name == "seek":
        return _sought_before(argv) if value == "input" else _sought_after(argv)
    if name in THREADS:
        value = value or None  # 0: ffmpeg decides, as where nothing is said
    words, film, _clip = _apart(argv)
    if name == "decoder_threads":
        return _with_option(argv, film.options, film.at, "threads", value)
    if name == "filter_threads":
        return _with_option(argv, words.everywhere, words.program + 1, name, value)
    if value is None:
        return _untold_x264(argv, name)
    return _told_x264(argv, name, value if isinstance(value, str) else str(int(value)))


def _told_x264(argv: Argv, name: str, value: str) -> Argv:
    """Where the words state it already; what has no place yet comes right before the output, and what
    is usually told in `-x264-params` there."""
    _, _, clip = _apart(argv)
    lists = [found for each in _LISTS if (found := clip.last(each, "v"))]
    stating = [found for found in lists if _parts(found, name)]
    option = clip.last(_OPTIONS[name], "v")
    if stating or (lists and option is None and name in ("lookahead", "mbtree")):
        found = (stating or lists)[0]
        part = f"{_PARTS[name]}={value}"
        return _replaced(argv, found, _list_with(found, name, part))
    if option is None and name in ("lookahead", "mbtree"):
        return _inserted(argv, _before(argv, clip), "-x264-params", f"{_PARTS[name]}={value}")
    return _with_option(argv, clip.options, _before(argv, clip), _OPTIONS[name], value)


def _untold_x264(argv: Argv, name: str) -> Argv:
    """As the preset has it, or as ffmpeg decides: wherever the words state it, it goes."""
    for each in _LISTS:
        found = _apart(argv)[2].last(each, "v")
        if found and _parts(found, name):
            argv = _replaced(argv, found, _list_with(found, name, None))
    return _with_option(argv, _apart(argv)[2].options, 0, _OPTIONS[name], None)


def _parts(option: Option, name: str) -> list[str]:
    return [part for part, what, _ in said_in(option) if what == name]


def _list_with(option: Option, name: str, new: str | None) -> str:
    """`-x264-params` with another part in the place of those that state this; None: without them."""
    parts = [(part, what == name) for part, what, _ in said_in(option)]
    kept = [part if not states else new for part, states in parts]
    if new is not None and new not in kept:
        kept.append(new)
    return ":".join(dict.fromkeys(part for part in kept if part is not None))


def _with_option(
    argv: Argv, options: Sequence[Option], at: int, name: str, value: str | int | None
) -> Argv:
    """The option that counts with another value; None: without any of that name. Where there is none,
    a new one at that place."""
    stated = [option for option in options if option.name == name and option.is_for("v")]
    if value is None:
        for option in reversed(stated):
            argv = (*argv[: option.at], *argv[option.ends :])
        return argv
    if stated:
        return _replaced(argv, stated[-1], str(value))
    return _inserted(argv, at, f"-{name}", str(value))


def _replaced(argv: Argv, option: Option, value: str) -> Argv:
    """An empty value takes the option away."""
    told = (argv[option.at], value) if value else ()
    return (*argv[: option.at], *told, *argv[option.ends :])


def _inserted(argv: Argv, at: int, *words: str) -> Argv:
    return (*argv[:at], *words, *argv[at:])


def _before(argv: Argv, clip: File) -> int:
    return clip.at - 1 if argv[clip.at - 1] == "--" else clip.at


def _sought_before(argv: Argv) -> Argv:
    """The seek moves before the input. From there the clip's times begin at 0, so what ends it has to
    say how long it is."""
    words, film, clip = _apart(argv)
    _refuse_to_move(words, film, clip)
    if (limit := film.last("t")) is not None:
        raise _unmovable(limit, "it counts from the film's start")
    start, until = option_value(seek_option(clip)), clip.last("to")
    if until is not None and clip.last("t") is None:
        if until.value != "{end}":
            raise _unmovable(until, "only {end} is known to be the start and the duration")
        argv = (*argv[: until.at], "-t", "{duration}", *argv[until.ends :])
    argv = _with_option(argv, _apart(argv)[2].options, 0, "ss", None)
    return _with_option(argv, film.options, film.at, "ss", start)


def _sought_after(argv: Argv) -> Argv:
    """The seek moves right behind the input."""
    words, film, clip = _apart(argv)
    _refuse_to_move(words, film, clip)
    for option in (film.last("t"), film.last("to"), clip.last("to"), film.last("noaccurate_seek")):
        if option is not None:
            raise _unmovable(option, "it would mean something else then")
    start = option_value(seek_option(film))
    argv = _with_option(argv, film.options, 0, "ss", None)
    behind = _apart(argv)[1].at + len(("-i", "{input}"))
    return _with_option(argv, clip.options, behind, "ss", start)


def _refuse_to_move(words: FfmpegWords, film: File, clip: File) -> None:
    """Raises TemplateError where another side of the input changes what other words mean."""
    if len(words.inputs) > 1:
        raise TemplateError("-ss cannot be moved: behind the inputs it is for all of them")
    for option in chain(words.everywhere, film.options, clip.options):
        if option.name in _KEEPS_TIMES:
            raise _unmovable(option, "it counts times by the film's own clock")
        if option.name in _GRAPHS and not _is_clockless(option):
            raise _unmovable(option, "its filters may count from the film's start")


def _is_clockless(graph: Option) -> bool:
    text = graph.value or ""
    names = re.findall(r"(?:^|[,;\]])\s*([a-z]\w*)", re.sub(r"'[^']*'|\\.", "", text))
    return not _CLOCKS.search(text) and "script" not in graph.name and {*names} <= _CLOCKLESS


def _unmovable(option: Option, why: str) -> TemplateError:
    return TemplateError(f"-ss cannot be moved to the other side of -i beside {option.text}: {why}")


def _apart(argv: Argv) -> tuple[FfmpegWords, File, File]:
    words = take_apart(argv)
    film, clip = (None, None) if words is None else the_files(words)
    if words is None or film is None or clip is None:
        raise TemplateError("its words are not those of ffmpeg with one film and one clip")
    return words, film, clip
