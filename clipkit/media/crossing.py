"""An upload's facts as bytes, and back: they come from a process that has read hostile ones.

Data alone, checked type by type against the declaration of `Upload`; times, of which a long film has
hundreds of thousands, as plain arrays behind it.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
import types
from array import array
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from clipkit.media.upload import Upload

FACTS, REFUSED, EXHAUSTED = b"F", b"R", b"M"
"""What an answer opens with: facts follow, or a sentence, or nothing."""

_LENGTH_BYTES = 8
_ARRAYS = {tuple[float, ...]: "d", tuple[int, ...]: "q"}


def packed(upload: Upload) -> bytes:
    """Raises OverflowError for a number of more than 64 bits among many."""
    facts: dict[str, Any] = {}
    arrays: list[bytes] = []
    for name, hint in get_type_hints(Upload).items():
        value = getattr(upload, name)
        if hint in _ARRAYS:
            facts[name] = len(value)
            arrays.append(array(_ARRAYS[hint], value).tobytes())
        else:
            facts[name] = _plain(value)
    head = json.dumps(facts).encode("ascii")
    return b"".join((len(head).to_bytes(_LENGTH_BYTES, "big"), head, *arrays))


def unpacked(content: bytes) -> Upload:
    """Raises ValueError or TypeError for anything but an upload's facts."""
    end = _LENGTH_BYTES + int.from_bytes(content[:_LENGTH_BYTES], "big")
    facts = json.loads(content[_LENGTH_BYTES:end])
    hints = get_type_hints(Upload)
    if not isinstance(facts, dict) or facts.keys() != hints.keys():
        raise ValueError("other facts than an upload's")
    read: dict[str, Any] = {}
    for name, hint in hints.items():
        if hint not in _ARRAYS:
            read[name] = _read(hint, facts[name])
            continue
        numbers = array(_ARRAYS[hint])
        start, end = end, end + _read(int, facts[name]) * numbers.itemsize
        numbers.frombytes(content[start:end])
        if len(numbers) != facts[name] or not math.isfinite(sum(numbers)):
            raise ValueError(f"{name} is not as many numbers as it says")
        read[name] = tuple(numbers)
    if end != len(content):
        raise ValueError("something behind the facts")
    return Upload(**read)


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return os.fsdecode(value)
    if isinstance(value, Fraction):
        return [value.numerator, value.denominator]
    if dataclasses.is_dataclass(value):
        return [_plain(getattr(value, field.name)) for field in dataclasses.fields(value)]
    return [_plain(each) for each in value] if isinstance(value, tuple) else value


def _read(hint: Any, value: Any) -> Any:
    """`value` as the declared type has it. Raises ValueError, TypeError."""
    if get_origin(hint) is types.UnionType:
        (real,) = (each for each in get_args(hint) if each is not type(None))
        return None if value is None else _read(real, value)
    if hint in _SCALARS:
        return _SCALARS[hint](value)
    if not isinstance(value, list):
        raise TypeError(f"{value!r:.80} is no list of {hint}")
    if get_origin(hint) is tuple:
        kind, *more = get_args(hint)
        kinds = [kind] * len(value) if more == [Ellipsis] else [kind, *more]
        return tuple(_read(each, item) for each, item in zip(kinds, value, strict=True))
    if hint is Fraction:
        numerator, denominator = (_of(int)(item) for item in value)
        if not denominator:
            raise ValueError("a fraction of nothing")
        return Fraction(numerator, denominator)
    kinds = list(get_type_hints(hint).values())
    return hint(*(_read(each, item) for each, item in zip(kinds, value, strict=True)))


def _of(kind: type) -> Callable[[Any], Any]:
    def checked(value: Any) -> Any:
        if type(value) is not kind:
            raise ValueError(f"{value!r:.80} is no {kind.__name__}")
        return value

    return checked


def _number(value: Any) -> float:
    if type(value) not in (int, float) or not math.isfinite(value):
        raise ValueError(f"{value!r:.80} is no number")
    return float(value)


_SCALARS: dict[Any, Callable[[Any], Any]] = {
    str: _of(str),
    int: _of(int),
    bool: _of(bool),
    float: _number,
    Path: lambda value: Path(_of(str)(value)),
}
