"""On what machine a campaign was measured, when, and by which seeds it was drawn, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from clipkit import format as fmt
from clipkit.records.campaign import Campaign
from clipkit.records.folder import read_experiment


def machine_words(machine: Mapping[str, Any]) -> str:
    """`AMD EPYC, 2 cores, 23.5 GB of memory, Linux 6.18`, of what `environment.json` says."""
    memory = machine.get("memory_bytes")
    parts = (
        machine.get("cpu", "unknown CPU"),
        f"{machine['cores']} cores" if "cores" in machine else None,
        f"{fmt.size(memory)} of memory" if memory else None,
        machine.get("system"),
    )
    return ", ".join(str(part) for part in parts if part)


def when_and_seeds(campaign: Campaign) -> list[str]:
    """The days, in UTC, and the seeds of order and clips. Raises CampaignError for an experiment that
    cannot be read."""
    said = []
    days = sorted(str(start)[:10] for start in campaign.table["started_utc"].dropna())
    if days:
        said.append(f"on {' to '.join(dict.fromkeys((days[0], days[-1])))} (UTC)")
    run = read_experiment(campaign.folder).get("run", {})
    if "seed" in run:
        said.append(f"order drawn with seed {run['seed']}")
    seeds = campaign.table["clips_seed"].dropna().unique()
    said += [f"clips drawn with seed {seed}" for seed in seeds] or ["clips not drawn at random"]
    return said
