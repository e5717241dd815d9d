"""A notebook's parameters, checked inside it: a misspelt one is refused, not ignored.

papermill only warns of an unknown parameter, on the terminal, and then measures something else than
was asked. So a notebook's first call is `checked_parameters(globals(), Asked)`.
"""

from __future__ import annotations

import ast
import contextlib
import typing
from collections.abc import Mapping
from typing import Any, ClassVar, Protocol, TypeVar

from clipkit.errors import NotebookError
from clipkit.legal import unknown_word
from clipkit.report.notebooks import place

_INJECTED = "# Parameters\n"
"""How papermill's injected cell begins (`papermill.parameterize`, its `comment`)."""


class Declared(Protocol):
    """A dataclass whose fields are a notebook's parameters; `NOTEBOOK` is the notebook's name."""

    NOTEBOOK: ClassVar[str]


T = TypeVar("T", bound=Declared)

_WORDS = {str: "text", float: "a number", int: "a whole number", bool: "True or False"}


def checked_parameters(namespace: Mapping[str, Any], declared: type[T]) -> T:
    """The notebook's parameters as the dataclass `declared`, whose fields name and type them.

    `namespace` is the notebook's `globals()`; IPython keeps the source of every executed cell in
    its `In`. Raises NotebookError for a parameter that is injected but not declared, for one that
    the notebook lacks, and for a value of the wrong type.
    """
    place.remember_notebook(declared.NOTEBOOK)
    hints = typing.get_type_hints(declared)
    kinds = {name: hints[name] for name in hints if name != "NOTEBOOK"}
    for name in _injected_names(namespace.get("In", [])):
        if name not in kinds:
            raise unknown_parameter(name, list(kinds))
    values = {}
    for name, kind in kinds.items():
        if name not in namespace:
            raise NotebookError(f"this notebook lacks the parameter '{name}'")
        values[name] = _typed(name, namespace[name], kind)
    place.forget_pictures()
    return declared(**values)


def unknown_parameter(name: str, known: list[str]) -> NotebookError:
    """The error for a parameter that does not exist."""
    if not known:
        return NotebookError(f"unknown parameter '{name}': this notebook has none")
    return NotebookError(unknown_word("parameter", name, known))


def _injected_names(executed: list[str]) -> list[str]:
    """What the last injected cell assigns, if there was one."""
    cells = [source for source in executed if source.startswith(_INJECTED)]
    if not cells:
        return []
    return [
        target.id
        for statement in ast.parse(cells[-1]).body
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        if isinstance(target, ast.Name)
    ]


def several_words(text: str) -> list[str]:
    """What a parameter that may name several levels holds: `256M, 512M`."""
    return [word.strip() for word in text.split(",") if word.strip()]


def several_numbers(name: str, text: str) -> list[float]:
    """Of `0.5, 2`. Raises NotebookError for what are no numbers."""
    try:
        return [float(word) for word in several_words(text)]
    except ValueError:
        raise NotebookError(
            f"the parameter {name} = {text!r} must be a number, or several such as '0.5, 2'"
        ) from None


def _typed(name: str, value: object, kind: type) -> Any:
    """`value` as `kind`: papermill's command line and a YAML file cannot know better.

    Text that is a number, and a whole number, will do for a number; a number, and a list of numbers
    and text, for text (`several_words` takes it apart); a list of one for that one.
    """
    if isinstance(value, list | tuple) and (kind is str or len(value) == 1):
        return (
            ", ".join(_typed(name, each, str) for each in value)
            if kind is str
            else _typed(name, value[0], kind)
        )
    if type(value) is kind:
        return value
    if type(value) is int and kind is float:
        return float(value)
    if type(value) in (int, float) and kind is str:
        return f"{value:.12g}"
    with contextlib.suppress(ValueError, OverflowError):
        if kind in (int, float) and isinstance(value, str | float) and kind(value) == float(value):
            return kind(value)
    raise NotebookError(f"the parameter {name} = {value!r} must be {_WORDS[kind]}")
