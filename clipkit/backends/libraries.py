"""Which libraries a service names itself, in the versions that its lock file pins."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from clipkit.backends.declared import Backend
from clipkit.errors import BackendError


def libraries_of(backend: Backend) -> dict[str, str]:
    """The versions of the libraries that the service itself names, not of those behind them.

    Raises BackendError where the lock file is missing or of an unknown kind.
    """
    try:
        return _READERS[backend.lock_file.name](backend.lock_file)
    except KeyError:
        raise BackendError(
            f"{backend.lock_file}: no {', '.join(_READERS)}, so its libraries cannot be told"
        ) from None
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise BackendError(f"cannot read {backend.lock_file}: {error}") from None


def _of_npm(lock: Path) -> dict[str, str]:
    packages = json.loads(lock.read_text("utf-8")).get("packages", {})
    named = packages.get("", {}).get("dependencies", {})
    return {name: packages.get(f"node_modules/{name}", {}).get("version", "?") for name in named}


def _of_cargo(lock: Path) -> dict[str, str]:
    named = _table(lock.with_name("Cargo.toml")).get("dependencies", {})
    crates = {_crate(name, wanted) for name, wanted in named.items()}
    pinned = _table(lock).get("package", [])
    (root,) = (package for package in pinned if "source" not in package)
    versions = {package["name"]: package["version"] for package in pinned}
    for entry in root.get("dependencies", []):  # "name", or "name version" where there are several
        name, _, version = entry.partition(" ")
        versions[name] = version.split(" ")[0] or versions[name]
    return {name: versions.get(name, "?") for name in sorted(crates)}


def _crate(name: str, wanted: Any) -> str:
    return str(wanted.get("package", name)) if isinstance(wanted, dict) else name


def _of_pip(lock: Path) -> dict[str, str]:
    """What `requirements.in` or the project names; without both everything is pinned by hand."""
    pins = re.findall(
        r"^([\w.-]+)(?:\[[^]]*])?==([^\s;\\]+)", lock.read_text("utf-8"), re.MULTILINE
    )
    versions = {_plain(name): version for name, version in pins}
    named = _named_in(lock.with_name("requirements.in"), lock.with_name("pyproject.toml"))
    return {name: versions.get(name, "?") for name in named} or versions


def _named_in(requirements: Path, project: Path) -> list[str]:
    if requirements.exists():
        lines = requirements.read_text("utf-8").splitlines()
        return _names(line for line in lines if line.strip() and line.strip()[0] not in "#-")
    if project.exists():
        return _names(_table(project).get("project", {}).get("dependencies", []))
    return []


def _names(requirements: Iterable[str]) -> list[str]:
    return [_plain(re.split(r"[^\w.-]", words.strip(), maxsplit=1)[0]) for words in requirements]


def _plain(name: str) -> str:
    """A Python package's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _table(file: Path) -> dict[str, Any]:
    return tomllib.loads(file.read_text("utf-8"))


_READERS: dict[str, Callable[[Path], dict[str, str]]] = {
    "package-lock.json": _of_npm,
    "Cargo.lock": _of_cargo,
    "requirements.lock": _of_pip,
}
