"""The container in which packs are tested: the one of `experiments/benchmarks/real_host`, or a test that skips."""

from __future__ import annotations

import subprocess
from pathlib import Path

import bare_container
import requirements
from bare_container import PYTHON, Container, Inside, start_bare

from clipkit.ceiling.base import Ceiling

__all__ = ["PYTHON", "Container", "Inside", "on_this_machine", "start_container"]


def start_container(
    ceiling: Ceiling, folder: Path, *words: object, inside: Inside | None = None
) -> Container:
    """`words` for its Python, which works in `folder`: all else that is in there can only be read."""
    try:
        return start_bare(ceiling, folder, words, inside or Inside())
    except bare_container.NoContainerError as error:
        requirements.missing(error.what, str(error))


def on_this_machine(
    pack: Path, *words: object, path: str = "/usr/bin:/bin"
) -> subprocess.CompletedProcess[str]:
    """A pack with the Python of the system, beside its file."""
    return subprocess.run(
        [PYTHON, str(pack), *map(str, words)],
        cwd=pack.parent,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={"PATH": path},
    )
