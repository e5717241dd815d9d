"""Backends of the tests' own: the small service under several names, declared and built."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

SERVICE = Path(__file__).resolve().parent / "small_service" / "service.py"

_DECLARED = """
name = "{name}"
needs = []
version = ["{{python}}", "--version"]
build = []
built = "service.py"
command = ["{{python}}", "-I", "-S", "{{dir}}/service.py"{words}]
lock = "requirements.lock"
"""
_PROJECT = '[project]\nname = "small"\ndependencies = ["nothing"]\n'


def small_backends(folder: Path, **words: tuple[str, ...]) -> Path:
    """`small_backends(folder, one=(), other=("hold=50",))`: what CLIPKIT_BACKENDS is to name."""
    for name, own in words.items():
        home = folder / name
        home.mkdir(parents=True)
        quoted = "".join(f', "{word}"' for word in own)
        (home / "backend.toml").write_text(_DECLARED.format(name=name, words=quoted))
        (home / "pyproject.toml").write_text(_PROJECT)
        lock = home / "requirements.lock"
        lock.write_text("nothing==1.0\n")
        os.utime(lock, (0, 0))  # older than what was "built"
        shutil.copy(SERVICE, home)
    return folder


def unbuilt(folder: Path, name: str) -> None:
    """As it is before `clipkit backends build`."""
    (folder / name / "service.py").unlink()
