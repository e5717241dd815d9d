"""`clipkit sweep` with services as subjects, and what reads such a campaign: resume, report, compare."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from running import clipkit, groups_of, processes_with, start, until
from serving_small import small_backends, unbuilt

import clipkit as package

EXPERIMENT = """
[job]
uploads = "{upload}"
clips = 2
length_s = 0.5
[subject]
name = "service"
service = ["one", "other"]
rest_s = 0.3
[host]
memory = "256M"
cpus = 1
[settings]
concurrency = [1, 2]
[run]
blocks = {blocks}
"""


@pytest.fixture
def backends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = small_backends(tmp_path / "backends", one=(), other=("hold=30",))
    monkeypatch.setenv("CLIPKIT_BACKENDS", str(folder))
    return folder


@pytest.fixture
def asked(small: Path, tmp_path: Path, backends: Path) -> Callable[..., Path]:
    """`asked(blocks=2)`: an experiment's file."""

    def written(blocks: int = 1) -> Path:
        path = tmp_path / "serving.toml"
        path.write_text(EXPERIMENT.format(upload=small, blocks=blocks))
        return path

    return written


def rows(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "runs.jsonl").read_text().splitlines()]


def test_a_campaign_of_services_is_swept_stopped_resumed_and_read(
    asked: Callable[..., Path], tmp_path: Path
) -> None:
    folder = tmp_path / "results" / "serving"
    with start("sweep", asked(blocks=2), cwd=tmp_path) as process:
        until(lambda: (folder / "runs.jsonl").exists() and len(rows(folder)) >= 2)
        process.kill()
    until(lambda: not processes_with(f"{folder}/"))
    ran = clipkit("sweep", asked(blocks=2), "--json", cwd=tmp_path)
    assert ran.code == 0, ran.err
    assert (ran.json["total"], ran.json["ok"]) == (8, 8)
    assert 0 < ran.json["ran"] < 8
    assert not groups_of(ran.pid)
    assert not processes_with(str(tmp_path / "backends"))
    stored = rows(folder)
    assert set(Counter((row["cell"], row["block"]) for row in stored).values()) == {1}
    assert {row["service"] for row in stored} == {"one", "other"}
    assert not list(folder.glob(".*"))

    campaign = package.load(folder)
    assert len(campaign.cells) == 4
    assert set(campaign.cells["service"]) == {"one", "other"}
    only = campaign.part(service="other")
    assert set(only.table["service"]) == {"other"}
    held = campaign.table.groupby("service")["service_after_bytes"].median()
    assert held["other"] > held["one"] + (20 << 20)
    samples = campaign.samples.dropna(subset=["service_bytes"])
    assert set(samples["run_id"]) == {row["run_id"] for row in stored}

    reported = clipkit("report", folder, cwd=tmp_path)
    assert reported.code == 0, reported.err
    page = (folder / "report.html").read_text("utf-8")
    assert "other" in page
    assert "clipkit's own engine takes" not in page

    other = clipkit("sweep", asked(blocks=1), "--as", "again", "--json", cwd=tmp_path)
    assert other.code == 0, other.err
    compared = clipkit("compare", folder, other.json["campaign"], "--json", cwd=tmp_path)
    assert compared.code == 0, compared.err
    assert len(compared.json["pairs"]) == 4
    told = {pair["words"] for pair in compared.json["pairs"]}
    assert told == {f"{name}, concurrency {count}" for name in ("one", "other") for count in (1, 2)}


def test_one_that_is_not_built_is_wrong_use_before_anything_is_run(
    asked: Callable[..., Path], backends: Path, tmp_path: Path
) -> None:
    unbuilt(backends, "other")
    ran = clipkit("sweep", asked(), cwd=tmp_path)
    assert ran.code == 2
    assert ran.complaint.endswith("other is not built: type clipkit backends build other")
    assert not (tmp_path / "results").exists()


def test_a_dry_run_counts_the_time_that_visits_take(
    asked: Callable[..., Path], tmp_path: Path
) -> None:
    ran = clipkit("sweep", asked(blocks=3), "--dry-run", "--json", cwd=tmp_path)
    assert ran.code == 0, ran.err
    assert ran.json["trials"] == 12
    assert ran.json["time_s"] > 12 * 2 * 0.3
