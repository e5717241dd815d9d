"""Where a report is written: into the campaign, or elsewhere where that can be read alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from clipkit import files
from clipkit import format as fmt
from clipkit.errors import OutputError
from clipkit.records import folder as folders
from clipkit.records.campaign import open_campaign


@dataclass(frozen=True, slots=True)
class ReportPlace:
    """`why_elsewhere`: in words, why the campaign itself does not take its report; None where it does, or where
    the user has named a folder."""

    folder: Path
    why_elsewhere: str | None = None


def report_place(campaign: Path, out: Path | None = None) -> ReportPlace:
    """`out` where it is given; else the campaign, and where that cannot be written `report-NAME` in the current
    folder. A link in the place of a folder that is written is as good as one that cannot be.

    Raises CampaignError where there is no campaign that can be opened, OutputError where nothing can be written.
    """
    campaign = campaign.resolve()
    open_campaign(campaign)  # what is wrong with it is told before anything is made
    if out is not None:
        return ReportPlace(_made(out.absolute(), f"cannot write into {out}"))
    try:
        _check(campaign)
    except OSError as error:
        why = f"{fmt.near(campaign)} cannot be written ({_words(error)})"
        here = Path.cwd() / f"report-{campaign.name}"
        return ReportPlace(_made(here, f"{why}, nor can {here}"), why)
    return ReportPlace(campaign)


def _made(folder: Path, what: str) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _check(folder)
    except OSError as error:
        raise OutputError(f"{what}: {_words(error)}; name another folder with --out DIR") from None
    return folder.resolve()


def _check(folder: Path) -> None:
    for name in ("", folders.NOTEBOOKS, folders.FIGURES):
        files.check_writable(folder, name)


def _words(error: OSError) -> str:
    parts = Path(error.filename or "").parts[-2:]
    where = next((name for name in (folders.NOTEBOOKS, folders.FIGURES) if name in parts), None)
    return f"{where}: {error.strerror}" if where else str(error.strerror)
