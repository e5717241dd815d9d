"""A command line told to open nothing but the upload itself. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from clipkit.media.formats import GUARDED, local
from clipkit.plan.command_words import the_files
from clipkit.plan.ffmpeg_words import take_apart

_INPUT = "{input}"


def guarded_argv(argv: Sequence[str]) -> tuple[str, ...]:
    """A template's words with the two whitelists before its film, whose name is a file's then.

    What the words state of that themselves is left to them; unchanged where they are not those of
    ffmpeg with one film.
    """
    words = take_apart(argv)
    film = None if words is None else the_files(words)[0]
    if film is None:
        return tuple(argv)
    stated = {option.name for option in film.options}
    added = [
        word
        for name, value in GUARDED.items()
        if name not in stated
        for word in (f"-{name}", value)
    ]
    named = local(film.name) if film.name == _INPUT else film.name
    return (*argv[: film.at], *added, "-i", named, *argv[film.at + 2 :])
