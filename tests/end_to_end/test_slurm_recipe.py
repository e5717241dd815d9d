"""The recipe for Slurm on a Slurm: three shards, each on a node of its own, become one campaign."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import slurm
from recipe_files import RECIPES
from running import until


def test_three_shards_become_one_campaign(small: Path, tmp_path: Path) -> None:
    experiment = tmp_path / "trying.toml"
    experiment.write_text(
        f"name = 'trying'\n[job]\nuploads = '{small}'\nclips = 1\nlength_s = 0.5\n[host]\nmemory = '256M'\n"
        "[settings]\nencoder_threads = [1, 2]\n[run]\nblocks = 3\n"
    )
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "clipkit").write_text(f'#!/bin/sh\nexec {sys.executable} -m clipkit "$@"\n')
    (programs / "clipkit").chmod(0o755)
    results = tmp_path / "with a space" / "results"
    (folder := tmp_path / "slurm").mkdir()
    with slurm.cluster(folder) as environment:
        environment["PATH"] = f"{programs}{os.pathsep}{environment['PATH']}"
        for already in (0, 6):
            rows = _rows(results)
            assert len(rows) == already
            subprocess.run(
                [RECIPES / "slurm.sh", experiment, "3", results], env=environment, check=True
            )
            until(lambda: not slurm.queue(environment), patience_s=300)
    done = {(row["cell"], row["block"]) for row in _rows(results)}
    assert len(_rows(results)) == len(done) == 6
    logs = results / "shards"
    assert sorted(path.name for path in logs.iterdir()) == sorted(
        [*"123", *(f"{k}.log" for k in "123")]
    )
    for k in "123":
        assert len(_rows(logs / k)) == 2, (logs / f"{k}.log").read_text()


def _rows(results: Path) -> list[dict[str, object]]:
    runs = results / "trying" / "runs.jsonl"
    return [json.loads(line) for line in runs.read_text().splitlines()] if runs.exists() else []
