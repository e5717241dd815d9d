"""How a sweep stands, as its folder says it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from clipkit.campaign.standing import read_standing
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
