import json
import os
from pathlib import Path

import inventing_sweep
import pytest

from clipkit.errors import CampaignError
from clipkit.records.folder import is_sweep
from clipkit.report.notebooks.which_campaign import (
    given_or_newest,
    given_or_quick_wins,
    is_complete,
)
from clipkit.resources import folder


def write_campaign(folder: Path, age_s: float, state: str | None = "finished") -> Path:
    """A sweep's folder, last written so long ago."""
    folder.mkdir(parents=True)
    (folder / "experiment.toml").write_text('[run]\nstrategy = "grid"\n', "utf-8")
    (folder / "runs.jsonl").touch()
    if state:
        (folder / "progress.json").write_text(json.dumps(STANDING | {"state": state}), "utf-8")
    os.utime(folder / "runs.jsonl", (2e9 - age_s, 2e9 - age_s))
    return folder


STANDING = {
    "campaign": "a", "pid": 1, "total": 2, "done": 1, "ok": 1, "oom": 0, "inferred": 0,
    "failed": 0, "elapsed_s": 1.0, "eta_s": None, "now": None, "clip": None, "best": None,
    "best_s_per_clip": None, "error": None, "updated_utc": "2025-01-02T03:04:05+00:00",
}  # fmt: skip


def test_a_campaign_that_is_given_is_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    assert given_or_newest("some/where") == tmp_path / "some" / "where"


@pytest.mark.parametrize("here", [".", "notebooks"])
def test_otherwise_the_newest_finished_one_here_or_one_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, here: str
):
    write_campaign(tmp_path / "results" / "older", 500)
    newest = write_campaign(tmp_path / "results" / "newest", 300)
    write_campaign(tmp_path / "results" / "cancelled", 100, "cancelled")
    (tmp_path / "results" / "README.md").touch()
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / here)
    assert given_or_newest("") == newest


def test_a_damaged_one_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    whole = write_campaign(tmp_path / "results" / "whole", 500)
    for damage in ("{", "{}", "[]"):
        folder = write_campaign(tmp_path / "results" / f"damaged{damage}", 100)
        (folder / "progress.json").write_text(damage, "utf-8")
    for damage in ("name =", "run = 3"):
        folder = write_campaign(tmp_path / "results" / damage, 100, None)
        (folder / "experiment.toml").write_text(damage, "utf-8")
    monkeypatch.chdir(tmp_path)
    assert given_or_newest("") == whole


def test_without_any_it_is_the_reference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    assert given_or_newest("") == folder("results") / "reference-grid"
    assert given_or_quick_wins("") == folder("results") / "quick-wins"
    mine = write_campaign(tmp_path / "results" / "quick-wins", 0)
    assert given_or_quick_wins("") == mine


def test_a_sweep_without_a_word_on_its_progress_counts_as_it_is(tmp_path: Path):
    assert is_complete(inventing_sweep.write(tmp_path / "sweep"))
    assert not is_complete(write_campaign(tmp_path / "running", 0, "running"))
    assert not is_complete(tmp_path)


def test_a_tuning_is_no_sweep(campaign: Path, tmp_path: Path):
    (campaign / "experiment.toml").write_text('[run]\nstrategy = "tune"\n', "utf-8")
    assert not is_sweep(campaign)
    assert is_complete(campaign)
    (campaign / "recommendation.json").unlink()
    assert not is_complete(campaign)
    assert is_sweep(inventing_sweep.write(tmp_path / "sweep"))
    (campaign / "experiment.toml").write_text("name =", "utf-8")
    with pytest.raises(CampaignError, match=r"experiment\.toml cannot be read"):
        is_sweep(campaign)
