"""The report: one page that needs nothing else, neither a file beside it nor a network.

Its first screen is our own template; the rest is the executed notebook's body.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup
from nbconvert.exporters.html import HTMLExporter
from traitlets.config import Config

import clipkit
from clipkit.errors import ReportError
from clipkit.report import notebook
from clipkit.report.prose import listed, prose
from clipkit.tuning import recommendation as recommendations
from clipkit.tuning.recommendation import Recommendation

_FIRST_SCREEN = "first-screen"
"""Tag of the notebook's cells whose words and pictures the first screen shows already."""


@dataclass(frozen=True, slots=True)
class _Chart:
    source: str
    alt: str


def write(campaign: Path) -> Path:
    """Execute the notebook on the campaign, and write `report.html` in its folder.

    Raises CampaignError where there is no campaign to report on, ReportError where the notebook
    fails.
    """
    campaign = campaign.resolve()
    recommendation = recommendations.read(campaign)
    executed = notebook.execute(
        "1-measure", {"campaign": str(campaign)}, campaign / "notebooks" / "1-measure.ipynb"
    )
    page = _template().render(
        _first_screen(campaign, recommendation),
        body=Markup(_body(executed)),  # noqa: S704
    )
    report = campaign / "report.html"
    unfinished = report.with_suffix(".html.part")
    unfinished.write_text(page, "utf-8")
    return unfinished.replace(report)


def _first_screen(campaign: Path, known: Recommendation) -> dict[str, Any]:
    return {
        "host": known.host.name,
        "headline": known.headline,
        "verdict": known.verdict,
        # The verdict takes three lines at most, or the rest would not fit beside it.
        "verdict_px": 23 if len(known.verdict) < 240 else 19 if len(known.verdict) < 360 else 16,
        "charts": [
            _chart(campaign, "bars", "Wall time of the whole job, in words in the first table"),
            _chart(campaign, "memory", "Memory over time, in words in the second table"),
        ],
        "change": known.do,
        "why": known.why,
        "toml": _settings(recommendations.to_toml(known)),
        "measured_on": known.measured_on,
        "unmeasured": known.unmeasured,
        "again": known.again,
        "version": clipkit.__version__,
    }


def _settings(toml: str) -> str:
    """The file without the comments that head it: they repeat the verdict above."""
    lines = [line for line in toml.splitlines() if not line.startswith("#")]
    return "\n".join(lines).strip()


def _chart(campaign: Path, name: str, alt: str) -> _Chart:
    """A picture that the notebook has just drawn."""
    path = campaign / "figures" / f"{name}.svg"
    try:
        data = base64.b64encode(path.read_bytes()).decode("ascii")
    except OSError as error:
        raise ReportError(f"the notebook left no picture: {path}: {error.strerror}") from None
    return _Chart(f"data:image/svg+xml;base64,{data}", alt)


def _template() -> jinja2.Template:
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    # Both escape what they are given.
    environment.filters["prose"] = lambda text: Markup(prose(text))  # noqa: S704
    environment.filters["listed"] = lambda lines: Markup(listed(lines))  # noqa: S704
    source = resources.files("clipkit.report").joinpath("page.html").read_text("utf-8")
    return environment.from_string(source)


def _body(executed: Path) -> str:
    """The notebook without its code, its sections that the first screen holds left out."""
    config = Config()
    config.TagRemovePreprocessor.enabled = True
    config.TagRemovePreprocessor.remove_cell_tags = {_FIRST_SCREEN}
    exporter: Any = HTMLExporter(  # type: ignore[no-untyped-call]
        config=config,
        template_name="basic",
        exclude_input=True,
        exclude_output_prompt=True,
        exclude_anchor_links=True,
    )
    body, _ = exporter.from_filename(str(executed))
    return re.sub(r"\n\s*\n+", "\n", str(body))
