"""Execute a notebook of the package through papermill, in a kernel of this very interpreter."""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import nbformat
import papermill
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import ValidationError
from papermill.exceptions import PapermillExecutionError

from clipkit import files
from clipkit.errors import NotebookError, OutputError, ReportError
from clipkit.legal import unknown_word
from clipkit.report.notebooks.kernel import kernel_document
from clipkit.report.notebooks.parameters import unknown_parameter
from clipkit.report.notebooks.place import VARIABLE
from clipkit.resources import folder


def _own_kernel(notebook: Path) -> type[AsyncKernelManager]:
    """Starts this interpreter, whichever kernels are installed: clipkit is in this one. It is told
    beside which notebook its pictures go."""

    class OwnKernel(AsyncKernelManager):
        @property
        def kernel_spec(self) -> KernelSpec:
            # The terminal is the user's: no remark of the kernel's on how it talks to this process, or is
            # stopped by it.
            # What a dollar starts, jupyter_client fills in.
            told = {VARIABLE: str(notebook).replace("$", "$$")}
            return KernelSpec(**kernel_document("--IPKernelApp.log_level=50", **told))

    return OwnKernel


def find_notebook(word: str) -> Path:
    """The notebook that `word` names: one of the package's (`2-explore`, `explore`), or a file.

    Raises NotebookError where there is none.
    """
    if word.endswith(".ipynb") or "/" in word:
        if not Path(word).is_file():
            raise NotebookError(f"no notebook {word}")
        return Path(word)
    for name, path in own_notebooks().items():
        if word in (name, name.partition("-")[2]):
            return path
    told = unknown_word("notebook", word, own_notebooks())
    raise NotebookError(f"{told} (or a file that ends in .ipynb)")


def own_notebooks() -> dict[str, Path]:
    """The package's notebooks, by their names, in the order of their numbers."""
    return {path.stem: path for path in sorted(folder("notebooks").glob("*.ipynb"))}


def declared_parameters(source: Path) -> list[str]:
    """The names of the notebook's parameters. Raises NotebookError for a file that is no notebook."""
    try:
        return list(papermill.inspect_notebook(_unformatted(source)))
    except (ValidationError, ValueError, AttributeError) as error:
        raise NotebookError(f"{source} is no notebook: {error}") from None


def read_notebook(path: Path) -> Any:
    """The notebook's document. Raises OSError, ValueError or ValidationError."""
    return nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]


def write_notebook(document: Any, path: Path) -> None:
    nbformat.write(document, path)  # type: ignore[no-untyped-call]


def execute_notebook(
    name: str, parameters: Mapping[str, Any], output: Path, beside: Path | None = None
) -> Path:
    """Execute the notebook that `find_notebook` finds into `output` and return it.

    Its pictures and files go beside `output`, or into the folder `beside` (see `place`), in which `output`
    is; no link in it is followed.

    Quiet, and without changing directory. Raises NotebookError for an unknown notebook or
    parameter, before anything runs, OutputError where `output` cannot be written, and ReportError where
    a cell fails: `output` then holds the notebook as far as it came.
    """
    source = find_notebook(name)
    known = declared_parameters(source)
    for parameter in parameters:
        if parameter not in known:
            raise unknown_parameter(parameter, known)
    root = (beside or output.parent).absolute()
    kernel = _own_kernel(root / output.name)
    try:
        with _executed_into(root, output) as scratch:
            papermill.execute_notebook(
                _unformatted(source),
                _unformatted(scratch),
                dict(parameters),
                progress_bar=False,
                kernel_manager_class=kernel,
            )
    except PapermillExecutionError as error:
        raise ReportError(
            f"the notebook {source.stem} failed in cell {error.cell_index}: "
            f"{error.ename}: {error.evalue}; {output} holds what it had"
        ) from None
    except (DeadKernelError, CellTimeoutError, RuntimeError) as error:
        raise ReportError(
            f"the kernel of the notebook {source.stem} failed: {error}; {output} holds what it had"
        ) from error
    return output


@contextlib.contextmanager
def _executed_into(root: Path, output: Path) -> Iterator[Path]:
    """A file of our own, which papermill opens and writes again and again; what it holds in the end, however
    that came, is put in the place of `output` in one act."""
    name = str(output.absolute().relative_to(root))
    with tempfile.TemporaryDirectory(prefix="clipkit-notebook-") as folder:
        scratch = Path(folder, output.name)
        try:
            yield scratch
        finally:
            if scratch.exists():
                told, meant = (json.dumps(str(path))[1:-1] for path in (scratch, output))
                text = scratch.read_text("utf-8").replace(told, meant)
                _put(root, name, text.encode("utf-8"))


def _put(root: Path, name: str, content: bytes) -> None:
    try:
        root.mkdir(parents=True, exist_ok=True)
        files.write_file(root, name, content)
    except OSError as error:
        raise OutputError(f"cannot write {root / name}: {error.strerror}") from None


def _unformatted(path: Path) -> str:
    """papermill fills in braces in paths; these are meant as they are."""
    return str(path).replace("{", "{{").replace("}", "}}")
