"""The report of a campaign: its notebooks executed, and one page of what they showed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from markupsafe import Markup

from clipkit import format as fmt
from clipkit.errors import ReportError
from clipkit.records import folder as folders
from clipkit.report.notebooks.execute import execute_notebook
from clipkit.report.pages import page, sweep_page, tuning_page
from clipkit.report.pages.report_place import report_place
from clipkit.resources import QUICK_WINS
from clipkit.tuning.recommendation import read_recommendation


def write_report(campaign: Path, place: Path | None = None) -> Path:
    """Execute the package's own notebooks on the campaign, and write `report.html`, the executed notebooks
    and their pictures into its folder, or into `place` (see `report_place`).

    A sweep may be unfinished: its page says so. Raises CampaignError where there is no campaign to
    report on, OutputError where nothing can be written, ReportError where a notebook fails; it is kept with
    what it had.
    """
    campaign = campaign.resolve()
    folders.require(campaign)
    place = place or report_place(campaign).folder
    if not fmt.is_text(f"{campaign}{place}"):  # a notebook is text, and names its campaign
        raise ReportError(f"{campaign}: its name is no UTF-8 text: rename it, then report")
    make = _of_a_sweep if folders.is_sweep(campaign) else _of_a_tuning
    return page.write_page(place / folders.REPORT, make(campaign, place))


def _of_a_tuning(campaign: Path, place: Path) -> str:
    read_recommendation(campaign)
    executed = _executed("1-measure", campaign, place)
    shown = tuning_page.tuning_first_screen(campaign, place)
    body = page.notebook_body(executed, {page.FIRST_SCREEN})
    return _rendered("tune", str(body), shown | _whose(campaign, place))


def _of_a_sweep(campaign: Path, place: Path) -> str:
    is_quick_wins = folders.read_experiment(campaign).get("name") == QUICK_WINS
    tells_claims = is_quick_wins or sweep_page.has_services(campaign)
    names = ["4-quick-wins"] if tells_claims else []
    names += ["5-question"] if sweep_page.has_services(campaign) else []
    names.append("2-explore")
    if sweep_page.has_optimum(campaign):
        names.append("3-optimum")
    executed = [_executed(name, campaign, place) for name in names]
    parts = [page.notebook_body(path, {page.ELSEWHERE}) for path in executed]
    shown = sweep_page.sweep_first_screen(campaign, place) | _whose(campaign, place)
    shown["best"] = Markup(shown["best"]._repr_html_())  # noqa: S704 (escapes what it holds)
    if tells_claims:
        shown |= sweep_page.claims_first(campaign)
    return _rendered("sweep", "".join(f"<section>{part}</section>" for part in parts), shown)


def _rendered(template: str, body: str, shown: dict[str, Any]) -> str:
    once = page.shown_once(body, [chart.source for chart in shown["charts"]])
    anchored, contents = page.with_contents(once)
    return page.render_page(template, body=anchored, contents=contents, **shown)


def _executed(name: str, campaign: Path, place: Path) -> Path:
    """Into the report's folder, and so are its pictures: `figures/<notebook>/`."""
    output = place / folders.NOTEBOOKS / f"{name}.ipynb"
    return execute_notebook(name, {"campaign": str(campaign)}, output, beside=place)


def _whose(campaign: Path, place: Path) -> dict[str, str]:
    """Where its records are, as the page tells it."""
    where = "beside this page" if place == campaign else f"in the campaign {campaign.name}"
    return {"records_where": where}
