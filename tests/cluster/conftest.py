"""A cluster that ends with its test; tests of a module share the scheduler, which takes seconds to start."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from dask_clusters import Cluster


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of one that no test ends."""
    made = Cluster(tmp_path_factory.mktemp("scheduler"))
    made.scheduler()
    try:
        yield made.address
    finally:
        made.close()


@pytest.fixture
def cluster(tmp_path: Path, scheduler: str) -> Iterator[Cluster]:
    made = Cluster(tmp_path, address=scheduler)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def whole_cluster(tmp_path: Path) -> Iterator[Cluster]:
    """With a scheduler of its own, to be lost."""
    made = Cluster(tmp_path)
    made.scheduler()
    try:
        yield made
    finally:
        made.close()
