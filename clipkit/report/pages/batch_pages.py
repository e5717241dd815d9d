"""The pages of a batch: one of each executed notebook, and the index with a row for each."""

from __future__ import annotations

import base64
import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from nbformat import ValidationError

from clipkit import format as fmt
from clipkit.report.notebooks.execute import read_notebook
from clipkit.report.pages import page

_IMAGE = re.compile(r'<img[^>]*\ssrc="(data:image/[^"]+)"')


class Ended(StrEnum):
    OK = "ok"
    SKIPPED = "ok (earlier)"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    NOT_RUN = "not run"


@dataclass(frozen=True, slots=True)
class Item:
    """A file of parameters, and what came of it. Times in seconds, None where it did not run."""

    name: str
    parameters: Mapping[str, Any]
    executed: Path
    ended: Ended = Ended.NOT_RUN
    duration_s: float | None = None
    error: str | None = None

    @property
    def page(self) -> Path:
        return self.executed.with_suffix(".html")

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "parameters": dict(self.parameters),
            "ended": str(self.ended),
            "duration_s": self.duration_s,
            "error": self.error,
            "notebook": str(self.executed),
            "page": str(self.page),
        }


def write_single_page(row: Item, notebook: str) -> Path:
    """The executed notebook as a page that needs nothing else."""
    text = page.render_page(
        "single",
        body=page.notebook_body(row.executed, first_screen=True),
        notebook=notebook,
        row=_shown(row),
    )
    return page.write_page(row.page, text)


def write_index_page(rows: Sequence[Item], notebook: str, path: Path) -> Path:
    """The page with a row for each item, whether it ran or not."""
    counted = {str(row.ended): 0 for row in rows}
    for row in rows:
        counted[str(row.ended)] += 1
    words = ", ".join(f"{count} {ended}" for ended, count in counted.items())
    shown = [_shown(row) | {"thumbnail": index_thumbnail(row.executed)} for row in rows]
    return page.write_page(
        path, page.render_page("index", notebook=notebook, counted=words, rows=shown)
    )


def index_thumbnail(executed: Path) -> str | None:
    """The first picture among the notebook's outputs, as a data URI."""
    with contextlib.suppress(OSError, ValueError, ValidationError):
        document = read_notebook(executed)
        return next(_pictures(document), None)
    return None


def _pictures(document: Any) -> Iterator[str]:
    outputs = (output for cell in document.cells for output in cell.get("outputs", []))
    for output in outputs:
        data = output.get("data", {})
        if "image/png" in data:
            yield f"data:image/png;base64,{data['image/png'].strip()}"
        elif "image/svg+xml" in data:
            svg = base64.b64encode(data["image/svg+xml"].encode()).decode("ascii")
            yield f"data:image/svg+xml;base64,{svg}"
        elif found := _IMAGE.search(data.get("text/html", "")):
            yield found.group(1)


def _shown(row: Item) -> dict[str, Any]:
    return {
        "name": row.name,
        "parameters": {name: str(value) for name, value in row.parameters.items()},
        "ended": str(row.ended),
        "failed": row.error is not None,
        "error": row.error,
        "duration": "–" if row.duration_s is None else fmt.seconds(row.duration_s),
        "page": row.page.name if row.page.is_file() else None,
        "executed": row.executed.name if row.executed.is_file() else None,
    }
