"""The report of a campaign: its notebooks executed, and one page of what they showed."""

from __future__ import annotations

import tomllib
from pathlib import Path

from markupsafe import Markup

from clipkit.report.notebooks import campaigns
from clipkit.report.notebooks import execute as notebook
from clipkit.report.pages import page
from clipkit.report.pages import sweep as sweep_page
from clipkit.report.pages import tune as tune_page
from clipkit.tuning import recommendation as recommendations

_QUICK_WINS = "quick-wins"
"""Name of the experiment whose campaign the last notebook is about."""


def write(campaign: Path) -> Path:
    """Execute the notebooks on the campaign, and write `report.html` in its folder.

    A sweep may be unfinished: its page says so. Raises CampaignError where there is no campaign to
    report on, ReportError where a notebook fails; it is kept with what it had.
    """
    campaign = campaign.resolve()
    text = _of_a_sweep(campaign) if campaigns.is_sweep(campaign) else _of_a_tuning(campaign)
    return page.write(campaign / "report.html", text)


def _of_a_tuning(campaign: Path) -> str:
    recommendations.read(campaign)
    body = page.body(_executed("1-measure", campaign))
    return page.render("tune", body=body, **tune_page.first_screen(campaign))


def _of_a_sweep(campaign: Path) -> str:
    is_quick_wins = _name(campaign) == _QUICK_WINS
    names = ["4-quick-wins"] if is_quick_wins else []
    names.append("2-explore")
    if sweep_page.has_optimum(campaign):
        names.append("3-optimum")
    # The last one first: 2-explore's pictures, of all there is, are those that stay in the folder.
    executed = {name: _executed(name, campaign) for name in reversed(names)}
    parts = [page.folded(page.body(executed[name], first_screen=True)) for name in names]
    shown = sweep_page.first_screen(campaign)
    shown["best"] = Markup(shown["best"]._repr_html_())  # noqa: S704 (escapes what it holds)
    if is_quick_wins:
        shown |= {"claims": sweep_page.claims(campaign), "charts": [_claims_chart(campaign)]}
    return page.render("sweep", parts=parts, **shown)


def _claims_chart(campaign: Path) -> page.Chart:
    """What `4-quick-wins` has just drawn."""
    return page.Chart(
        page.picture(campaign / "figures" / "claims.svg"),
        "Every claim's effects with their intervals, in numbers in the table below",
    )


def _executed(name: str, campaign: Path) -> Path:
    output = campaign / "notebooks" / f"{name}.ipynb"
    return notebook.execute(name, {"campaign": str(campaign)}, output)


def _name(campaign: Path) -> str | None:
    """The experiment's, whatever the campaign is called."""
    experiment = tomllib.loads((campaign / "experiment.toml").read_text("utf-8"))
    name = experiment.get("name")
    return name if isinstance(name, str) else None
