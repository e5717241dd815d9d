"""The measurement that `notebooks/1-measure.ipynb` shows: a finished campaign's, or a new one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from clipkit import format as fmt
from clipkit.campaign import own_process
from clipkit.errors import Cancelled, ClipkitError, NotebookError, UsageError
from clipkit.hosts import parse_size
from clipkit.records.campaign import Campaign, open_campaign
from clipkit.report.notebooks.told import tell_found
from clipkit.tuning.recommendation import Recommendation, read_recommendation


@dataclass(frozen=True, slots=True)
class Measured:
    """A tuning: its records, and what follows from them."""

    campaign: Campaign
    recommendation: Recommendation


@dataclass(frozen=True, slots=True)
class Asked:
    """The parameters of `notebooks/1-measure.ipynb`: either a finished campaign, or what to measure.

    An empty `memory` and `cpus` of 0 mean: as the host has it.
    """

    NOTEBOOK: ClassVar[str] = "1-measure"

    campaign: str
    video: str
    host: str
    memory: str
    cpus: float
    reserve: str
    budget_minutes: float
    results: str


_UNASKED = {
    "video": "sample",
    "host": "render-starter",
    "memory": "",
    "cpus": 0.0,
    "reserve": "0",
    "budget_minutes": 5.0,
    "results": "results",
}
"""What the notebook holds where nothing was asked."""


def given_or_measured(asked: Asked) -> Measured:
    """The finished tuning that was given, or a new one: see `tuned_folder`.

    Raises NotebookError where a finished one is given and something else is asked than it measured.
    """
    folder = tuned_folder(asked)
    measured = Measured(open_campaign(folder), read_recommendation(folder))
    if asked.campaign:
        _refuse_other(asked, measured)
    tell_found(measured.campaign)
    return measured


def _refuse_other(asked: Asked, measured: Measured) -> None:
    known = measured.recommendation
    agrees = {
        "video": Path(asked.video).name in measured.campaign.uploads,
        "host": asked.host == known.host.name,
        "memory": bool(asked.memory) and parse_size(asked.memory) == known.host.memory_bytes,
        "cpus": asked.cpus == known.host.cpus,
        "reserve": parse_size(asked.reserve) == known.reserve_bytes,
    }
    for name, nothing in _UNASKED.items():
        value = getattr(asked, name)
        if value != nothing and not agrees.get(name, False):
            host = f"{fmt.memory(known.host.memory_bytes)}, {fmt.cpus(known.host.cpus)}"
            raise NotebookError(
                f"{name} = {value!r} contradicts the campaign {measured.campaign.name}, which has "
                f"measured {known.host.name} ({host}) already: leave out {name} to see it, or "
                "campaign to measure anew"
            )


def tuned_folder(asked: Asked) -> Path:
    """The campaign's folder: the one that was given, or that of a new `clipkit tune`.

    Its progress is passed through to this process' stdout as it comes. An interrupt stops it
    orderly, and so does the death of the kernel. Raises NotebookError where what is asked is
    wrong, Cancelled after an interrupt, ClipkitError where the measurement fails; what it had
    finished is kept in its campaign.
    """
    if asked.campaign:
        return Path(asked.campaign).resolve()
    try:
        return Path(own_process.answer(_words(asked))["campaign"])
    except UsageError as error:
        raise NotebookError(f"the measurement was refused: {error}") from None
    except Cancelled:
        raise
    except ClipkitError as error:
        raise ClipkitError(f"the measurement failed: {error}") from None


def _words(asked: Asked) -> list[str]:
    words = ["tune", "--json", "--no-report"]
    words += ["--host", asked.host, "--reserve", asked.reserve]
    words += ["--budget", f"{asked.budget_minutes:g}", "--results", asked.results]
    if asked.memory:
        words += ["--memory", asked.memory]
    if asked.cpus:
        words += ["--cpus", f"{asked.cpus:g}"]
    return words if asked.video == "sample" else [*words, "--", asked.video]
