"""What the notebook `4-quick-wins` does besides calling exhibits: its parameter, and the verdicts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from clipkit.claims import Verdict, verdicts
from clipkit.records.campaign import Campaign, open_campaign
from clipkit.report.notebooks.which_campaign import given_or_quick_wins


@dataclass(frozen=True, slots=True)
class Asked:
    """The parameter of `notebooks/4-quick-wins.ipynb`; empty: the campaign `quick-wins`."""

    NOTEBOOK: ClassVar[str] = "4-quick-wins"

    campaign: str


@dataclass(frozen=True, slots=True)
class Judged:
    """The campaign, and what it says of every claim."""

    campaign: Campaign
    verdicts: tuple[Verdict, ...]


def judge_claims(asked: Asked) -> Judged:
    """Open the campaign and judge by its records. Raises CampaignError where it is none."""
    campaign = open_campaign(given_or_quick_wins(asked.campaign))
    return Judged(campaign, tuple(verdicts(campaign.table)))
