"""JupyterLab on copies of the notebooks, in a kernel that is sure to be this interpreter.

The copies are the user's: what they changed is never overwritten.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ipykernel.kernelspec import get_kernel_dict

from clipkit import format as fmt
from clipkit.errors import OutputError, ReportError
from clipkit.resources import folder

_OURS = ".clipkit"
"""Folder beside the copies: a digest of each as it was copied, and the kernel."""


_NEWS = "@jupyterlab/apputils-extension:announcements"
# No news, no look for updates, and on the terminal the address alone.
_QUIET = (
    "--LabApp.news_url=None",
    "--LabApp.check_for_updates_class=jupyterlab.handlers.announcements.NeverCheckForUpdate",
    "--LabApp.log_level=ERROR",
    "--ServerApp.log_level=ERROR",
)


@dataclass(frozen=True, slots=True)
class Copies:
    """What `copy_notebooks` did, as paths in `folder`. `kept` differ from clipkit's: the user changed them."""

    folder: Path
    copied: tuple[Path, ...]
    kept: tuple[Path, ...]

    @property
    def first(self) -> str:
        """The notebook to open."""
        return min(path.name for path in self.folder.glob("[0-9]*.ipynb"))

    def lines(self) -> list[str]:
        """What was done, for the user."""
        done = f"{len(self.copied)} files copied" if self.copied else "up to date"
        kept = [
            f"kept {name}: you changed it; for clipkit's own, rename or delete it and start again"
            for name in self.kept
        ]
        return [f"notebooks in {fmt.near(self.folder)}: {done}", *kept]

    def as_json(self) -> dict[str, Any]:
        return {
            "folder": str(self.folder),
            "copied": [str(self.folder / name) for name in self.copied],
            "kept": [str(self.folder / name) for name in self.kept],
        }


def copy_notebooks(target: Path) -> Copies:
    """Copy notebooks and experiments into `target`; what the user changed there is kept.

    Raises OutputError where that folder cannot be written.
    """
    target = target.absolute()
    copied, kept = [], []
    try:
        (target / _OURS).mkdir(parents=True, exist_ok=True)
        digests = _read_digests(target)
        for source, name in _sources():
            copy_of, content = target / name, _content(source)
            newest = digest_of_copy(content)
            there = digest_of_copy(copy_of.read_bytes()) if copy_of.exists() else None
            if there not in (None, newest, digests.get(str(name))):
                kept.append(name)
                continue
            digests[str(name)] = newest
            if there != newest:
                copy_of.parent.mkdir(exist_ok=True)
                copy_of.write_bytes(content)
                copied.append(name)
        _digests_file(target).write_text(json.dumps(digests, indent=1), "utf-8")
    except OSError as error:
        raise OutputError(
            f"cannot write the notebooks into {target}: {error.strerror}; name another folder: "
            "clipkit lab DIR"
        ) from None
    return Copies(target, tuple(copied), tuple(kept))


def lab_argv(copies: Copies, browser: bool, port: int | None) -> tuple[list[str], dict[str, str]]:
    """The command line that opens JupyterLab on the first notebook, and its environment.

    Raises ReportError where JupyterLab or the kernel could not start.
    """
    _check(copies.folder)
    argv = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={copies.folder}"]
    argv.append(f"--LabApp.default_url=/lab/tree/{copies.first}")
    argv += _QUIET
    argv += [] if browser else ["--no-browser"]
    argv += [] if port is None else [f"--port={port}"]
    if os.geteuid() == 0:
        argv.append("--allow-root")  # control groups need root: many who measure are
    return argv, os.environ | _found_first("JUPYTER_PATH", _kernel(copies.folder)) | _found_first(
        "JUPYTER_CONFIG_PATH", _without_news(copies.folder)
    )


def _found_first(variable: str, folder: Path) -> dict[str, str]:
    """The variable with that folder before what the user has in it."""
    paths = [str(folder), *filter(None, [os.environ.get(variable)])]
    return {variable: os.pathsep.join(paths)}


def _without_news(target: Path) -> Path:
    """A folder for JUPYTER_CONFIG_PATH in which what asks whether one would like news is off: whether
    there are any makes no difference to it."""
    root = target / _OURS
    config = root / "labconfig" / "page_config.json"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text(json.dumps({"disabledExtensions": {_NEWS: True}}), "utf-8")
    return root


def _kernel(target: Path) -> Path:
    """A folder for JUPYTER_PATH in which `python3`, the notebooks' kernel, is this interpreter:
    the user may have another one of that name, which lacks clipkit."""
    root = target / _OURS
    spec = root / "kernels" / "python3" / "kernel.json"
    spec.parent.mkdir(parents=True, exist_ok=True)
    # Or the debugger warns that it cannot see into Python's frozen modules.
    document = get_kernel_dict() | {"env": {"PYDEVD_DISABLE_FILE_VALIDATION": "1"}}
    spec.write_text(json.dumps(document, indent=1), "utf-8")
    return root


def _check(target: Path) -> None:
    """Try in a process what the kernel will do: start in that folder, and find clipkit."""
    code = "import importlib.util as u, clipkit, ipykernel\nassert u.find_spec('jupyterlab')"
    tried = subprocess.run(
        [sys.executable, "-c", code], cwd=target, capture_output=True, text=True, check=False
    )
    if tried.returncode:
        last = (tried.stderr.strip().splitlines() or ["it says nothing"])[-1]
        raise ReportError(
            f"the notebooks' kernel, {sys.executable}, cannot work in {target}: {last}; "
            "install clipkit into that Python with its dependencies: pip install clipkit"
        )


def _sources() -> Iterator[tuple[Path, Path]]:
    """Every file to copy, and its name in the user's folder."""
    for path in sorted(folder("notebooks").glob("*.ipynb")):
        yield path, Path(path.name)
    for path in sorted(folder("experiments").glob("*.toml")):
        yield path, Path("experiments", path.name)


def _digests_file(target: Path) -> Path:
    return target / _OURS / "copied.json"


def _read_digests(target: Path) -> dict[str, str]:
    try:
        digests: dict[str, str] = json.loads(_digests_file(target).read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return digests


def _content(source: Path) -> bytes:
    """What is copied of a file: a notebook without its pairing, or else JupyterLab would write a
    `.py` beside it, which outlives the copy and then fights with a newer one."""
    if source.suffix != ".ipynb":
        return source.read_bytes()
    document = json.loads(source.read_bytes())
    document["metadata"].pop("jupytext", None)
    return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()


def digest_of_copy(content: bytes) -> str:
    """By which a copy is known to be as it was copied."""
    return hashlib.sha256(content).hexdigest()
