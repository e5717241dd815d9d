"""What tests of several benchmarks of clips' CPU read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def stored(request: pytest.FixtureRequest) -> dict[str, list[dict[str, Any]]]:
    """The rows of each part of the module's `STORED`."""
    known: dict[str, list[dict[str, Any]]] = json.loads(request.module.STORED.read_text("utf-8"))
    return known


@pytest.fixture(scope="module")
def paragraph() -> str:
    """What experiments/README.md says of scaling and several clips at once, on one line."""
    readme = Path(__file__).parents[2] / "experiments" / "README.md"
    text = readme.read_text("utf-8")
    part = text.partition("## Scaling and several clips at once\n")[2].partition("\n## ")[0]
    return " ".join(part.split())
