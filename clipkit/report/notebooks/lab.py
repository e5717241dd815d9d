"""JupyterLab on copies of the notebooks, in a kernel that is sure to be this interpreter.

The copies are the user's: what they changed is never overwritten. And the folder may be anybody's: neither
JupyterLab nor its kernels take a module, a kernel or a configuration from it, or from where they were started.
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

from clipkit import files
from clipkit import format as fmt
from clipkit.documents import parse_json
from clipkit.errors import OutputError, ReportError
from clipkit.media.sample import cache_root
from clipkit.report.notebooks.kernel import kernel_document
from clipkit.resources import folder

_DIGESTS = ".clipkit/copied.json"
"""Beside the copies: a digest of each as it was copied."""

_MOST_BYTES = 1 << 25
"""Of a notebook, to tell whether it is as it was copied; a larger one is not."""

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
        target.mkdir(parents=True, exist_ok=True)
        digests = _read_digests(target)
        for source, name in _sources():
            content = _content(source)
            newest = digest_of_copy(content)
            there = _digest_of(target, str(name))
            if there not in (None, newest, digests.get(str(name))):
                kept.append(name)
                continue
            digests[str(name)] = newest
            if there != newest:
                files.write_file(target, str(name), content)
                copied.append(name)
        files.write_file(target, _DIGESTS, json.dumps(digests, indent=1).encode())
    except OSError as error:
        raise OutputError(
            f"cannot write the notebooks into {target}: {error.strerror}; name another folder: "
            "clipkit lab DIR"
        ) from None
    return Copies(target, tuple(copied), tuple(kept))


def lab_argv(copies: Copies, browser: bool, port: int | None) -> tuple[list[str], dict[str, str]]:
    """The command line that opens JupyterLab on the first notebook, and its environment; to be started in a
    folder that nobody else writes into, such as `/`.

    Raises ReportError where JupyterLab or the kernel could not start, OutputError where the cache cannot be
    written.
    """
    _check(copies.folder)
    argv = [sys.executable, "-P", "-m", "jupyterlab", f"--ServerApp.root_dir={copies.folder}"]
    argv.append(f"--LabApp.default_url=/lab/tree/{copies.first}")
    argv += _QUIET
    argv += [] if browser else ["--no-browser"]
    argv += [] if port is None else [f"--port={port}"]
    if os.geteuid() == 0:
        argv.append("--allow-root")  # control groups need root: many who measure are
    ours = _described()
    found_first = {name: _first(name, ours) for name in ("JUPYTER_PATH", "JUPYTER_CONFIG_PATH")}
    return argv, os.environ | found_first | _as_from_here("PYTHONPATH")


def _first(variable: str, folder: Path) -> str:
    """What the variable holds with that folder before it."""
    return os.pathsep.join([str(folder), *filter(None, [os.environ.get(variable)])])


def _as_from_here(variable: str) -> dict[str, str]:
    """The variable, whose folders were told from where we are: the server is started elsewhere."""
    told = os.environ.get(variable)
    if told is None:
        return {}
    paths = (os.path.abspath(each) for each in told.split(os.pathsep) if each)  # noqa: PTH100 (resolves no link)
    return {variable: os.pathsep.join(paths)}


def _described() -> Path:
    """A folder of our own for JUPYTER_PATH and JUPYTER_CONFIG_PATH. In it `python3`, the notebooks' kernel, is
    this interpreter: the user may have another one of that name, which lacks clipkit. And what asks whether one
    would like news is off: whether there are any makes no difference to it.
    """
    root = cache_root() / "lab" / hashlib.sha256(sys.executable.encode()).hexdigest()[:16]
    documents = {
        "kernels/python3/kernel.json": kernel_document(),
        "labconfig/page_config.json": {"disabledExtensions": {_NEWS: True}},
    }
    try:
        root.mkdir(parents=True, exist_ok=True)
        for name, document in documents.items():
            files.write_file(root, name, json.dumps(document, indent=1).encode())
    except OSError as error:
        raise OutputError(
            f"cannot write {root}: {error.strerror}; set CLIPKIT_CACHE to a folder with room"
        ) from None
    return root


def _check(target: Path) -> None:
    """Try in a process what the kernel will do: start in that folder, and find clipkit."""
    code = "import importlib.util as u, clipkit, ipykernel\nassert u.find_spec('jupyterlab')"
    tried = subprocess.run(
        [sys.executable, "-P", "-c", code], cwd=target, capture_output=True, text=True, check=False
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


def _digest_of(target: Path, name: str) -> str | None:
    """Of the copy that is there; None where there is none, empty for what cannot be one of ours."""
    if not files.has_entry(target, name):
        return None
    try:
        return digest_of_copy(files.read_file(target, name, _MOST_BYTES))
    except OSError:
        return ""


def _read_digests(target: Path) -> dict[str, str]:
    try:
        document = parse_json(files.read_file(target, _DIGESTS, _MOST_BYTES))
    except (FileNotFoundError, ValueError):
        return {}
    known = document if isinstance(document, dict) else {}
    return {name: digest for name, digest in known.items() if isinstance(digest, str)}


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
