"""What is told of the services: each one's facts as plain data, and as lines for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from clipkit import format as fmt
from clipkit.backends.building import is_built, missing_for
from clipkit.backends.declared import Backend
from clipkit.backends.libraries import libraries_of
from clipkit.backends.programs import absolute_argv, programs_of, runtime_of
from clipkit.backends.starting import check_health
from clipkit.errors import BackendError
from clipkit.tables import Table


def listed(backend: Backend) -> dict[str, Any]:
    """Raises BackendError where its libraries cannot be told."""
    return {
        "name": backend.name,
        "built": is_built(backend),
        "command": list(absolute_argv(backend, backend.command)),
        "runtime": runtime_of(backend),
        "libraries": libraries_of(backend),
        "missing": missing_for(backend),
    }


def examined(backend: Backend) -> dict[str, Any]:
    """What it needs, what of it is here, and whether it starts and is well."""
    found: dict[str, Any] = {
        "name": backend.name,
        "programs": [
            {
                "program": program.name,
                "at_least": program.need.at_least,
                "path": program.path,
                "version": program.version,
                "enough": program.is_enough,
            }
            for program in programs_of(backend)
        ],
        "built": is_built(backend),
        "health": None,
        "health_after_s": None,
        "why": None,
    }
    try:
        health = check_health(backend)
    except BackendError as error:
        return found | {"why": str(error)}
    return found | {"health": health.answer, "health_after_s": health.seconds}


def listed_lines(backends: Sequence[dict[str, Any]]) -> list[str]:
    rows = tuple(
        (
            backend["name"],
            _standing(backend),
            backend["runtime"] or "",
            ", ".join(f"{name} {version}" for name, version in backend["libraries"].items()),
        )
        for backend in backends
    )
    return Table(("backend", "", "runtime", "libraries"), rows).lines() if rows else _NONE


def examined_lines(backends: Sequence[dict[str, Any]]) -> list[str]:
    return [line for backend in backends for line in _examined_lines(backend)] or _NONE


_NONE = ["there is none"]


def _examined_lines(backend: dict[str, Any]) -> list[str]:
    shown = []
    for program in backend["programs"]:
        wanted = f", at least {program['at_least']}" if program["at_least"] else ""
        here = f"{program['version'] or ''} {program['path'] or 'missing'}".strip()
        mark = "yes" if program["enough"] else "no "
        shown.append(f"{backend['name']:<8} {mark} {program['program']}{wanted}: {here}")
    if backend["why"]:
        verdict = f"no  {backend['why']}"
    else:
        verdict = (
            f"yes it starts and is well after {fmt.seconds(backend['health_after_s'])}, "
            f"with ffmpeg {backend['health']['ffmpeg']}"
        )
    return [*shown, f"{backend['name']:<8} {verdict}"]


def _standing(backend: dict[str, Any]) -> str:
    if backend["built"]:
        return "built"
    if backend["missing"]:
        return f"needs {', '.join(backend['missing'])}"
    return "not built"
