"""What the notebook `2-explore` does besides calling exhibits: its parameters, what is not finished,
and from a cell of the heat map to that run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import pandas as pd

from clipkit import format as fmt
from clipkit.analysis.factors import cell_words
from clipkit.errors import CampaignError
from clipkit.records.best import RECOMMENDED
from clipkit.records.campaign import Campaign
from clipkit.report.exhibits.cell_page import cell_page
from clipkit.report.exhibits.exhibit import Section
from clipkit.report.exhibits.prose import prose
from clipkit.report.notebooks.parameters import several_numbers, several_words
from clipkit.report.notebooks.picker import pick
from clipkit.report.notebooks.told import tell_found
from clipkit.report.notebooks.tuned import open_on_its_host
from clipkit.report.notebooks.which_campaign import given_or_newest


@dataclass(frozen=True, slots=True)
class Asked:
    """The parameters of `notebooks/2-explore.ipynb`. Each may name several levels: `256M, 512M`."""

    NOTEBOOK: ClassVar[str] = "2-explore"

    campaign: str
    preset: str
    memory: str
    cpus: str
    upload: str
    clip_s: str
    cell: str


def open_narrowed(asked: Asked) -> Campaign:
    """The campaign, or what of it is asked for.

    Raises NotebookError for what should be a number, UsageError for a level that does not occur,
    CampaignError where there is no campaign.
    """
    wanted = {
        "preset": several_words(asked.preset),
        "memory": several_words(asked.memory),
        "cpus": several_numbers("cpus", asked.cpus),
        "upload": several_words(asked.upload),
        "clip_s": several_numbers("clip_s", asked.clip_s),
    }
    whole = open_on_its_host(given_or_newest(asked.campaign))
    part = whole.part(**{name: levels for name, levels in wanted.items() if levels})
    tell_found(part)
    return part


def shown_or_why_not(exhibit: Callable[[Campaign], object], found: Campaign) -> object:
    """The exhibit, or in words why this campaign has none."""
    if found.cells["wall_s"].notna().sum() == 0:
        return Section("<p>No run finished: there is no time to draw.</p>")
    try:
        return exhibit(found)
    except CampaignError as error:
        return Section(f"<p>{prose(str(error))}</p>")


def look_into(found: Campaign, cell: str) -> None:
    """A cell's or a run's command lines, logs and memory over time; without any, those of the recommended one.

    In JupyterLab another cell can be chosen from a list.
    """
    ordered = found.cells.sort_values("s_per_clip", kind="stable", na_position="last")
    recommended = ordered.loc[ordered["best"] == RECOMMENDED, "cell"]
    words = cell_words(found.cells)
    choices = [
        (f"{_time_words(s_per_clip)}: {words[str(name)]}", str(name))
        for name, s_per_clip in zip(ordered["cell"], ordered["s_per_clip"], strict=True)
    ]
    if cell and cell not in words:
        choices.insert(0, (f"run {cell}", cell))
    if choices:
        first = str(recommended.iloc[0]) if len(recommended) else choices[0][1]
        pick(choices, cell or first, lambda name: cell_page(found, name), "cell")


def _time_words(s_per_clip: float) -> str:
    return "no time" if pd.isna(s_per_clip) else f"{fmt.seconds(float(s_per_clip))} a clip"
