"""What is printed: when nobody listens any more, on a full disk, to a terminal that obeys what it is sent.

The work never ends because of it. Progress that nobody takes is dropped; a result that nobody takes is an error,
told on the other stream when the work is done.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterable
from typing import TextIO

from clipkit.errors import OutputError, Unread
from clipkit.format import on_one_line, printable

_LAST = 2
"""The number of stderr, after those of stdin and stdout."""


def take_streams() -> None:
    """To be called first. The number of a stream that was closed before we started is taken by what leads
    nowhere: the first file that we open would have it else, and all that is printed would end up in it."""
    while (taken := os.open(os.devnull, os.O_RDWR)) <= _LAST:
        os.set_inheritable(taken, True)
    os.close(taken)
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 (for as long as we are)
    if isinstance(sys.stdout, io.TextIOWrapper):  # a file's name need not be text in any encoding
        sys.stdout.reconfigure(errors="backslashreplace")


def say(text: str) -> None:
    """To stdout, letter by letter, without a line feed. Raises OutputError where it cannot be taken, and Unread
    where nobody reads on."""
    if sys.stdout is None:
        raise OutputError("cannot write to stdout: it is closed")
    try:
        sys.stdout.write(printable(text) if sys.stdout.isatty() else text)
        sys.stdout.flush()
    except BrokenPipeError:
        mute(sys.stdout)
        raise Unread("its work is done, but nobody read all of what it said") from None
    except OSError as error:
        mute(sys.stdout)
        raise OutputError(f"cannot write to stdout: {error.strerror}") from None


def say_lines(lines: Iterable[str]) -> None:
    """To stdout, for people, each on one line: nothing in them is obeyed by whatever shows them in the end.
    Raises as `say`."""
    say("".join(f"{on_one_line(line)}\n" for line in lines))


def complain(text: str) -> None:
    """To stderr, on one line, as far as anybody takes it."""
    write_on(sys.stderr, f"{on_one_line(text)}\n")


def write_on(stream: TextIO, text: str) -> None:
    """As far as it is taken; where it is not, the stream leads nowhere from then on."""
    try:
        stream.write(text)
        stream.flush()
    except (OSError, ValueError):  # who watched has gone, a notebook's kernel: the work goes on
        mute(stream)


def mute(stream: TextIO) -> None:
    """What is still in its buffer, and all that follows, goes nowhere."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
