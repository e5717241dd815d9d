"""What a `backend.toml` declares: what a service needs, how it is built, started and checked."""

from __future__ import annotations

import os
import sys
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import clipkit
from clipkit.errors import BackendError, UsageError
from clipkit.legal import unknown_word

WHERE = "CLIPKIT_BACKENDS"
"""The environment variable that names another folder of backends."""

_FILE = "backend.toml"
_IN_CHECKOUT = Path("experiments", "backends")

Argv = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Need:
    """A program that must be here to build the service, or to run it."""

    program: str
    at_least: str | None = None


@dataclass(frozen=True, slots=True)
class Backend:
    """A service as its `backend.toml` declares it; paths are relative to `folder`.

    In every argv `{dir}` stands for the folder and `{python}` for this Python.
    """

    folder: Path
    name: str
    needs: tuple[Need, ...]
    version: Argv
    """Prints the version of the language's runtime or compiler."""
    build: tuple[Argv, ...]
    built: str
    """A file that is there when it is built."""
    command: Argv
    lock: str
    """The file that pins the libraries."""
    sources: tuple[str, ...] = ()
    """What a compiler made the service of: it is not built any more when these change."""
    test: tuple[Argv, ...] = ()
    lint: tuple[Argv, ...] = ()

    @property
    def lock_file(self) -> Path:
        return self.folder / self.lock

    @property
    def built_file(self) -> Path:
        return self.folder / self.built

    def filled_in(self, words: Argv) -> Argv:
        """An argv with its placeholders filled in."""
        own = {"{dir}": str(self.folder), "{python}": sys.executable}
        return tuple(_replaced(word, own) for word in words)


def backends_folder() -> Path:
    """Where the services are: as `CLIPKIT_BACKENDS` says, or in the checkout that clipkit runs from,
    or in the one that is the current folder. Raises BackendError."""
    if named := os.environ.get(WHERE):
        if not Path(named).is_dir():
            raise BackendError(f"{WHERE}={named} is no folder")
        return Path(named).absolute()
    for checkout in (Path(clipkit.__file__).resolve().parents[1], Path.cwd()):
        if (checkout / _IN_CHECKOUT).is_dir():
            return checkout / _IN_CHECKOUT
    raise BackendError(
        "the backends are part of clipkit's source checkout, not of an installed clipkit: call it in "
        f"the checkout's folder, or set {WHERE}=CHECKOUT/{_IN_CHECKOUT}"
    )


def read_backends() -> tuple[Backend, ...]:
    """Every service that is declared, by name. Raises BackendError."""
    return tuple(read_backend(file) for file in sorted(backends_folder().glob(f"*/{_FILE}")))


def backends_named(names: list[str]) -> tuple[Backend, ...]:
    """Those services, or all where no name is given. Raises UsageError for a name that none has."""
    found = {backend.name: backend for backend in read_backends()}
    for name in names:
        if name not in found:
            raise UsageError(unknown_word("backend", name, found))
    return tuple(found[name] for name in dict.fromkeys(names)) or tuple(found.values())


def read_backend(file: Path) -> Backend:
    """Raises BackendError, naming the file and the key that is wrong."""
    try:
        table = tomllib.loads(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BackendError(f"cannot read {file}: {error}") from None
    for key in table:
        if key not in _KEYS:
            raise BackendError(f"{file}: {unknown_word('key', key, _KEYS)}")
    return Backend(file.parent, **{key: _value(file, table, key) for key in _KEYS})


def _value(file: Path, table: Mapping[str, Any], key: str) -> Any:
    read, may_be_absent = _KEYS[key]
    if key not in table:
        if may_be_absent:
            return ()
        raise BackendError(f"{file}: no '{key}'")
    try:
        return read(table[key])
    except (TypeError, ValueError, KeyError):
        raise BackendError(f"{file}: {key} = {table[key]!r} is not of the right form") from None


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError
    return value


def _words(value: Any) -> Argv:
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise TypeError
    return tuple(value)


def _argv(value: Any) -> Argv:
    words = _words(value)
    if not words or not words[0]:
        raise ValueError
    return words


def _argvs(value: Any) -> tuple[Argv, ...]:
    if not isinstance(value, list):
        raise TypeError
    return tuple(map(_argv, value))


def _needs(value: Any) -> tuple[Need, ...]:
    return tuple(Need(**{key: _text(word) for key, word in need.items()}) for need in value)


_KEYS: dict[str, tuple[Callable[[Any], Any], bool]] = {
    "name": (_text, False),
    "needs": (_needs, False),
    "version": (_argv, False),
    "build": (_argvs, False),
    "built": (_text, False),
    "command": (_argv, False),
    "lock": (_text, False),
    "sources": (_words, True),
    "test": (_argvs, True),
    "lint": (_argvs, True),
}
"""How each key is read, and whether it may be absent."""


def _replaced(word: str, own: Mapping[str, str]) -> str:
    for placeholder, value in own.items():
        word = word.replace(placeholder, value)
    return word
