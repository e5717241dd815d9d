"""Where the notebooks, experiments and reference campaigns are: inside an installed package, or beside
an editable one."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import clipkit
from clipkit.errors import ReportError

GRID, TUNING, QUICK_WINS = "reference-grid", "reference-tune", "quick-wins"
LANGUAGES, PLANS, EDGE = "languages", "plans", "edge"
"""The campaigns that come with clipkit; in an installed package without samples and logs."""
_OURS = (GRID, TUNING, QUICK_WINS, LANGUAGES, PLANS, EDGE)


def folder(kind: Literal["notebooks", "experiments", "results"]) -> Path:
    """The folder of that kind. Raises ReportError where the installation lacks it."""
    package = Path(clipkit.__file__).resolve().parent
    for candidate in (package / f"_{kind}", package.parent / kind):
        if candidate.is_dir():
            return candidate
    raise ReportError(f"no {kind} in {package}: the installation is incomplete, reinstall clipkit")


def reference(name: str) -> Path:
    """The folder of a campaign that comes with clipkit. Raises ReportError where it is not there."""
    found = folder("results") / name
    if not found.is_dir():
        raise ReportError(f"no campaign {found}: the installation is incomplete, reinstall clipkit")
    return found


def is_reference(campaign: Path) -> bool:
    """Whether it is one that comes with clipkit, and not the user's own."""
    try:
        ours = folder("results").resolve()
    except ReportError:
        return False
    return campaign.name in _OURS and campaign.resolve().parent == ours
