"""What is said of a word that is not legal, in the same form everywhere: the nearest that is, or else
all that are."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

LONGEST_S = 86_400
"""A day: what a clip may last, and a job may take. Who waits for it asks the kernel for no longer."""

_MOST_NEAR = 4


def legal_are(known: Iterable[object]) -> str:
    """`legal are: a, b, c`."""
    return f"legal are: {', '.join(map(str, known))}"


def not_legal(name: str, value: object, legal: str) -> str:
    """`crf = 99 is not legal; legal are: whole numbers from 0 to 51`."""
    shown = "true" if value is True else "false" if value is False else repr(value)
    return f"{name} = {shown} is not legal; {legal_are([legal])}"


def unknown_word(what: str, word: str, known: Iterable[str]) -> str:
    """`unknown host 'rendr-pro': did you mean 'render-pro'?`, or what is legal where none is near."""
    return f"unknown {what} '{word}': {instead_of(word, list(known))}"


def instead_of(word: str, known: list[str]) -> str:
    """What could be meant by an unknown word. Of `threads` all that end in it are offered."""
    same_part = [name for name in known if word.strip("-") in re.split("[-_]+", name.strip("-"))]
    if not same_part or len(same_part) > _MOST_NEAR:
        same_part = difflib.get_close_matches(word, known, n=1)
    if not same_part:
        return legal_are(known) if known else "there is none"
    *others, last = (f"'{name}'" for name in same_part)
    return f"did you mean {', '.join(others) + ' or ' if others else ''}{last}?"
