"""What the notebook `3-optimum` does besides calling exhibits: its parameters, the choice, the file."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from clipkit import files
from clipkit.errors import CampaignError, UsageError
from clipkit.records.campaign import Campaign
from clipkit.records.folder import CONFIG
from clipkit.report.exhibits import optimum_sections, tuning_sections
from clipkit.report.exhibits.exhibit import Section
from clipkit.report.exhibits.optimum_sections import Optima
from clipkit.report.notebooks import place
from clipkit.report.notebooks.parameters import several_numbers, several_words
from clipkit.report.notebooks.told import tell_found
from clipkit.report.notebooks.tuned import TunedCampaign, open_on_its_host
from clipkit.report.notebooks.which_campaign import given_or_newest
from clipkit.tables import Table
from clipkit.tuning.optimum import Wanted, optima
from clipkit.tuning.recommendation import Recommendation, recommendation_toml


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
    `written` is the configuration's file, None where there are several or no folder takes it. Of a
    tuning there are no optima to choose: `known` is what it recommends itself."""

    optima: Optima
    campaign: Campaign
    written: Path | None
    known: Recommendation | None = None


def find_optima(asked: Asked) -> Found:
    """Open the campaign, choose, and write `clipkit.toml` where there is a single host and job: into
    the folder `out`, or beside the executed notebook.

    Raises CampaignError where nothing matches, HostError for a memory that is no size.
    """
    whole = open_on_its_host(given_or_newest(asked.campaign))
    wanted = Wanted(
        memory=several_words(asked.memory) or None,
        cpus=[cpus for cpus in several_numbers("cpus", asked.cpus) if cpus] or None,
        preset=several_words(asked.preset) or None,
    )
    folder = Path(asked.out) if asked.out else place.beside()
    given = {key: value for key, value in wanted.items() if value is not None}
    known = whole.known if isinstance(whole, TunedCampaign) else None
    try:
        part = whole.part(**given)
    except UsageError as error:
        raise CampaignError(f"{whole.name}: {error}") from None
    tell_found(part)
    if known:
        return Found((), part, _written(recommendation_toml(known), folder), known)
    found = optima(whole, **wanted)
    return Found(found, part.tuned(), _write_config(found, folder))


def the_optimum(found: Found) -> Section:
    """In words: of a tuning its verdict."""
    if found.known:
        return tuning_sections.verdict_section(found.campaign, found.known)
    return optimum_sections.optimum_sentences(found.optima)


def its_figures(found: Found) -> Section | Table:
    """In a table: of a tuning the confirmed time, the settings and their ties."""
    if found.known:
        return tuning_sections.recommended_section(found.known)
    return optimum_sections.table_by_picture(found.optima)


def as_good(found: Found) -> Section | Table:
    """What would do as well."""
    if found.known:
        return Section("<p>The ties of this tuning stand with its optimum, above.</p>")
    return optimum_sections.ties_table(found.optima)


def to_copy(found: Found) -> Section:
    """The file, or of a tuning the change too."""
    if found.known:
        return tuning_sections.change_section(found.known)
    return optimum_sections.file_to_copy(found.optima, found.written)


def not_shown(found: Found) -> Section:
    """What the choice does not show."""
    if found.known:
        return tuning_sections.limits_section(found.known)
    return optimum_sections.limits_of_optimum(found.optima)


def _write_config(found: Optima, folder: Path) -> Path | None:
    chosen = optimum_sections.leading(found)
    return _written(chosen[0].to_toml(), folder) if len(chosen) == 1 else None


def _written(toml: str, folder: Path) -> Path | None:
    # Where nothing can be written, the notebook alone holds the text.
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        return files.write_file(folder.resolve(), CONFIG, toml.encode("utf-8", "replace"))
    return None
