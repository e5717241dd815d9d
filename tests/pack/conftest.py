"""A pack as home keeps it, without its media: what tests of the way home need."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_packs import Packs

from clipkit.cli import parse_words


@pytest.fixture(autouse=True)
def data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What tests keep is theirs."""
    folder = tmp_path / "data"
    monkeypatch.setenv("CLIPKIT_DATA", str(folder))
    return folder


@pytest.fixture
def packs(tmp_path: Path) -> Packs:
    def pack(text: str, host: str = "300M-0.5cpu", *more: str) -> Path:
        (tmp_path / "there.toml").write_text(text)
        out = tmp_path / "pack.pyz"
        words = ["pack", str(tmp_path / "there.toml"), "--host", host, "-o", str(out), *more]
        parsed = parse_words(words)
        assert parsed.handler(parsed) == 0
        return out

    return pack
