"""Which of the programs that a service needs are on this machine, and in which version."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass

from clipkit.backends.declared import Argv, Backend, Need

# A program that does not print its version in this time hangs.
_PATIENCE_S = 20


@dataclass(frozen=True, slots=True)
class Program:
    """A program that is needed, and what was found of it: None where it is missing or told nothing."""

    need: Need
    path: str | None
    version: str | None

    @property
    def is_enough(self) -> bool:
        if self.path is None:
            return False
        wanted = self.need.at_least
        return wanted is None or (
            self.version is not None and _numbers(self.version) >= _numbers(wanted)
        )

    @property
    def name(self) -> str:
        """As people know it."""
        return self.need.program.replace("{python}", "Python")

    @property
    def what_to_install(self) -> str:
        """`node 20.0 or later (here: 18.19.0)`."""
        wanted = self.name
        if self.need.at_least:
            wanted += f" {self.need.at_least} or later"
        return f"{wanted} (here: {self.version or 'an unknown version'})" if self.path else wanted


def programs_of(backend: Backend) -> tuple[Program, ...]:
    """What is here of all that the service needs."""
    return tuple(_look_for(backend, need) for need in backend.needs)


def absolute_argv(backend: Backend, words: Argv) -> Argv:
    """The words with their placeholders filled in and the program's path made absolute by PATH, where it
    is on this machine."""
    program, *rest = backend.filled_in(words)
    return (shutil.which(program) or program, *rest)


def runtime_of(backend: Backend) -> str | None:
    """What the service's language says of its version, in one line; None where it is missing."""
    said = _said(absolute_argv(backend, backend.version))
    return said.splitlines()[0].strip() if said else None


def _look_for(backend: Backend, need: Need) -> Program:
    (path,) = absolute_argv(backend, (need.program,))
    if shutil.which(path) is None:
        return Program(need, None, None)
    found = re.search(r"\d+(\.\d+)+", _said((path, "--version")) or "")
    return Program(need, path, found[0] if found else None)


def _said(argv: Argv) -> str | None:
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PATIENCE_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))
