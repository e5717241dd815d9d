"""The first screen of a sweep's report: the best settings for each ceiling, a heat map, the limits."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from clipkit import files
from clipkit import format as fmt
from clipkit.analysis.machines import disagreeing_machines
from clipkit.analysis.quiet import not_measured_words
from clipkit.claims import verdicts
from clipkit.errors import CampaignError
from clipkit.plan.own_service import OWN
from clipkit.records.campaign import Campaign, open_campaign
from clipkit.records.folder import FIGURES
from clipkit.records.status import Status
from clipkit.report.charts.style import PHONE
from clipkit.report.exhibits.measured_on import machine_words, when_and_seeds
from clipkit.report.exhibits.prose import said_once
from clipkit.report.notebooks.about import REFERENCE_WORDS
from clipkit.report.notebooks.which_campaign import left_to_run
from clipkit.report.pages import page
from clipkit.report.pages.sweep_words import best_table, claims_headline, claims_in_words, headline
from clipkit.resources import is_reference
from clipkit.tuning.best import Optimum
from clipkit.tuning.optimum import optima

_DRAWN = "2-explore"


def sweep_first_screen(folder: Path, place: Path) -> dict[str, Any]:
    """What the template `sweep` shows; the heat map is the one that the notebook has just drawn below `place`.

    Raises CampaignError where the folder's files cannot be read.
    """
    campaign = open_campaign(folder)
    table = campaign.table
    found, why_none = _optima(campaign)
    nothing = "no settings can be recommended"
    verdict = (
        headline(found) if found else f"N{nothing[1:]}: {why_none.removesuffix(f': {nothing}')}."
    )
    left = left_to_run(folder)
    return {
        "name": campaign.name,
        "hosts": _hosts(table),
        "reference": REFERENCE_WORDS if is_reference(folder) else "",
        "unfinished": left,
        "verdict": verdict,
        "verdict_px": 22 if len(verdict) < 240 else 18 if len(verdict) < 400 else 15,
        "charts": [
            page.chart(place, _DRAWN, name, "Heat map of wall time a clip, in numbers in its table")
            for name in drawn_heat_maps(place)[:1]
        ],
        "recommended": bool(found),
        "best": best_table(found),
        "counted": _counted(campaign),
        "measured_on": [*_measured_on(campaign), *when_and_seeds(campaign)],
        "unmeasured": _unmeasured(campaign, found, left),
    }


def has_optimum(folder: Path) -> bool:
    """Whether anything finished that could be recommended. Raises CampaignError for no campaign."""
    return bool(_optima(open_campaign(folder))[0])


def has_services(folder: Path) -> bool:
    """Whether services that the claims speak of cut any of it, and not a user's own alone. Raises
    CampaignError for no campaign."""
    table = open_campaign(folder).table
    return bool((table["service"].notna() & (table["service_argv"].fillna("") != OWN)).any())


def claims_first(folder: Path) -> dict[str, Any]:
    """What the template shows of the claims before all else."""
    judged = verdicts(open_campaign(folder).table)
    table = claims_in_words(judged)._repr_html_()
    return {
        "claims": claims_headline(judged),
        "claims_table": Markup(table),  # noqa: S704 (escapes what it holds)
    }


def drawn_heat_maps(place: Path) -> list[str]:
    """The names of the heat maps that `2-explore` has drawn below `place`, in their order."""
    there = files.files_in(place, f"{FIGURES}/{_DRAWN}")
    found = [Path(name).stem for name in there if name.startswith("heat") and name.endswith(".svg")]
    drawn = [name for name in found if not name.endswith(PHONE)]
    return sorted(drawn, key=lambda name: [int(n) for n in re.findall(r"\d+", name)])


def _optima(campaign: Campaign) -> tuple[tuple[Optimum, ...], str]:
    try:
        return optima(campaign), ""
    except CampaignError as error:
        return (), str(error)


def _hosts(table: pd.DataFrame) -> list[str]:
    columns = ["memory_limit_bytes", "cpu_quota"]
    places = table[columns].drop_duplicates().sort_values(columns)
    return [
        ", ".join(
            (
                "no limit" if pd.isna(memory) else fmt.size(float(memory)),
                fmt.cpus(None if pd.isna(cpus) else float(cpus)),
            )
        )
        for memory, cpus in places.itertuples(index=False, name=None)
    ]


def _counted(campaign: Campaign) -> str:
    """How many attempts there are, and how they ended."""
    ends = campaign.table["status"].value_counts()
    cells, blocks = campaign.table["cell"].nunique(), campaign.table["block"].nunique()
    words = {
        Status.OK: "finished",
        Status.OOM: "ran out of memory",
        Status.OOM_INFERRED: "not run, since a smaller one ran out",
        Status.TIMEOUT: "timed out",
        Status.FAILED: "failed",
        Status.CANCELLED: "interrupted, which does not count",
        Status.INVALID_NOISE: "disturbed by others, which does not count",
        Status.INVALID_MACHINE: "spoilt by the machine, which does not count",
    }
    told = [f"{ends[status]} {text}" for status, text in words.items() if ends.get(status, 0)]
    return f"{cells} cells in {blocks} blocks: {', '.join(told)}."


def _measured_on(campaign: Campaign) -> Iterator[str]:
    for machine in campaign.machines.values():
        versions = [f"ffmpeg {build['version']}" for build in machine.get("ffmpeg", [])]
        yield ", ".join([machine_words(machine), *versions])
        yield f"ceiling enforced by {machine.get('ceiling')}"
    for name, facts in campaign.uploads.items():
        yield (
            f"{name}: {facts['width']}x{facts['height']} at {facts['fps']:.3g} fps, "
            f"{facts['codec']}, {fmt.clock(facts['duration_s'])}"
        )


def _unmeasured(campaign: Campaign, found: Sequence[Optimum], left: str | None) -> list[str]:
    """What all of it does not show, each said once."""
    said = [f"the rest of the sweep: it holds {left} so far"] if left else []
    if disturbed := not_measured_words(campaign):
        said.append(disturbed)
    said += [each.words for each in disagreeing_machines(campaign)]
    return said_once([*said, *(line for each in found for line in each.unmeasured)])
