"""Pages that need nothing else, neither a file beside them nor a network: our own templates around
what executed notebooks hold."""

from __future__ import annotations

import base64
import functools
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup
from nbconvert.exporters.html import HTMLExporter
from traitlets.config import Config

import clipkit
from clipkit.errors import OutputError, ReportError
from clipkit.report.exhibits.prose import html_list, prose
from clipkit.report.notebooks.execute import read_notebook

_FIRST_SCREEN = "first-screen"
"""Tag of a notebook's cells whose words and pictures a page's first screen shows already."""

_FOR_WHO_WORKS = "notebook-only"
"""Tag of cells that tell how to use the notebook."""

_SHOWN = ("text/html", "image/svg+xml", "image/png", "image/jpeg", "text/markdown", "text/plain")
"""What of an output a page shows, the first that there is."""

_TABLE = re.compile(r'<div class="clipkit-table".*?</table></div>', re.DOTALL)
_LONG_ROWS = 15


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture as a data URI, and what it shows in words."""

    source: str
    alt: str


def render_page(template: str, **values: Any) -> str:
    """`pages/<template>.html`, filled in; every value from outside is escaped."""
    page = _templates().get_template(f"{template}.html")
    return page.render(values, version=clipkit.__version__)


def notebook_body(executed: Path, first_screen: bool = False) -> Markup:
    """The notebook without its code; the cells of the first screen only where asked for."""
    config = Config()
    config.TagRemovePreprocessor.enabled = True
    left_out = {_FOR_WHO_WORKS} if first_screen else {_FOR_WHO_WORKS, _FIRST_SCREEN}
    config.TagRemovePreprocessor.remove_cell_tags = left_out
    # Neither widgets nor scripts: they would need the network.
    config.NbConvertBase.display_data_priority = list(_SHOWN)
    exporter: Any = HTMLExporter(  # type: ignore[no-untyped-call]
        config=config,
        template_name="basic",
        exclude_input=True,
        exclude_output_prompt=True,
        exclude_anchor_links=True,
    )
    document = read_notebook(executed)
    document.metadata.pop("widgets", None)  # their state, in a script
    markup, _ = exporter.from_notebook_node(document)
    return Markup(re.sub(r"\n\s*\n+", "\n", str(markup)))  # noqa: S704


def folded(markup: Markup) -> Markup:
    """The same with long tables closed, to be opened by a click: charts come first on a page."""
    return Markup(_TABLE.sub(_fold, markup))  # noqa: S704


def _fold(found: re.Match[str]) -> str:
    rows = found[0].count("<tr") - 1
    if rows <= _LONG_ROWS:
        return found[0]
    return f"<details><summary>Table of {rows} rows</summary>{found[0]}</details>"


def picture_uri(path: Path) -> str:
    """An SVG that a notebook has just drawn, as a data URI. Raises ReportError without it."""
    try:
        data = base64.b64encode(path.read_bytes()).decode("ascii")
    except OSError as error:
        raise ReportError(f"the notebook left no picture: {path}: {error.strerror}") from None
    return f"data:image/svg+xml;base64,{data}"


def write_page(path: Path, text: str) -> Path:
    """Write the page in one act. Raises OutputError where that cannot be."""
    unfinished = path.with_name(f".{path.name}.part")
    try:
        unfinished.write_text(text, "utf-8")
        return unfinished.replace(path)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise OutputError(f"cannot write {path}: {error.strerror}") from None


@functools.cache
def _templates() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("clipkit.report", "pages"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # Both escape what they are given.
    environment.filters["prose"] = lambda text: Markup(prose(text))  # noqa: S704
    environment.filters["listed"] = lambda lines: Markup(html_list(lines))  # noqa: S704
    return environment
