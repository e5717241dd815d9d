"""How a sweep stands, as its folder says it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from clipkit.campaign.standing import read_standing, running_words
from clipkit.errors import CampaignError


def test_a_folder_without_a_sweep_is_told(tmp_path: Path) -> None:
    with pytest.raises(CampaignError, match="no sweep has been started there"):
        read_standing(tmp_path)
    (tmp_path / "progress.json").write_text("{}")
    with pytest.raises(CampaignError, match="cannot be read"):
        read_standing(tmp_path)


@pytest.mark.parametrize("name", ["reference-grid", "quick-wins"])
def test_one_that_an_older_clipkit_wrote_is_understood(name: str) -> None:
    """Shards were none then."""
    folder = Path(__file__).resolve().parents[2] / "results" / name
    assert "shard" not in json.loads((folder / "progress.json").read_text())
    assert (read_standing(folder).state, read_standing(folder).shard) == ("finished", None)
    assert (read_standing(folder).machines, read_standing(folder).running) == ({}, {})


def test_what_machines_do_is_told_in_a_line_however_many_they_are() -> None:
    boot = "1c2f8f5a-8a55-4b0e-9d0e-1d2c3b4a5968"
    told = running_words({"one": "block 1", boot: "block 2"})
    assert told == "one: block 1; 1c2f8f5a: block 2"
    many = {f"m{number}": f"block {number}" for number in range(6)}
    assert (
        running_words(many) == "m0: block 0; m1: block 1; m2: block 2; m3: block 3; 2 more machines"
    )
    assert running_words({}) is None
