"""Pages that need nothing else, neither a file beside them nor a network: our own templates around
what executed notebooks hold."""

from __future__ import annotations

import base64
import functools
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup
from nbconvert.exporters.html import HTMLExporter
from traitlets.config import Config

import clipkit
from clipkit import files
from clipkit.errors import OutputError, ReportError
from clipkit.masked import fit_to_show
from clipkit.records.folder import FIGURES
from clipkit.report.charts.style import PHONE
from clipkit.report.exhibits.prose import html_list, prose
from clipkit.report.notebooks.execute import read_notebook

FIRST_SCREEN = "first-screen"
"""Tag of a notebook's cells whose words and pictures a page's first screen shows already."""

_FOR_WHO_WORKS = "notebook-only"
"""Tag of cells that tell how to use the notebook."""

_SHOWN = ("text/html", "image/svg+xml", "image/png", "image/jpeg", "text/markdown", "text/plain")
"""What of an output a page shows, the first that there is."""

ELSEWHERE = "elsewhere-in-report"
"""Tag of cells whose words, tables or pictures the report of a sweep shows in another place."""

_MOST_BYTES = 1 << 26
"""Of one picture."""

_HEADING = re.compile(r"<h([12])(?: id=\"[^\"]*\")?>(.*?)</h\1>", re.DOTALL)
_FINDING = re.compile(r'data-finding="([^"]+)"')
_SHOWN_ONCE = re.compile(
    r'<picture>.*?</picture>|<div class="clipkit-table".*?</table></div>', re.DOTALL
)
_SOURCE = re.compile(r'<img [^>]*src="([^"]*)"')


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture as data URIs, for a wide screen and for a phone, and what it shows in words."""

    source: str
    phone_source: str
    alt: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A heading in the contents: where it leads to, and what its first chart found, if it has one."""

    level: int
    anchor: str
    title: Markup
    finding: Markup


def render_page(template: str, **values: Any) -> str:
    """`pages/<template>.html`, filled in; every value from outside is escaped."""
    page = _templates().get_template(f"{template}.html")
    return page.render(values, version=clipkit.__version__)


def notebook_body(executed: Path, without: Collection[str] = ()) -> Markup:
    """The notebook without its code, and without cells of these tags."""
    config = Config()
    config.TagRemovePreprocessor.enabled = True
    left_out = {_FOR_WHO_WORKS, *without}
    config.TagRemovePreprocessor.remove_cell_tags = left_out
    # Neither widgets nor scripts: they would need the network.
    config.NbConvertBase.display_data_priority = list(_SHOWN)
    exporter: Any = HTMLExporter(  # type: ignore[no-untyped-call]
        config=config,
        template_name="basic",
        extra_template_basedirs=[],  # by itself it looks for templates, which are code, in this folder
        exclude_input=True,
        exclude_output_prompt=True,
        exclude_anchor_links=True,
    )
    document = read_notebook(executed)
    document.metadata.pop("widgets", None)  # their state, in a script
    markup, _ = exporter.from_notebook_node(document)
    return Markup(re.sub(r"\n\s*\n+", "\n", str(markup)))  # noqa: S704


def with_contents(body: str) -> tuple[Markup, list[Entry]]:
    """The same with an anchor at each heading, and these in their order."""
    found: list[Entry] = []
    places = list(_HEADING.finditer(body))
    ends = [place.start() for place in places[1:]] + [len(body)]
    for place, end in zip(places, ends, strict=True):
        chart = _FINDING.search(body, place.end(), end)
        # Both are from the page, where they are escaped already.
        title = Markup(re.sub(r"<[^>]+>", "", place[2]).strip())  # noqa: S704
        finding = Markup(chart[1] if chart else "")  # noqa: S704
        found.append(Entry(int(place[1]), f"part-{len(found) + 1}", title, finding))
    entries = iter(found)
    anchored = _HEADING.sub(
        lambda place: f'<h{place[1]} id="{next(entries).anchor}">{place[2]}</h{place[1]}>', body
    )
    return Markup(anchored), found  # noqa: S704


def shown_once(body: str, above: Collection[str] = ()) -> str:
    """The same where a picture or table that was shown already is only said to be there; `above`: the
    sources of the pictures of the first screen."""
    seen = set(above)

    def first_or_said(found: re.Match[str]) -> str:
        source = _SOURCE.search(found[0])
        key = source[1] if source else found[0]
        if key in seen:
            what = "chart" if source else "table"
            finding = _FINDING.search(found[0])
            kept = f' data-finding="{finding[1]}"' if finding else ""
            return f'<p class="again"{kept}>This {what} is <a href="#top">further up</a>.</p>'
        seen.add(key)
        return found[0]

    return _SHOWN_ONCE.sub(first_or_said, body)


def chart(root: Path, notebook: str, name: str, alt: str) -> Chart:
    """What a notebook has just drawn into the folder of its pictures below `root`. Raises ReportError where
    it is not there."""
    drawn = f"{FIGURES}/{notebook}/{name}"
    return Chart(_uri(root, f"{drawn}.svg"), _uri(root, f"{drawn}{PHONE}.svg"), alt)


def _uri(root: Path, name: str) -> str:
    """An SVG that a notebook has just drawn, as a data URI. Raises ReportError without it."""
    try:
        data = base64.b64encode(files.read_file(root, name, _MOST_BYTES)).decode("ascii")
    except OSError as error:
        raise ReportError(
            f"the notebook left no picture: {root / name}: {error.strerror}"
        ) from None
    return f"data:image/svg+xml;base64,{data}"


def write_page(path: Path, text: str) -> Path:
    """Write the page in one act. Raises OutputError where that cannot be."""
    try:
        return files.write_file(path.parent, path.name, text.encode("utf-8", "replace"))
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}") from None


def _fit_for_a_page(value: Any) -> Any:
    """What comes from outside, as `masked.escaped` has it; but for what is HTML, or a picture, already."""
    is_text = isinstance(value, str) and not isinstance(value, Markup)
    return fit_to_show(value) if is_text and not value.startswith("data:image/") else value


@functools.cache
def _templates() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("clipkit.report", "pages"),
        autoescape=True,
        finalize=_fit_for_a_page,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # Both escape what they are given.
    environment.filters["prose"] = lambda text: Markup(prose(text))  # noqa: S704
    environment.filters["listed"] = lambda lines: Markup(html_list(lines))  # noqa: S704
    return environment
