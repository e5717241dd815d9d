"""Where a notebook's pictures and files go: beside what it is executed into, never into a campaign that
it only looks at.

The kernel learns what that is from whoever started it: clipkit says it in an environment variable,
papermill on its command line, JupyterLab in a variable of its own.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from IPython import get_ipython

from clipkit import files
from clipkit.records.folder import FIGURES

VARIABLE = "CLIPKIT_NOTEBOOK"
"""The notebook's path, beside which its pictures and files go. Of `clipkit report` it lies in the
campaign itself, though the executed notebook lies in a folder there."""

_JUPYTER = "JPY_SESSION_NAME"
_names: list[str] = []
"""Of the notebook that this kernel runs, which says it itself: for whoever started it in a way that
says nothing."""


def remember_notebook(name: str) -> None:
    """`2-explore`: what this kernel's notebook is called."""
    _names[:] = [name]


def figures() -> Path | None:
    """The folder for this notebook's pictures; None outside a notebook."""
    if not _is_notebook():
        return None
    notebook = notebook_path()
    return notebook.parent / FIGURES / notebook.stem


def forget_pictures() -> None:
    """Remove the pictures that an earlier run of this notebook has left: it may not draw all of them
    again. What is no picture of ours stays."""
    folder = figures()
    if folder is None:
        return
    root, below = folder.parents[1], f"{FIGURES}/{folder.name}"
    there = files.files_in(root, below)
    drawn = [{Path(name).stem for name in there if name.endswith(end)} for end in (".svg", ".png")]
    for name in drawn[0] & drawn[1]:
        for ending in (".svg", ".png", "-phone.svg"):
            with contextlib.suppress(OSError):
                files.remove_file(root, f"{below}/{name}{ending}")


def beside() -> Path:
    """The folder for the other files that this notebook writes."""
    return notebook_path().parent


def notebook_path() -> Path:
    """The path of what this kernel's notebook is executed into, as far as somebody tells it; else its
    name in the current folder."""
    told = os.environ.get(VARIABLE) or _of_papermill(os.getppid()) or os.environ.get(_JUPYTER)
    if told and Path(told).suffix == ".ipynb":
        return Path(told).absolute()
    name = _names[-1] if _names else "notebook"
    return Path.cwd() / f"{name}.ipynb"


def _is_notebook() -> bool:
    return hasattr(get_ipython(), "kernel")


def _of_papermill(process: int) -> str | None:
    """The output of the command `papermill IN OUT …` that started this kernel, or its input where
    the output goes to no file; None where it was started otherwise."""
    proc = Path("/proc", str(process))
    try:
        argv = (proc / "cmdline").read_bytes().decode("utf-8", "surrogateescape").split("\0")[:-1]
        words = _words_of_papermill(argv)
        given = None if words is None else _parsed_papermill(words)
        if given is None:
            return None
        # Its own folder is that of `--cwd` while it runs a notebook.
        folder = _environment(proc).get("PWD") if given.cwd else None
        started_in = Path(folder or (proc / "cwd").readlink())
    except OSError:
        return None
    if given.output:
        return str(started_in / given.output)
    return str(Path.cwd() / Path(given.source).name) if given.source else None


def _words_of_papermill(argv: Sequence[str]) -> Sequence[str] | None:
    """What follows papermill's name: of its script, or of `python -m papermill`."""
    for index, word in enumerate(argv[:4]):
        if Path(word).name == "papermill" and (index < 2 or argv[index - 1] == "-m"):
            return argv[index + 1 :]
    return None


@dataclass(frozen=True, slots=True)
class _Papermill:
    """What its command line says; empty where it names no file."""

    source: str
    output: str
    cwd: str | None


def _parsed_papermill(words: Sequence[str]) -> _Papermill | None:
    """By its own parser. Imported here: papermill takes long, and most kernels need it not."""
    from papermill.cli import papermill  # noqa: PLC0415
    from papermill.parameterize import parameterize_path  # noqa: PLC0415

    with contextlib.suppress(Exception):  # another version's command: then nothing is known
        given = papermill.make_context("papermill", list(words), resilient_parsing=True).params
        filled_in = dict(given["parameters"]) | dict(given["parameters_raw"])
        paths = (given["notebook_path"], given["output_path"])
        files = [path if path and path != "-" and "://" not in path else "" for path in paths]
        source, output = (parameterize_path(path, filled_in) for path in files)
        return _Papermill(source, output, given["cwd"])
    return None


def _environment(proc: Path) -> dict[str, str]:
    """As the process got it."""
    entries = (proc / "environ").read_bytes().decode("utf-8", "surrogateescape").split("\0")
    return dict(entry.split("=", 1) for entry in entries if "=" in entry)
