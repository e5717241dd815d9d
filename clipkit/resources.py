"""Where the notebooks and experiments are: inside an installed package, or beside an editable one."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import clipkit
from clipkit.errors import ReportError


def folder(kind: Literal["notebooks", "experiments"]) -> Path:
    """The folder of that kind. Raises ReportError where the installation lacks it."""
    package = Path(clipkit.__file__).resolve().parent
    for candidate in (package / f"_{kind}", package.parent / kind):
        if candidate.is_dir():
            return candidate
    raise ReportError(f"no {kind} in {package}: the installation is incomplete, reinstall clipkit")
