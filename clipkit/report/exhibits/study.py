"""A finished campaign, opened for reading: what every exhibit of the report is made of."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from clipkit.errors import CampaignError
from clipkit.records import table as tables
from clipkit.tuning import recommendation as recommendations
from clipkit.tuning.recommendation import Recommendation


@dataclass(frozen=True, slots=True)
class Study:
    campaign: Path
    table: pd.DataFrame
    recommendation: Recommendation
    environment: dict[str, Any]
    uploads: dict[str, Any]

    @property
    def figures(self) -> Path:
        """Where the pictures are kept."""
        return self.campaign / "figures"


def open_study(campaign: Path) -> Study:
    """Read the campaign's folder. Raises CampaignError where something in it is missing."""
    return Study(
        campaign=campaign,
        table=tables.load(campaign),
        recommendation=recommendations.read(campaign),
        environment=read_object(campaign / "environment.json"),
        uploads=read_object(campaign / "uploads.json"),
    )


def read_object(path: Path) -> dict[str, Any]:
    """A JSON file of a campaign's folder. Raises CampaignError where it is missing or none."""
    try:
        document = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise CampaignError(f"{path.parent} has no {path.name}: it is no whole campaign") from None
    except (OSError, ValueError) as error:
        raise CampaignError(f"{path} cannot be read: {error}") from None
    if not isinstance(document, dict):
        raise CampaignError(f"{path} holds no JSON object")
    return document
