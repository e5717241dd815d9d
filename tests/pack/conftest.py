"""A pack as home keeps it, without its media: what tests of the way home need."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What tests keep is theirs."""
    folder = tmp_path / "data"
    monkeypatch.setenv("CLIPKIT_DATA", str(folder))
    return folder
