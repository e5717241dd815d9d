"""The report of a campaign: its notebooks executed, and one page of what they showed."""

from __future__ import annotations

from pathlib import Path

from markupsafe import Markup

from clipkit.records import folder as folders
from clipkit.report.notebooks.execute import execute_notebook
from clipkit.report.pages import page, sweep_page, tuning_page
from clipkit.resources import QUICK_WINS
from clipkit.tuning.recommendation import read_recommendation


def write_report(campaign: Path) -> Path:
    """Execute the notebooks on the campaign, and write `report.html` in its folder.

    A sweep may be unfinished: its page says so. Raises CampaignError where there is no campaign to
    report on, ReportError where a notebook fails; it is kept with what it had.
    """
    campaign = campaign.resolve()
    folders.require(campaign)
    text = _of_a_sweep(campaign) if folders.is_sweep(campaign) else _of_a_tuning(campaign)
    return page.write_page(campaign / folders.REPORT, text)


def _of_a_tuning(campaign: Path) -> str:
    read_recommendation(campaign)
    body = page.notebook_body(_executed("1-measure", campaign))
    return page.render_page("tune", body=body, **tuning_page.tuning_first_screen(campaign))


def _of_a_sweep(campaign: Path) -> str:
    is_quick_wins = folders.read_experiment(campaign).get("name") == QUICK_WINS
    names = ["4-quick-wins"] if is_quick_wins else []
    names.append("2-explore")
    if sweep_page.has_optimum(campaign):
        names.append("3-optimum")
    executed = [_executed(name, campaign) for name in names]
    parts = [page.folded(page.notebook_body(path, first_screen=True)) for path in executed]
    shown = sweep_page.sweep_first_screen(campaign)
    shown["best"] = Markup(shown["best"]._repr_html_())  # noqa: S704 (escapes what it holds)
    if is_quick_wins:
        claims = sweep_page.claims_sentence(campaign)
        shown |= {"claims": claims, "charts": [_claims_chart(campaign)]}
    return page.render_page("sweep", parts=parts, **shown)


def _claims_chart(campaign: Path) -> page.Chart:
    """What `4-quick-wins` has just drawn."""
    return page.Chart(
        page.picture_uri(campaign / folders.FIGURES / "4-quick-wins" / "claims.svg"),
        "Every claim's effects with their intervals, in numbers in the table below",
    )


def _executed(name: str, campaign: Path) -> Path:
    """Into the campaign, and so are its pictures: `figures/<notebook>/`."""
    output = campaign / folders.NOTEBOOKS / f"{name}.ipynb"
    return execute_notebook(name, {"campaign": str(campaign)}, output, beside=campaign)
