"""A service's own lint and tests, in its language's tools."""

from __future__ import annotations

from clipkit.backends.building import missing_for, run_for
from clipkit.backends.declared import Argv, Backend


def check_backend(backend: Backend) -> dict[str, str]:
    """What came of its lint and its tests: `passed`, `failed`, or `left out` where a program that it
    needs is not here."""
    commands = {"lint": backend.lint, "test": backend.test}
    if missing_for(backend):
        return {"name": backend.name, **dict.fromkeys(commands, "left out")}
    told = {kind: _outcome(backend, argvs) for kind, argvs in commands.items()}
    return {"name": backend.name, **told}


def _outcome(backend: Backend, argvs: tuple[Argv, ...]) -> str:
    return "failed" if any(run_for(backend, argv) for argv in argvs) else "passed"
