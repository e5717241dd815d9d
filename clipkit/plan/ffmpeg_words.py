"""The words of an ffmpeg command line, each with the file that it is for, as ffmpeg itself takes them
apart (`split_commandline` in fftools/cmdutils.c). Pure: knows nothing of what an option means.

An option is for the file that comes after it: before `-i` for that input, before an output's name for
that output. Global ones count wherever they stand; any other after the last output is ignored.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass


def option_names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_FLAGS = option_names(
    "y n stdin hide_banner stats report an vn sn dn shortest copyts start_at_zero accurate_seek re "
    "autorotate autoscale benchmark benchmark_all xerror dump hex vstats bitexact find_stream_info "
    "ignore_unknown copy_unknown recast_media copyinkf fix_sub_duration fix_sub_duration_heartbeat "
    "display_hflip display_vflip print_graphs auto_conversion_filters debug_ts psnr qphist "
    "force_fps intra"
)
"""Options without a value (`-noNAME` turns one off); every other one takes the word after it."""
_FLAGS_SINCE_6 = option_names("autorotate autoscale")
"""Before, these took 0 or 1."""
_GLOBAL = option_names(
    "y n stdin hide_banner stats report loglevel v progress stats_period benchmark benchmark_all "
    "max_alloc cpuflags cpucount ignore_unknown copy_unknown recast_media timelimit dump hex "
    "frame_drop_threshold copyts start_at_zero copytb dts_delta_threshold dts_error_threshold xerror "
    "abort_on filter_threads filter_buffered_frames filter_complex filter_complex_threads "
    "filter_complex_script lavfi auto_conversion_filters debug_ts max_error_rate vstats vstats_file "
    "vstats_version sdp_file vaapi_device qsv_device init_hw_device filter_hw_device print_graphs "
    "print_graphs_file print_graphs_format vsync async adrift_threshold vol psnr qphist"
)
_SHORT = {
    "codec": ("c", ""),
    "vcodec": ("c", "v"),
    "acodec": ("c", "a"),
    "scodec": ("c", "s"),
    "dcodec": ("c", "d"),
    "vf": ("filter", "v"),
    "af": ("filter", "a"),
    "b": ("b", "v"),
    "ab": ("b", "a"),
    "qscale": ("q", "v"),
    "aq": ("q", "a"),
    "vframes": ("frames", "v"),
    "aframes": ("frames", "a"),
    "profile": ("profile", "v"),
    "lavfi": ("filter_complex", ""),
    "loglevel": ("v", ""),
}
"""What other names an option has: its own one, and the streams that it is for where none are named."""


@dataclass(frozen=True, slots=True)
class Option:
    """One option. `name` is its own one without the dash, `streams` the specifier (`v`, `a:0`; empty:
    all), `value` None where it takes none, `at` the place of its first word in the argv."""

    name: str
    streams: str
    value: str | None
    at: int
    text: str

    @property
    def ends(self) -> int:
        """The place after its last word."""
        return self.at + (1 if self.value is None else 2)

    def is_for(self, kind: str) -> bool:
        """Whether it is for the first stream of that kind, `v` or `a`. A bare number is an index over
        all kinds: 0 is nearly always the picture."""
        first = {"v": ("", "v", "v:0", "V", "V:0", "0"), "a": ("", "a", "a:0", "1")}[kind]
        return self.streams in first


@dataclass(frozen=True, slots=True)
class File:
    """An input or an output: its name, its options, and the place of its `-i` or of its name."""

    name: str
    options: tuple[Option, ...]
    at: int

    def last(self, name: str, kind: str | None = None) -> Option | None:
        """The option of that name that counts: of a repeated one the last."""
        found = [o for o in self.options if o.name == name and (kind is None or o.is_for(kind))]
        return found[-1] if found else None


@dataclass(frozen=True, slots=True)
class FfmpegWords:
    """A command line taken apart. `program` is the place of ffmpeg among its words."""

    program: int
    everywhere: tuple[Option, ...]
    inputs: tuple[File, ...]
    outputs: tuple[File, ...]

    def globally(self, name: str) -> Option | None:
        """The global option of that name that counts."""
        return next((o for o in reversed(self.everywhere) if o.name == name), None)


def take_apart(argv: Sequence[str]) -> FfmpegWords | None:
    """None where it is not ffmpeg that the words call, or where they end in the middle of an option."""
    program = _program_at(argv)
    if program is None:
        return None
    everywhere: list[Option] = []
    pending: list[Option] = []
    files: dict[str, list[File]] = {"input": [], "output": []}
    at = program + 1
    while at < len(argv):
        word = argv[at]
        ended = word == "--"
        if ended or len(word) < 2 or not word.startswith("-"):
            at += ended
            if at < len(argv):
                files["output"].append(File(argv[at], tuple(pending), at))
                pending = []
            at += 1
            continue
        option = _option(argv, at)
        if option is None:
            return None
        if option.name == "i":
            files["input"].append(File(option.value or "", tuple(pending), at))
            pending = []
        else:
            (everywhere if _root(option.name) in _GLOBAL else pending).append(option)
        at = option.ends
    return FfmpegWords(program, tuple(everywhere), tuple(files["input"]), tuple(files["output"]))


def _option(argv: Sequence[str], at: int) -> Option | None:
    word = argv[at].removeprefix("-")
    name, _, streams = word.partition(":")
    name, usual = _SHORT.get(name, (name, ""))
    followed_by = argv[at + 1] if at + 1 < len(argv) else None
    older = name in _FLAGS_SINCE_6 and followed_by in ("0", "1")
    if _root(name) in _FLAGS and not older:
        return Option(name, streams or usual, None, at, argv[at])
    if followed_by is None:
        return None
    return Option(name, streams or usual, followed_by, at, f"{argv[at]} {followed_by}")


def _root(name: str) -> str:
    """`nostdin` turns `stdin` off."""
    plain = name.removeprefix("no")
    return plain if plain in _FLAGS else name


def _program_at(argv: Sequence[str]) -> int | None:
    """Where ffmpeg stands, also behind a simple wrapper."""
    at = 0
    while at < len(argv):
        name = argv[at].rpartition("/")[2]
        if name in ("ffmpeg", "ffmpeg.exe", "{ffmpeg}"):
            return at
        if name not in _WRAPPERS:
            return None
        at = _WRAPPERS[name](argv, at + 1)
    return None


def _behind(with_value: str = "", words: int = 0) -> Callable[[Sequence[str], int], int]:
    """Past a wrapper's own options, of which those take a value, and so many words more."""

    def behind(argv: Sequence[str], at: int) -> int:
        while at < len(argv) and (argv[at].startswith("-") or _ASSIGNS.match(argv[at])):
            at += 2 if argv[at] in with_value.split() else 1
        return at + words

    return behind


_ASSIGNS = re.compile(r"[A-Za-z_]\w*=")
_WRAPPERS = {
    "nice": _behind("-n"),
    "ionice": _behind("-c -n"),
    "timeout": _behind("-s -k", words=1),
    "env": _behind("-u -C"),
    "nohup": _behind(),
    "taskset": _behind(words=1),
}
