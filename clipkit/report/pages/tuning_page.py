"""The first screen of a tuning's report: the verdict, two charts, the change to copy, the limits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from clipkit.records.campaign import open_campaign
from clipkit.report.exhibits.measured_on import machine_words, when_and_seeds
from clipkit.report.exhibits.tuning_sections import verdict_warning
from clipkit.report.pages import page
from clipkit.tuning.recommendation import read_recommendation, recommendation_toml

_NOTEBOOK = "1-measure"


def tuning_first_screen(campaign: Path, place: Path) -> dict[str, Any]:
    """What the template `tune` shows; its pictures are those that the notebook has just drawn below `place`."""
    known, opened = read_recommendation(campaign), open_campaign(campaign)
    return {
        "host": known.host.name,
        "headline": known.headline,
        "verdict": known.verdict,
        "warning": verdict_warning(opened, known),
        # The verdict takes three lines at most, or the rest would not fit beside it.
        "verdict_px": 23 if len(known.verdict) < 240 else 19 if len(known.verdict) < 360 else 16,
        "charts": [
            page.chart(
                place, _NOTEBOOK, "bars", "Wall time of the whole job, in words in the first table"
            ),
            page.chart(
                place, _NOTEBOOK, "memory", "Memory over time, in words in the second table"
            ),
        ],
        "change": known.do,
        "why": known.why,
        "toml": _settings(recommendation_toml(known)),
        "measured_on": known.measured_on,
        "machines": [
            *map(machine_words, opened.machines.values()),
            *when_and_seeds(opened),
        ],
        "unmeasured": known.unmeasured,
        "again": known.again,
    }


def _settings(toml: str) -> str:
    """The file without the comments that head it: they repeat the verdict above."""
    lines = [line for line in toml.splitlines() if not line.startswith("#")]
    return "\n".join(lines).strip()
