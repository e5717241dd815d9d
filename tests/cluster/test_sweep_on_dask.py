"""`clipkit sweep --dask` with the real pack, the real engine, and workers to which clipkit is not installed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from dask_clusters import Cluster

from clipkit.campaign.standing import read_standing
from clipkit.records.folder import read_environment_file, read_records
from clipkit.records.status import Status

pytest.importorskip("distributed", reason="the extra clipkit[cluster] is not installed")

EXPERIMENT = """
name = "small"
[job]
uploads = "FILM"
clips = 2
length_s = 1
[host]
memory = "512M"
cpus = 1
[settings]
preset = ["ultrafast", "veryfast"]
[run]
blocks = 3
"""


def sweep(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "clipkit", "sweep", "small.toml", "--json", *words],
        cwd=folder,
        env={**os.environ, "CLIPKIT_ACCEPT_NOISE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def there(tmp_path: Path, small: Path) -> Path:
    (tmp_path / "small.toml").write_text(EXPERIMENT.replace("FILM", str(small)))
    return tmp_path


def test_a_campaign_of_a_cluster_is_one_like_any_other(there: Path, cluster: Cluster) -> None:
    cluster.worker("one")
    cluster.worker("two")
    done = sweep(there, "--dask", cluster.address)
    assert not done.returncode, done.stderr
    told = json.loads(done.stdout)
    folder = Path(told["campaign"])
    stored = read_records(folder)
    assert Counter((r.cell, r.block) for r in stored if r.status is Status.OK) == {
        (r.cell, block): 1 for r in stored for block in range(3)
    }
    machines = {r.host_id for r in stored}
    environment = read_environment_file(folder)
    assert machines <= {environment["host_id"], *environment.get("machines", {})}
    assert "is there" in done.stderr
    stands = read_standing(folder)
    assert sum(stands.machines.values()) == stands.ok == len(stored)
    assert stands.machines.keys() <= {"one", "two"}
    assert all(f"{name}: block " in done.stderr for name in stands.machines)
    again = sweep(there, "--dask", cluster.address)
    assert not again.returncode
    assert len(read_records(folder)) == len(stored)


def test_what_has_no_blocks_is_refused(there: Path) -> None:
    text = (there / "small.toml").read_text().replace("blocks = 3", "trials = 3")
    (there / "small.toml").write_text(text.replace("[run]", "[run]\nstrategy = 'random'"))
    done = sweep(there, "--dask", "tcp://127.0.0.1:9")
    assert done.returncode == 2
    assert "only the strategy 'grid'" in done.stderr


def test_an_address_that_is_empty_is_wrong_use_and_measures_nothing_here(there: Path) -> None:
    """Of a variable that is not set."""
    done = sweep(there, "--dask", "")
    assert done.returncode == 2
    assert "--dask names no scheduler" in done.stderr
    assert not (there / "results").exists()
