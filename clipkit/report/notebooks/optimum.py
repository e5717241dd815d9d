"""What the notebook `3-optimum` does besides calling exhibits: its parameters, the choice, the file."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from clipkit.records.campaign import Campaign, open_campaign
from clipkit.records.folder import CONFIG
from clipkit.report.exhibits.optimum_sections import Optima, leading
from clipkit.report.notebooks import place
from clipkit.report.notebooks.parameters import several_numbers, several_words
from clipkit.report.notebooks.told import tell_found
from clipkit.report.notebooks.which_campaign import given_or_newest
from clipkit.tuning.optimum import Wanted, optima


@dataclass(frozen=True, slots=True)
class Asked:
    """The parameters of `notebooks/3-optimum.ipynb`. An empty word: any, and so a CPU of 0. Memory,
    CPU and preset may each name several levels: `256M, 512M`."""

    NOTEBOOK: ClassVar[str] = "3-optimum"

    campaign: str
    memory: str
    cpus: str
    preset: str
    out: str


@dataclass(frozen=True, slots=True)
class Found:
    """The optimum of each host, job and picture that was asked for; `campaign` holds the same cells,
    `written` is the configuration's file, None where there are several or no folder takes it."""

    optima: Optima
    campaign: Campaign
    written: Path | None


def find_optima(asked: Asked) -> Found:
    """Open the campaign, choose, and write `clipkit.toml` where there is a single host and job: into
    the folder `out`, or beside the executed notebook.

    Raises CampaignError where nothing matches, HostError for a memory that is no size.
    """
    whole = open_campaign(given_or_newest(asked.campaign))
    wanted = Wanted(
        memory=several_words(asked.memory) or None,
        cpus=[cpus for cpus in several_numbers("cpus", asked.cpus) if cpus] or None,
        preset=several_words(asked.preset) or None,
    )
    found = optima(whole, **wanted)
    part = whole.part(**{key: value for key, value in wanted.items() if value is not None})
    tell_found(part)
    folder = Path(asked.out) if asked.out else place.beside()
    return Found(found, part.tuned(), _write_config(found, folder))


def _write_config(found: Optima, folder: Path) -> Path | None:
    chosen = leading(found)
    if len(chosen) != 1:
        return None
    path = folder / CONFIG
    # Where nothing can be written, the notebook alone holds the text.
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(chosen[0].to_toml(), "utf-8")
        return path.resolve()
    return None
