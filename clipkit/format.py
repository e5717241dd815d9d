"""Numbers to words, in one place, at the edge: everywhere else they are raw bytes and seconds."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

_HOMES = r"/(?:home|Users)/[^/\s'\":,;]+|/root"
"""Where the systems that we know keep their users' folders."""

_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Controls but for tab and line feed, marks of direction."""

KIB = 1024
_REPR_LETTERS = 200
MIB = 1024 * KIB
GIB = 1024 * MIB

_ODD = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""What steers a terminal, ends a line or turns the direction of writing, and bytes that are no UTF-8."""
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def on_one_line(name: object) -> str:
    """A file's name, or a line that has one in it, as one line of text that harms nobody who prints it:
    bytes that are no UTF-8 as `\\xe9`, the rest of what is odd in the same way.

    A path that is kept, in JSON too, stays as it is: `os.fsencode` gives its bytes.
    """
    return _ODD.sub(lambda found: _SHORT.get(found[0]) or _escaped(ord(found[0])), str(name))


def is_text(text: str) -> bool:
    """Whether it can be written into a file that is text: a name of other bytes cannot."""
    return all(not 0xD800 <= ord(letter) <= 0xDFFF for letter in text)


def _escaped(code: int) -> str:
    if 0xDC80 <= code <= 0xDCFF:  # PEP 383: a byte that is no UTF-8
        code -= 0xDC00
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}"


def brief(thing: object, *words: str) -> str:
    """`<Upload my.mp4, h264 160x90>`: the `repr` of what holds too much to be printed whole."""
    told = on_one_line(", ".join(words))
    cut = told if len(told) <= _REPR_LETTERS else f"{told[:_REPR_LETTERS].rstrip()} …"
    return f"<{type(thing).__name__} {cut}>"


def size(size_bytes: float | None) -> str:
    """`12 kB`, `131 MB`, `1.5 GB`; a hosting plan's MB are 2**20 bytes, as the kernel's limits are."""
    if size_bytes is None:
        return "unknown"
    if 0 < size_bytes < KIB * 100:
        return f"{size_bytes / KIB:.{0 if size_bytes >= 10 * KIB else 1}f} kB"
    if size_bytes >= GIB:
        return f"{size_bytes / GIB:.3g} GB"
    return f"{size_bytes / MIB:.{0 if size_bytes >= 10 * MIB or not size_bytes else 1}f} MB"


def largest(size_bytes: float | None, runs: int | None) -> str:
    """`98 MB (largest of 5 runs)`, `98 MB` of one."""
    told = size(size_bytes)
    return (
        f"{told} (largest of {runs} runs)" if size_bytes is not None and (runs or 0) > 1 else told
    )


def seconds(time_s: float | None) -> str:
    """`0.42 s`, `8.3 s`, `412 s`."""
    if time_s is None:
        return "unknown"
    return f"{number(time_s)} s"


def clock(time_s: float) -> str:
    """`8:14`, `1:02:03`: how long a film is, or how long something still takes."""
    minutes, second = divmod(int(time_s + 0.5), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02d}:{second:02d}" if hours else f"{minute}:{second:02d}"


def counted(count: int, what: str) -> str:
    """`1 clip`, `12 clips`."""
    return f"{count} {what}{'' if count == 1 else 's'}"


def ratio(value: float | None) -> str:
    """`1.04x`, `6.8x`, `209x`: two decimals near 1, where they decide."""
    if value is None:
        return "unknown"
    return f"{value:.{2 if value < 2 else 1 if value < 20 else 0}f}x"


def bare_ratio(value: float) -> str:
    """`1.04`: a ratio without its sign, beside others."""
    return ratio(value).removesuffix("x")


def number(value: float) -> str:
    """`0.42`, `8.3`, `1013`: three digits, or all before the point, beside others of the same unit."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def interval(bounds: tuple[float, float] | None, words: Callable[[float], str] = number) -> str:
    """` (95 %: 1.22 to 1.44)`, to follow the value that it is of; nothing where it is unknown."""
    return "" if bounds is None else f" (95 %: {words(bounds[0])} to {words(bounds[1])})"


def memory(limit_bytes: float | None) -> str:
    """A host's: `512 MB`, `any memory`."""
    return "any memory" if limit_bytes is None else size(limit_bytes)


def cpus(value: float | None) -> str:
    return "unlimited CPU" if value is None else f"{value:g} CPU"


def percent(fraction: float) -> str:
    return f"{fraction * 100:.0f} %" if fraction >= 0.1 else f"{fraction * 100:.1f} %"


def printable(text: str) -> str:
    """The text with a mark for every letter that does not show itself but does something to what shows it: a
    terminal obeys escape sequences, a page is told to write backwards."""
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def without_home(text: str) -> str:
    """The text with `~` for every home folder in it, this user's and those of other machines."""
    own = str(Path.home())
    homes = [re.escape(own)] if own != "/" else []
    return re.sub(rf"(?<![\w.~-])(?:{'|'.join([*homes, _HOMES])})(?=/|$|[\s'\":,;])", "~", text)


def near(path: Path) -> str:
    """Relative where it lies below the current folder: shorter to type."""
    here = Path.cwd()
    return os.path.relpath(path, here) if path.is_relative_to(here) else str(path)
