"""Lives and loads of services as lines of a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from stored_campaigns import RESULTS

from clipkit.errors import CampaignError
from clipkit.records.service_lives import append_start, read_lives

STORED = RESULTS / "services" / "memory.jsonl"


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    lives = read_lives(STORED)
    for life in lives:
        append_start(tmp_path / "new" / "memory.jsonl", life)
    assert read_lives(tmp_path / "new" / "memory.jsonl") == lives


@pytest.mark.parametrize(
    "change", [{"arrivals": 3}, {"arrivals": [{"told": "x"}]}, {"arrivals": ["x"]}, {"more": 1}]
)
def test_a_line_that_is_no_life_is_named(tmp_path: Path, change: dict[str, Any]) -> None:
    first = STORED.read_text("utf-8").splitlines()[0]
    wrong = json.dumps(json.loads(first) | change)
    file = tmp_path / "memory.jsonl"
    file.write_text(f"{first}\n{wrong}\n[1]\n", "utf-8")
    with pytest.raises(CampaignError, match=r"line 2 is no record of a ServiceLife"):
        read_lives(file)
