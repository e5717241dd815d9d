"""The pages of a batch: one of each executed notebook, and the index with a row for each."""

from __future__ import annotations

import base64
import contextlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from nbformat import ValidationError

from clipkit import format as fmt
from clipkit.report.notebooks.execute import read_notebook
from clipkit.report.notebooks.told import Found, read_found
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
        body=page.notebook_body(row.executed),
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
    shown = [_shown(row) | _of_notebook(row.executed) for row in rows]
    return page.write_page(
        path, page.render_page("index", notebook=notebook, counted=words, rows=shown)
    )


def _of_notebook(executed: Path) -> dict[str, Any]:
    """What the index shows of an executed notebook: the first picture among its outputs, as a data URI,
    and what it found."""
    with contextlib.suppress(OSError, ValueError, ValidationError):
        document = read_notebook(executed)
        found = read_found(document)
        return {"thumbnail": next(_pictures(document), None), **_found_words(found)}
    return {"thumbnail": None, **_found_words(())}


def _found_words(found: Sequence[Found]) -> dict[str, Any]:
    """The columns of what it found; of several hosts and jobs from the least to the most."""
    several = len({each.settings for each in found}) > 1
    told = [f"{each.where}: {each.settings}" if several else each.settings for each in found]
    if len(found) > 1 and not several:
        told = [f"{found[0].settings} (for each of {len(found)} hosts and jobs)"]
    return {
        "settings": told,
        "time": _span([each.wall_s for each in found], fmt.seconds),
        "memory": _span([each.peak_anon_bytes for each in found], fmt.size),
    }


def _span(values: Sequence[float | None], words: Callable[[float | None], str]) -> str:
    known = sorted(value for value in values if value is not None)
    ends = dict.fromkeys(words(value) for value in (known[:1] + known[-1:]))
    return " to ".join(ends) or "–"


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
