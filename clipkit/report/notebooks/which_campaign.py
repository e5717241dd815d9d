"""Which campaign a notebook means: the folder that it was given, or the user's newest finished one, or
the reference that comes with clipkit."""

from __future__ import annotations

from pathlib import Path

from clipkit import resources
from clipkit.campaign.standing import read_standing
from clipkit.errors import CampaignError
from clipkit.records.folder import PROGRESS, RUNS, is_sweep, is_tuning
from clipkit.resources import GRID, QUICK_WINS, reference

# The notebooks lie in a folder of their own, a checkout's or that of `clipkit lab`; who types
# `clipkit tune` or papermill stands one above.
_RESULTS = (Path("results"), Path("../results"))


def given_or_newest(campaign: str) -> Path:
    """The campaign's folder; of an empty word the newest finished one in `results`, here or one up, and
    where there is none the reference."""
    if campaign:
        return Path(campaign).resolve()
    found = [folder for results in _RESULTS for folder in results.glob("*") if _is_usable(folder)]
    if not found:
        return reference(GRID)
    return max(found, key=lambda folder: (folder / RUNS).stat().st_mtime).resolve()


def given_or_quick_wins(campaign: str) -> Path:
    """The campaign's folder; of an empty word the user's `quick-wins`, and where there is none the
    reference."""
    if campaign:
        return Path(campaign).resolve()
    return own_or_reference(QUICK_WINS) or reference(QUICK_WINS)


def own_or_reference(name: str) -> Path | None:
    """The user's campaign of that name, else the one that comes with clipkit; None where there is neither."""
    places = [*_RESULTS, resources.folder("results")]
    own = (results / name for results in places)
    found = next((folder for folder in own if (folder / RUNS).is_file()), None)
    return None if found is None else found.resolve()


def is_complete(campaign: Path) -> bool:
    """Whether nothing of it is left to be run. A sweep without a word on that, such as one that was
    merged out of several, counts as it is."""
    if not (campaign / RUNS).is_file():
        return False
    if (campaign / PROGRESS).is_file():
        return read_standing(campaign).state == "finished"
    return is_tuning(campaign) or is_sweep(campaign)


def left_to_run(campaign: Path) -> str | None:
    """`61 of 324 trials`, of a sweep that has not come to its end."""
    if not (campaign / PROGRESS).is_file():
        return None
    stands = read_standing(campaign)
    return None if stands.state == "finished" else f"{stands.done} of {stands.total} trials"


def _is_usable(campaign: Path) -> bool:
    """Whether it is finished; a damaged one is no reason not to show another."""
    try:
        return is_complete(campaign)
    except (CampaignError, OSError):
        return False
