"""How a step of a task begins. Stdlib only: it lives inside the host."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from clipkit.confinement import Confinement
from clipkit.engine.child import Start, fork, spawned
from clipkit.engine.disk import NO_ROOM, NO_SPACE
from clipkit.engine.patches import PatchError, apply_patch
from clipkit.plan.task import Patch, Step

Fill = Callable[[str], str]
"""Puts real files in the places that a word leaves for them."""


def start_of(step: Step, fill: Fill, log: Path, confinement: Confinement | None) -> Start:
    """Of a step that is a process."""
    if isinstance(step, Patch):
        return fork(partial(patched, step, fill), log, confinement)
    return spawned([fill(word) for word in step.argv], log, confinement)


def patched(patch: Patch, fill: Fill) -> None:
    """Raises PatchError."""
    arguments = {
        key: fill(value) if isinstance(value, str) else value
        for key, value in patch.arguments.items()
    }
    try:
        apply_patch(patch.name, arguments)
    except OSError as error:
        full = error.errno in NO_ROOM
        raise PatchError(NO_SPACE if full else f"'{patch.name}' failed: {error.strerror}") from None
