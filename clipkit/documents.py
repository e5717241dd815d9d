"""JSON and TOML that anybody may have written: parsed strictly, and held to the types that ours declare.

What Python's parsers let pass and no file of ours ever holds is refused: what is nested so deeply that whoever
walks through it falls over; and in JSON, which we write ourselves, NaN, infinities and numbers that are none as they
are written (1e400). In TOML, which people write, whoever reads a key says what it may be.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import tomllib
import types
import typing
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Any

from clipkit.errors import ClipkitError

_DEEPEST = 32
_SHOWN_LETTERS = 60


def parse_json(text: str | bytes) -> Any:
    """Raises ValueError, in words."""
    try:
        parsed = json.loads(text, parse_constant=_finite, parse_float=_finite)
        content = text.encode("utf-8", "replace") if isinstance(text, str) else text
        halves = b"\\ud" in content.lower()
        return _encodable(_shallow(parsed)) if halves else _shallow(parsed)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    except json.JSONDecodeError as error:
        raise ValueError(f"it is no JSON: {error}") from None
    except UnicodeDecodeError:
        raise ValueError("it is no text in UTF-8") from None


def json_text(document: Any, indent: int | None = None) -> str:
    """The document as JSON that `parse_json` takes back: what is no number is unknown. What JSON has no word
    for is its text."""
    return json.dumps(_known(document), indent=indent, default=str)


def _known(document: Any) -> Any:
    if isinstance(document, Mapping):
        return {name: _known(value) for name, value in document.items()}
    if isinstance(document, list | tuple):
        return [_known(value) for value in document]
    return None if isinstance(document, float) and not math.isfinite(document) else document


def parse_toml(text: str | bytes) -> dict[str, Any]:
    """Raises ValueError, in words."""
    try:
        content = text if isinstance(text, str) else text.decode("utf-8")
        document: dict[str, Any] = _shallow(tomllib.loads(content))
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    except UnicodeDecodeError:
        raise ValueError("it is no text in UTF-8") from None
    return document


def read_toml_file(path: Path, kind: type[ClipkitError]) -> dict[str, Any]:
    """The document in a file that the user names. Raises an error of that kind."""
    try:
        return parse_toml(path.read_bytes())
    except OSError as error:
        raise kind(f"cannot read {path}: {error.strerror}") from None
    except ValueError as error:
        raise kind(f"{path} is not TOML: {error}") from None


def misfit(value: Any, hint: Any, what: str = "it") -> str | None:
    """In words, why that cannot be a value of that type, as `typing.get_type_hints` has it; None where it
    can be. `what` is its name. Lists stand for tuples, and a dict for a dataclass."""
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        told = [misfit(value, each, what) for each in typing.get_args(hint)]
        return None if None in told else told[0]
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return _unlike_its_kind(value, hint, what)
    if found := next(_inner(value, hint, what), None):
        return found
    return None if _is_of(value, hint) else f"{what} is {_shown(value)}, no {_words(hint)}"


def _unlike_its_kind(value: Any, kind: Any, what: str) -> str | None:
    """Of a dict that holds the fields of a dataclass; what it lacks may have a default."""
    if not isinstance(value, Mapping):
        return f"{what} is {_shown(value)}, no object"
    hints = _hints(kind)
    for declared in dataclasses.fields(kind):
        defaults = (declared.default, declared.default_factory)
        if declared.name not in value and defaults == (dataclasses.MISSING, dataclasses.MISSING):
            return f"{what} lacks '{declared.name}'"
    for name in value:
        if name not in hints:
            return f"{what} has an unknown '{_shown(name)}'"
    told = (misfit(value[name], hints[name], f"'{name}'") for name in value)
    return next(filter(None, told), None)


def _inner(value: Any, hint: Any, what: str) -> Iterator[str]:
    """What is wrong with what it holds."""
    holds = typing.get_args(hint)
    if not holds or not _is_of(value, hint):
        return
    if isinstance(value, Mapping):
        told = (misfit(each, holds[-1], f"{what}: '{_shown(key)}'") for key, each in value.items())
    elif (len(holds) == 2 and holds[-1] is Ellipsis) or len(holds) == 1:
        told = (misfit(each, holds[0], f"a value of {what}") for each in value)
    elif len(holds) != len(value):
        yield f"{what} holds {len(value)} values, not {len(holds)}"
        return
    else:
        told = (misfit(v, of, f"a value of {what}") for v, of in zip(value, holds, strict=True))
    yield from filter(None, told)


def _is_of(value: Any, hint: Any) -> bool:
    kind = typing.get_origin(hint) or hint
    if kind is Any:
        return True
    if kind is types.NoneType:
        return value is None
    if kind is float:
        return type(value) in (int, float) and _can_be_measured(value)
    if kind in (int, bool, str):
        return type(value) is kind
    if isinstance(kind, type) and issubclass(kind, Enum):
        return value in {each.value for each in kind}
    if kind in (tuple, list):
        return isinstance(value, list | tuple)
    return isinstance(value, kind if isinstance(kind, type) else object)


_NAMES = {int: "whole number", float: "number", bool: "true or false", str: "text"}


def _words(hint: Any) -> str:
    kind = typing.get_origin(hint) or hint
    if isinstance(kind, type) and issubclass(kind, Enum):
        return "word that is known there"
    return _NAMES.get(kind, "list" if kind in (tuple, list) else "object")


def _shown(value: Any) -> str:
    told = repr(value) if not isinstance(value, Mapping) else "an object"
    return told if len(told) <= _SHOWN_LETTERS else f"{told[:_SHOWN_LETTERS]}…"


@functools.cache
def _hints(kind: Any) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _can_be_measured(number: float) -> bool:
    """Not infinite, and no whole number beyond what a float can be (JSON has such)."""
    try:
        return math.isfinite(number)
    except OverflowError:
        return False


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:_SHOWN_LETTERS]} is no number that can be measured")
    return number


_TOO_DEEP = f"it is nested deeper than {_DEEPEST} levels"


def _shallow(document: Any) -> Any:
    """The same. Raises ValueError where it is nested too deeply."""
    level, depth = [document], 0
    while level:
        level = [
            each
            for outer in level
            if isinstance(outer, dict | list)
            for each in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(each, dict | list)
        ]
        depth += 1
        if depth > _DEEPEST:
            raise ValueError(_TOO_DEEP)
    return document


def _encodable(document: Any) -> Any:
    """The same with a mark for halves of surrogate pairs: JSON can spell them, no file can hold them."""
    if isinstance(document, str):
        return document.encode("utf-8", "replace").decode("utf-8")
    if isinstance(document, list):
        return [_encodable(each) for each in document]
    if isinstance(document, dict):
        return {_encodable(name): _encodable(each) for name, each in document.items()}
    return document
