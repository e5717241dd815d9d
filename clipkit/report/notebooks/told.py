"""What a notebook found, left in its outputs for machines: the index of a batch has columns of it.

It is an output of a kind of its own, which neither JupyterLab nor a page shows.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from IPython import get_ipython
from IPython.display import display

from clipkit.errors import CampaignError
from clipkit.records.campaign import Campaign
from clipkit.records.folder import is_tuning
from clipkit.records.settings_words import how_words, picture_words
from clipkit.report.exhibits.optimum_sections import leading
from clipkit.report.notebooks.tuned import TunedCampaign
from clipkit.settings import Settings
from clipkit.tuning.optimum import optima
from clipkit.tuning.recommendation import read_recommendation

_KIND = "application/x-clipkit-found+json"


@dataclass(frozen=True, slots=True)
class Found:
    """The best settings for one host and job, in words; the time of that job and its peak memory."""

    where: str
    settings: str
    wall_s: float | None
    peak_anon_bytes: int | None


def best_in(campaign: Campaign) -> tuple[Found, ...]:
    """Of each host and job what is recommended; of a tuning its own recommendation. None where
    nothing finished."""
    if isinstance(campaign, TunedCampaign) or (is_tuning(campaign.folder) and not campaign.chosen):
        own = read_recommendation(campaign.folder)
        wall_s = own.predicted_wall_s if own.confirmed_wall_s is None else own.confirmed_wall_s
        return (Found(own.host.name, _words(own.settings), wall_s, own.peak_anon_bytes),)
    try:
        found = leading(optima(campaign))
    except CampaignError:
        return ()
    return tuple(
        Found(
            each.condition.in_full,
            _words(each.settings),
            each.best.wall.value,
            each.best.peak_anon_bytes,
        )
        for each in found
    )


def tell_found(campaign: Campaign) -> None:
    """Leave in this notebook's outputs what is best in the campaign; outside a notebook nothing."""
    if hasattr(get_ipython(), "kernel"):
        found = [dataclasses.asdict(each) for each in best_in(campaign)]
        bundle = {_KIND: {"found": found}, "text/html": "", "text/plain": ""}
        display(bundle, raw=True)  # type: ignore[no-untyped-call]


def read_found(document: Any) -> tuple[Found, ...]:
    """What the notebook of that document has told last; none where it tells nothing."""
    told: Sequence[dict[str, Any]] = ()
    for output in _outputs(document):
        told = output.get("data", {}).get(_KIND, {}).get("found", told)
    return tuple(Found(**each) for each in told)


def _outputs(document: Any) -> Iterator[Any]:
    for cell in document.cells:
        yield from cell.get("outputs", ())


def _words(settings: Settings) -> str:
    return f"{picture_words(settings)}; {how_words(settings)}"
