"""The report of a campaign: its notebooks executed, and one page of what they showed."""

from __future__ import annotations

from pathlib import Path

from clipkit.report import notebook, page, tune_page
from clipkit.tuning import recommendation as recommendations


def write(campaign: Path) -> Path:
    """Execute the notebooks on the campaign, and write `report.html` in its folder.

    Raises CampaignError where there is no campaign to report on, ReportError where a notebook
    fails.
    """
    campaign = campaign.resolve()
    recommendations.read(campaign)
    executed = notebook.execute(
        "1-measure", {"campaign": str(campaign)}, campaign / "notebooks" / "1-measure.ipynb"
    )
    text = page.render("tune", body=page.body(executed), **tune_page.first_screen(campaign))
    return page.write(campaign / "report.html", text)
