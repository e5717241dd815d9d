"""A notebook's first words: which campaign it shows, whose it is, and what of it."""

from __future__ import annotations

from clipkit import format as fmt
from clipkit.records.campaign import Campaign
from clipkit.report.exhibits.exhibit import Section
from clipkit.report.exhibits.prose import prose
from clipkit.report.notebooks.tuned import TunedCampaign
from clipkit.report.notebooks.which_campaign import left_to_run
from clipkit.resources import is_reference

REFERENCE_WORDS = (
    "This is the reference campaign that comes with clipkit, not a measurement of yours."
)


def about_campaign(campaign: Campaign) -> Section:
    """Its name and folder, whether it is the reference, whether it is finished, what of it is shown, and what a
    tuning found."""
    left = left_to_run(campaign.folder)
    lines = [REFERENCE_WORDS] if is_reference(campaign.folder) else []
    lines.append(
        f"Campaign `{campaign.name}` in `{fmt.without_home(fmt.near(campaign.folder.parent))}`."
    )
    lines += [f"Unfinished: {left} so far; intervals will get narrower."] if left else []
    lines += [f"Shown: {', '.join(campaign.shown)}."] if campaign.shown else []
    if isinstance(campaign, TunedCampaign) and campaign.known:
        lines.append(f"What this tuning found: {campaign.known.verdict}")
    return Section("".join(f"<p>{prose(line)}</p>" for line in lines))
