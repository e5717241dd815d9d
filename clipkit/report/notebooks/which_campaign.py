"""Which campaign a notebook means: the folder that it was given, or else the newest finished one."""

from __future__ import annotations

import tomllib
from pathlib import Path

from clipkit.campaign import standing
from clipkit.errors import CampaignError
from clipkit.records.store import RUNS
from clipkit.tuning.recommendation import is_tuning

# The notebooks lie in a folder of their own, a checkout's or that of `clipkit lab`; who types
# `clipkit tune` or papermill stands one above.
_RESULTS = (Path("results"), Path("../results"))


def given_or_newest(campaign: str) -> Path:
    """The campaign's folder; of an empty word the newest finished one in `results`, here or one up.

    Raises CampaignError where there is none.
    """
    if campaign:
        return Path(campaign).resolve()
    found = [folder for results in _RESULTS for folder in results.glob("*") if _is_usable(folder)]
    if not found:
        raise CampaignError(
            "no finished campaign in results: set the parameter campaign to a campaign's folder, "
            "or make one with `clipkit sweep` or `clipkit tune`"
        )
    return max(found, key=lambda folder: (folder / RUNS).stat().st_mtime).resolve()


def _is_usable(campaign: Path) -> bool:
    """Whether it is finished; a damaged one is no reason not to show another."""
    try:
        return finished(campaign)
    except (CampaignError, OSError):
        return False


def is_sweep(campaign: Path) -> bool:
    """Whether a grid was measured there, and not one host tuned. Raises CampaignError where
    its experiment cannot be read."""
    path = campaign / "experiment.toml"
    try:
        experiment = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return False
    except (OSError, ValueError) as error:
        raise CampaignError(f"{path} cannot be read: {error}") from None
    run = experiment.get("run", {})
    if not isinstance(run, dict):
        raise CampaignError(f"{path} cannot be read: run is no table")
    return run.get("strategy") != "tune"


def finished(campaign: Path) -> bool:
    """Whether nothing of it is left to be run. A sweep without a word on that, such as one that was
    merged out of several, counts as it is."""
    if not (campaign / RUNS).is_file():
        return False
    if (campaign / standing.PROGRESS).is_file():
        return standing.read(campaign).state == "finished"
    return is_tuning(campaign) or is_sweep(campaign)


def unfinished(campaign: Path) -> str | None:
    """`61 of 324 trials`, of a sweep that has not come to its end."""
    if not (campaign / standing.PROGRESS).is_file():
        return None
    stands = standing.read(campaign)
    return None if stands.state == "finished" else f"{stands.done} of {stands.total} trials"
