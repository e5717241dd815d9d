"""One notebook executed for several files of parameters, ending in a page that lists them all.

What is finished is known by the executed notebook itself: it says of which cells, parameters and
records it was made, so an interrupted batch goes on where it was, and needs no other book-keeping.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml
from nbformat import ValidationError
from papermill.iorw import read_yaml_file

from clipkit import __version__
from clipkit.errors import Cancelled, NotebookError, OutputError, ReportError
from clipkit.records.folder import RUNS
from clipkit.report.notebooks import execute as notebook
from clipkit.report.notebooks.parameters import unknown_parameter
from clipkit.report.pages.batch_pages import Ended, Item, write_index_page, write_single_page

_STAMP = "clipkit"
"""Key of an executed notebook's metadata: of what it was made, and how long that took."""


Watch = Callable[[int, Item], None]
"""Told the number from 0 and the item, before it runs and after it ended."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What to execute, and the folder that takes it: NAME.ipynb and NAME.html each, index.html."""

    source: Path
    folder: Path
    items: tuple[Item, ...]

    @property
    def index(self) -> Path:
        return self.folder / "index.html"

    @property
    def failed(self) -> int:
        """How many failed."""
        return sum(item.ended is Ended.FAILED for item in self.items)

    def as_json(self) -> dict[str, Any]:
        return {"index": str(self.index), "runs": [item.as_json() for item in self.items]}


def plan_batch(word: str, files: Sequence[Path], folder: Path | None) -> Batch:
    """The batch of a notebook (as `notebook.find_notebook` knows it) and its files of parameters.

    Raises NotebookError, before anything runs, for an unknown notebook, a file that cannot be read
    or holds a parameter that the notebook lacks, two files of one name, and one whose output would
    be the notebook.
    """
    source = notebook.find_notebook(word)
    known = notebook.declared_parameters(source)
    folder = (folder or Path(f"batch-{source.stem}")).absolute()
    items: dict[str, Item] = {}
    for file in files:
        if file.stem in items or file.stem == "index":
            raise NotebookError(
                f"{file}: another file is called '{file.stem}' too, and its page would be "
                "overwritten: rename one"
            )
        given = _read(file)
        for name in given:
            if name not in known:
                raise NotebookError(f"{file}: {unknown_parameter(name, known)}")
        executed = folder / f"{file.stem}.ipynb"
        if executed.resolve() == source.resolve():
            raise NotebookError(
                f"{file}: what is executed would overwrite the notebook {source} itself: "
                "rename the file, or give another --out"
            )
        items[file.stem] = Item(file.stem, given, executed)
    return Batch(source, folder, tuple(items.values()))


def run_batch(batch: Batch, watch: Watch, again: bool = False) -> Batch:
    """Execute what is not finished; one that fails is kept with what it had, and the next follows.

    `again` executes the finished ones too. The index is up to date after each. Raises Cancelled
    after an interrupt, OutputError where the folder cannot be written.
    """
    try:
        batch.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot write into {batch.folder}: {error.strerror}") from None
    done = list(batch.items)
    for number, item in enumerate(done):
        watch(number, item)
        made_of = _made_of(batch.source, item.parameters)
        try:
            done[number] = (None if again else _finished(item, made_of)) or _execute(
                batch.source, item, made_of
            )
        except KeyboardInterrupt:
            done[number] = replace(item, ended=Ended.INTERRUPTED)
            _write_index(replace(batch, items=tuple(done)))
            raise Cancelled(
                f"interrupted after {number} of {len(done)} notebooks; what they hold is in "
                f"{batch.folder}, and the same command goes on from there"
            ) from None
        watch(number, done[number])
        _write_index(replace(batch, items=tuple(done)))
    return replace(batch, items=tuple(done))


def _execute(source: Path, item: Item, made_of: str) -> Item:
    started_s = time.monotonic()
    error = None
    try:
        notebook.execute_notebook(str(source), item.parameters, item.executed)
    except ReportError as failure:
        error = str(failure).partition("\n")[0]
    duration_s = time.monotonic() - started_s
    ended = Ended.FAILED if error else Ended.OK
    done = replace(item, ended=ended, duration_s=duration_s, error=error)
    if not error:
        _stamp(item.executed, made_of, duration_s)
    write_single_page(done, source.stem)
    return done


def _finished(item: Item, made_of: str) -> Item | None:
    """The item as an earlier run has left it; None where that is not what is asked now."""
    with contextlib.suppress(OSError, ValueError, ValidationError):
        stamp = notebook.read_notebook(item.executed).metadata.get(_STAMP, {})
        if stamp.get("made_of") == made_of and item.page.is_file():
            return replace(item, ended=Ended.SKIPPED, duration_s=stamp["duration_s"])
    return None


def _stamp(executed: Path, made_of: str, duration_s: float) -> None:
    document = notebook.read_notebook(executed)
    document.metadata[_STAMP] = {"made_of": made_of, "duration_s": duration_s}
    notebook.write_notebook(document, executed)


def _made_of(source: Path, given: Mapping[str, Any]) -> str:
    """A digest of the notebook's cells, not of its outputs, of the parameters, of the records in
    the campaign that they name, and of this clipkit."""
    cells = [cell.source for cell in notebook.read_notebook(source).cells]
    made_of = [cells, given, _records(given.get("campaign")), __version__]
    text = json.dumps(made_of, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _records(campaign: Any) -> tuple[int, int] | None:
    """Size and time of what a campaign's folder holds, which change when it grows."""
    if not isinstance(campaign, str) or not campaign:
        return None
    try:
        found = Path(campaign, RUNS).stat()
    except (OSError, ValueError):
        return None
    return found.st_size, found.st_mtime_ns


def _write_index(batch: Batch) -> None:
    write_index_page(batch.items, batch.source.stem, batch.index)


def _read(file: Path) -> dict[str, Any]:
    if not file.is_file():
        raise NotebookError(f"no file of parameters {file}")
    try:
        given = read_yaml_file(str(file))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise NotebookError(f"{file} cannot be read: {' '.join(str(error).split())}") from None
    if given is None:
        return {}
    if not isinstance(given, dict) or not all(isinstance(name, str) for name in given):
        raise NotebookError(f"{file} must hold lines such as 'campaign: results/grid-512'")
    return given
